"""Measured conversations as text, micro-turn by micro-turn: what the user said, what the model
wrote down, what it said, who had the floor, what was expected, and the scores.

    python -m microturn.evals.transcript out/eval/nano-card > docs/transcripts.md

The folder is one that `microturn eval` wrote. Without names the best, the median and the worst
conversation are taken, by the mean of their group's shares (as the report ranks them), among those
in which the model spoke; equal ones in the order of their names. So nobody's taste chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from tyro.conf import Positional

from microturn.evals.episode import Episode, Expect, read_episodes
from microturn.evals.groups import GROUPS
from microturn.evals.record import Score, Trace, read_scores, read_traces
from microturn.evals.runner import Played
from microturn.evals.summary import goodness, official_groups
from microturn.evals.timeline import play_times

HEADER = (
    "| s | user says | user | model | model writes as heard | model says | expected |\n"
    "|---|---|---|---|---|---|---|"
)
MAX_ACCEPTED = 3  # accepted forms that are shown of an expectation
TYPES = {"text": "typed", "video": "pictures"}


@dataclass(frozen=True)
class Transcripts:
    """Conversations of one evaluation as Markdown."""

    folder: Positional[Path]  # what `microturn eval ... --out` wrote
    episodes: tuple[str, ...] = ()  # by name; none: the best, the median and the worst
    title: str = "Three conversations of nano"


@dataclass
class Row:
    """One micro-turn: 200 ms from `start_ms` on."""

    start_ms: int
    user: list[str] = field(default_factory=list[str])
    heard: str = ""
    said: list[str] = field(default_factory=list[str])
    has_user: bool = False
    has_model: bool = False
    due: list[str] = field(default_factory=list[str])

    @property
    def is_eventful(self) -> bool:
        return bool(self.user or self.heard.strip() or self.said or self.due)

    @property
    def floor(self) -> tuple[bool, bool]:
        return self.has_user, self.has_model

    def line(self, until_ms: int) -> str:
        """A row of the table; where nothing happened, of all rows up to `until_ms`."""
        cells = (
            f"{self.start_ms / 1000:.1f}"
            + ("" if self.is_eventful else f" to {until_ms / 1000:.1f}"),
            " ".join(self.user),
            "▮" if self.has_user else "",
            "▮" if self.has_model else "",
            self.heard.strip(),
            " ".join(self.said),
            "; ".join(self.due),
        )
        return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def escaped(text: str) -> str:
    """Text that breaks no table of Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def load(folder: Path) -> list[Played]:
    """The conversations of an evaluation with their traces and scores.

    Raises ValueError where the folder holds none.
    """
    files = [folder / f"{name}.jsonl" for name in ("episodes", "traces", "scores")]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise ValueError(f"{folder} holds no {', '.join(missing)}: give the --out of an eval")
    traces = {trace.episode: trace for trace in read_traces(files[1])}
    scores: dict[str, list[Score]] = {}
    for score in read_scores(files[2]):
        scores.setdefault(score.episode, []).append(score)
    return [
        Played(one.id, "played", "", one, traces[one.id], tuple(scores.get(one.id, ())))
        for one in read_episodes(files[0])
        if one.id in traces
    ]


def ranked(played: Sequence[Played]) -> list[tuple[float, Played]]:
    """Conversations in which the model spoke, worst first, each with its goodness."""
    groups = {group.name: group for group in (*official_groups(played), *GROUPS)}
    found: list[tuple[float, Played]] = []
    for one in played:
        value = goodness(groups[one.id.partition("/")[0]], one)
        if value is not None and one.trace is not None and one.trace.utterances:
            found.append((value, one))
    return sorted(found, key=lambda pair: (pair[0], pair[1].id))


def chosen(played: Sequence[Played], names: Sequence[str]) -> list[tuple[str, Played]]:
    """(how it was chosen, conversation). Raises ValueError for an unknown name, and where the model
    spoke in fewer than three."""
    by_name = {one.id: one for one in played}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ValueError(f"no conversation {', '.join(unknown)} was played here")
    if names:
        return [("by name", by_name[name]) for name in names]
    order = ranked(played)
    if len(order) < 3:
        raise ValueError(f"the model spoke in {len(order)} conversations: three are needed")
    picks = {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}
    return [(f"{how}, {value:.0%} right", one) for how, (value, one) in picks.items()]


