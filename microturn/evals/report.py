"""A report to look at: one HTML file that asks for nothing from outside, of one run or several.

The first run is shown in full (floor timelines, the worst episodes with their sound); the others
stand beside it in the tables.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from microturn.evals import report_svg as draw
from microturn.evals.episode import Episode, read_episodes
from microturn.evals.panel_table import panel_html
from microturn.evals.play import input_track
from microturn.evals.record import Trace, read_traces
from microturn.evals.report_scores import group_section
from microturn.evals.report_svg import esc
from microturn.evals.summary import agreement_line
from microturn.signal.wav import read_wav, to_rate
from microturn.turns import INPUT_RATE_HZ, FloatArray

REPORT = "report.json"
LONGEST_S = 30  # of the sound of one episode in the report
MANY_RUNS = 3  # more of them need broader tables
NOTES = """
Each score is a rule on what came in and what was heard; no model judges unless a grader says so.
Intervals are 95 % percentile bootstrap over whole episodes. The user's side is fixed beforehand:
what falls into the system's speech falls where it would if the system spoke as the reference does.
Episodes are made of the scenarios in sentences and voices that training never sees; seeds are in
the report's data. Differences are to the first system, in points, on the conversations of both;
pale where the interval holds zero. A latency is from the user's last sound to the first sound of
the reply.
"""


@dataclass(frozen=True)
class RunFolder:
    """What `eval` wrote for one run."""

    path: Path
    report: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """Raises ValueError where the folder holds no run."""
        file = path / REPORT
        if not file.is_file():
            raise ValueError(f"no run at {path}: want a folder that `microturn eval` wrote")
        try:
            return cls(path, json.loads(file.read_text(encoding="utf-8")))
        except json.JSONDecodeError as error:
            raise ValueError(f"{file} is damaged: {error}") from error

    def all_pairs(self) -> Iterator[tuple[Episode, Trace]]:
        """Every episode that was played, with its trace."""
        traces = {t.episode: t for t in read_traces(self.path / "traces.jsonl")}
        for episode in read_episodes(self.path / "episodes.jsonl"):
            if episode.id in traces:
                yield episode, traces[episode.id]

    def pairs(self, wanted: Sequence[str]) -> dict[str, tuple[Episode, Trace]]:
        """Episodes and traces of these ids."""
        return {e.id: (e, t) for e, t in self.all_pairs() if e.id in wanted}

    def sounds(self, episode: Episode, trace: Trace) -> tuple[FloatArray, FloatArray]:
        """Both sides at 16 kHz, of one length; silence where a file is gone."""
        num = episode.end_ms * INPUT_RATE_HZ // 1000
        try:
            user = input_track(episode, Path(self.report.get("media", self.path / "media")))
        except (ValueError, OSError):
            user = np.zeros(num, dtype=np.float32)
        own = np.zeros(num, dtype=np.float32)
        place = self.path / "answers" / (trace.audio.uri if trace.audio else "-")
        if place.is_file():
            sound, rate_hz = read_wav(place)
            sound = to_rate(sound, rate_hz, INPUT_RATE_HZ)[:num]
            own[: len(sound)] = sound
        return user, own


def spoken_uri(user: FloatArray, own: FloatArray) -> str:
    """Both sides as a data URI: the user left, the system right."""
    both = np.stack([user, own], axis=1)[: LONGEST_S * INPUT_RATE_HZ]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(both, -1, 1), INPUT_RATE_HZ, format="MP3")
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


@cache
def style() -> str:
    return (Path(__file__).parent / "report_style.css").read_text(encoding="utf-8")


# ---- parts of the page


def head(runs: Sequence[RunFolder]) -> str:
    """Who was measured on what."""
    first = runs[0].report
    names = [run.report["system"] for run in runs]
    lines = []
    for run in runs:
        facts = run.report
        cost = facts.get("compute")
        tick = (
            f", a tick takes {cost['median_ms']:.0f} ms (p95 {cost['p95_ms']:.0f} ms)"
            if cost
            else ""
        )
        missed = (
            f', <b class="bad">{len(facts["failures"])} failed</b>' if facts["failures"] else ""
        )
        late = f", {facts['not_played']} not played" if facts["not_played"] else ""
        lines.append(
            f"<p><b>{esc(facts['system'])}</b> <span class='soft'>{facts['played']} of "
            f"{facts['episodes']} episodes{late}{missed}, {facts['minutes']:.1f} minutes, clock "
            f"{esc(facts['clock'])}, {esc(facts['vad'])}{tick}</span></p>"
        )
    return (
        f"<h1>{esc(' · '.join(names))}</h1><p class='soft'>microturn evaluation: "
        f"{esc(first['dataset'])}, {esc(first['suite'])} · voices {esc(first['voices'])} · seed "
        f"{first['seed']}</p>{''.join(lines)}"
    )


def overview(runs: Sequence[RunFolder]) -> str:
    """The radar over the groups that every run played, and the skills of all."""
    known = [{g["name"]: g["skills"] for g in run.report["groups"] if g["skills"]} for run in runs]
    titles = {g["name"]: g["title"] for run in runs for g in run.report["groups"]}
    names = list(dict.fromkeys(name for groups in known for name in groups))
    axes = [name for name in names if all(name in groups for groups in known)]
    if not names:
        return ""
    series = {
        f"{number} {run.report['system']}": [
            sum(groups[name].values()) / len(groups[name]) for name in axes
        ]
        for number, (run, groups) in enumerate(zip(runs, known, strict=True))
    }
    picture = draw.radar([titles[name] for name in axes], series) if len(axes) > 2 else ""
    blocks = "".join(
        f"<table class='skills'>{skill_row(name, titles[name], runs)}</table>" for name in names
    )
    wide = " wide" if len(runs) > MANY_RUNS else ""
    return (
        "<h2>By skill</h2><div class='card'>"
        + draw.legend([run.report["system"] for run in runs])
        + f"<div class='radar'>{picture}</div><div class='columns{wide}'>{blocks}</div>"
        "<small>The mean of a group's shares, error rates turned round; latencies and judges are "
        "left out.</small></div>"
    )


def skill_row(name: str, title: str, runs: Sequence[RunFolder]) -> str:
    """One line a skill of a group."""
    known = [{g["name"]: g["skills"] for g in run.report["groups"]}.get(name, {}) for run in runs]
    skills = list(dict.fromkeys(skill for skills in known for skill in skills))
    rows = ""
    for skill in skills:
        cells = "".join(
            f"<td class='num'>{100 * s[skill]:.0f} %</td>"
            if skill in s
            else "<td class='num'>-</td>"
            for s in known
        )
        rows += f"<tr><td>{esc(skill.replace('_', ' '))}</td>{cells}</tr>"
    dots = "".join(
        f"<th class='num'><i class='dot s{number % draw.NUM_COLOURS}'></i></th>"
        for number in range(len(runs) if len(runs) > 1 else 0)
    )
    return f"<tr><th>{esc(title)}</th>{dots}</tr>{rows}"


def latencies(runs: Sequence[RunFolder]) -> str:
    """How long replies took, over all groups in which there are turns."""
    parts = []
    for number, run in enumerate(runs):
        groups = run.report["groups"]
        found = [ms for group in groups for ms in group["latencies_ms"]]
        if found:
            middle = sorted(found)[len(found) // 2]
            parts.append(
                f"<div><p>{esc(run.report['system'])}: median {middle} ms <small>n {len(found)}"
                f"</small></p>{draw.histogram(found, number)}</div>"
            )
    if not parts:
        return ""
    return (
        "<h2>Time to reply</h2><div class='card'><div class='pair'>" + "".join(parts) + "</div>"
        "<small>From the user's last sound; before the dashed line the user was cut off."
        "</small></div>"
    )  # fmt: skip


def one_episode(
    run: RunFolder, episode: Episode, trace: Trace, faults: Sequence[str] | None
) -> str:
    """A floor timeline; with faults also the sound."""
    user, own = run.sounds(episode, trace)
    picture = draw.floor_timeline(episode, trace, user, own)
    sound = lines = ""
    if faults is not None:
        sound = f"<audio controls preload='none' src='{spoken_uri(user, own)}'></audio>"
        lines = "<ul>" + "".join(f"<li>{esc(fault)}</li>" for fault in faults[:8]) + "</ul>"
    told = f"<p class='soft'>instructions: {esc(episode.system.instructions)}</p>"
    order = told if episode.system.instructions else ""
    return f"<div class='card'><h3>{esc(episode.id)}</h3>{order}{picture}{sound}{lines}</div>"


def episodes_part(run: RunFolder) -> str:
    """One timeline a group, and the worst episodes with their sound."""
    bad = {entry["id"]: entry["faults"] for entry in run.report["worst"]}
    known = run.pairs(list(bad))
    firsts = {group["name"]: "" for group in run.report["groups"]}
    for trace in read_traces(run.path / "traces.jsonl"):
        name = trace.episode.partition("/")[0]
        if not firsts.get(name, "-") and trace.episode not in bad:
            firsts[name] = trace.episode
    examples = run.pairs([id for id in firsts.values() if id])
    page = ""
    if bad:
        page += f"<h2>Listen to the {len(bad)} worst</h2>"
        page += "<p class='soft'>User left, system right.</p>"
        page += "".join(
            one_episode(run, *known[id], faults) for id, faults in bad.items() if id in known
        )
    if examples:
        page += "<h2>Who had the floor</h2>"
        page += "".join(one_episode(run, *pair, None) for pair in examples.values())
    return page


def remarks(runs: Sequence[RunFolder]) -> str:
    """What failed, what is left out, how it was measured."""
    page = f"<h2>How this was measured</h2><div class='card'><p>{esc(NOTES.strip())}</p>"
    for run in runs:
        for reason in run.report["omitted"]:
            page += f"<p>Omitted for {esc(run.report['system'])}: {esc(reason)}</p>"
        for one in run.report.get("agreement", ()):
            page += f"<p>{esc(run.report['system'])}: {esc(agreement_line(one))}.</p>"
        if run.report["failures"]:
            items = "".join(
                f"<li>{esc(f['status'])}: {esc(f['id'])}: {esc(f['reason'])}</li>"
                for f in run.report["failures"]
            )
            page += f"<p class='bad'>{esc(run.report['system'])}:</p><ul>{items}</ul>"
    return page + "</div>"


def page_of(runs: Sequence[RunFolder]) -> str:
    """The whole page."""
    names = [g["name"] for run in runs for g in run.report["groups"] if g["played"] or g["failed"]]
    reports = [run.report for run in runs]
    groups = "".join(group_section(name, reports) for name in dict.fromkeys(names))
    title = " · ".join(run.report["system"] for run in runs)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{esc(title)}</title><style>{style()}</style></head><body>"
        f"{head(runs)}{overview(runs)}<h2>Scores</h2>{groups}"
        f"{panel_html(reports)}{latencies(runs)}"
        f"{episodes_part(runs[0])}{remarks(runs)}</body></html>\n"
    )


def write_report(path: Path, folders: Sequence[Path]) -> None:
    """Write the page of these runs. Raises ValueError where one of the folders is none."""
    runs = [RunFolder.read(folder) for folder in folders]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_of(runs), encoding="utf-8")