def rows_of(episode: Episode, trace: Trace) -> list[Row]:
    """Every micro-turn of a conversation; what the model gives stands where it is heard."""
    step_ms = trace.system.tick_ms
    rows = [Row(start_ms) for start_ms in range(0, episode.end_ms, step_ms)]

    def at(time_ms: int) -> Row:
        return rows[min(max(time_ms, 0) // step_ms, len(rows) - 1)]

    for segment in episode.segments:
        if segment.kind == "pause":
            continue
        words = segment.words or ((f"[{segment.kind}] {segment.text or ''}", segment.t0, 0),)
        for text, start_ms, _ in words:
            at(start_ms).user.append(text)
        for row in rows:
            is_inside = row.start_ms < segment.t1 and segment.t0 < row.start_ms + step_ms
            row.has_user |= is_inside and segment.kind != "visual_event"
    for track in episode.tracks:
        if track.kind != "audio":
            kind = "result" if track.role == "tool" else TYPES[track.kind]
            at(track.at_ms).user.append(f"[{kind}] {track.text or ''}".strip())
    for tick, play_ms in zip(trace.ticks, play_times(trace.ticks, trace.system), strict=True):
        at(tick.in_ms[0]).heard += tick.heard or ""
        if tick.text.strip():
            at(play_ms).said.append(tick.text.strip())
        if tick.delegate is not None:
            at(play_ms).said.append(f"[hands over: {tick.delegate.strip()}]")
        if tick.voiced_ms is not None:
            at(play_ms).has_model = True
    for expect in episode.expect:
        if expect.window is not None:
            at(expect.window[0]).due.append(f"{expect.id} begins")
            at(expect.window[1]).due.append(f"{expect.id} ends")
    return rows


def merged(rows: Sequence[Row]) -> list[str]:
    """Rows as lines; those in which nothing happens and nobody's floor changes as one."""
    step_ms = rows[1].start_ms - rows[0].start_ms if len(rows) > 1 else 0
    lines: list[str] = []
    quiet: list[Row] = []

    def close() -> None:
        if quiet:
            lines.append(quiet[0].line(quiet[-1].start_ms + step_ms))
            quiet.clear()

    for row in rows:
        if row.is_eventful or (quiet and row.floor != quiet[0].floor):
            close()
        if row.is_eventful:
            lines.append(row.line(row.start_ms))
        else:
            quiet.append(row)
    close()
    return lines


def wish(expect: Expect) -> str:
    """One expectation in a line."""
    line = f"{expect.id}: {expect.do.replace('_', ' ')}"
    if expect.on is not None:
        line += f" on {expect.on}"
    if expect.window is not None:
        line += f", {expect.window[0] / 1000:.1f} to {expect.window[1] / 1000:.1f} s"
    if expect.value is not None:
        line += f", {expect.value}"
    forms = [each if isinstance(each, str) else " / ".join(each) for each in expect.accept]
    if forms:
        more = f" and {len(forms) - MAX_ACCEPTED} more" if len(forms) > MAX_ACCEPTED else ""
        line += ": " + ", ".join(f'"{form}"' for form in forms[:MAX_ACCEPTED]) + more
    return line


def judged(score: Score) -> str:
    """One score in a line."""
    value = "" if score.value is None else f" ({score.value:.2f})"
    late = "" if score.latency_ms is None else f", {score.latency_ms} ms"
    return f"{score.metric}: {score.outcome.replace('_', ' ')}{value}{late}"


def transcript(how: str, one: Played) -> str:
    """One conversation as Markdown."""
    assert one.episode is not None and one.trace is not None
    lines = [f"## `{one.id}` ({how})", ""]
    if one.episode.system.instructions:
        lines += [f"Instructions: {one.episode.system.instructions}", ""]
    lines += [HEADER, *merged(rows_of(one.episode, one.trace)), ""]
    lines += ["Expected:", "", *(f"- {wish(expect)}" for expect in one.episode.expect), ""]
    lines += ["Scores:", "", *(f"- {text}" for text in dict.fromkeys(map(judged, one.scores))), ""]
    return "\n".join(lines)


def page(options: Transcripts) -> str:
    """The whole page. Raises ValueError as `load` and `chosen` do."""
    picks = chosen(load(options.folder), options.episodes)
    system = next(one.trace.system for _, one in picks if one.trace is not None)
    intro = (
        f"# {options.title}\n\n"
        f"`{system.name}`, {system.clock}, made by `python -m microturn.evals.transcript` "
        "from the traces of\n`microturn eval`. "
        "The best, the median and the worst by their scores, among the conversations in\nwhich the "
        "model spoke; nobody chose by taste. Words of the user stand where they begin, what the "
        "model writes down\nwhere it writes it, what it says where it is heard; ▮ is sound. A row "
        "is a micro-turn of 200 ms, or several in which\nnothing changes.\n"
    )
    return "\n".join([intro, *(transcript(how, one) for how, one in picks)]).rstrip() + "\n"


if __name__ == "__main__":
    print(page(tyro.cli(Transcripts)), end="")
