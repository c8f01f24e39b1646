"""Whether generated conversations are what they should be: `microturn data check`.

Each conversation is laid out and its text written as for training; a few are rendered as well. A
fault is a line that says what is wrong; there should be none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from microturn.data.balance import PUBLISHED, Balance, share
from microturn.data.bank import Bank, DamagedClip
from microturn.data.kept import Kept, bare, kept, put
from microturn.data.loader import EPISODE_MS, Skipped, plan, weights
from microturn.data.render import HEARD_LAG_MS, Episode, lanes, render
from microturn.data.split import split_of
from microturn.data.timeline import Event, Timeline, utterance_of
from microturn.data.voices import may_train
from microturn.scenarios import families
from microturn.sequence import MAX_TEXT_TOKENS, split_lanes
from microturn.signal.dmel import NUM_DMEL_BINS
from microturn.signal.text import Text, normalise
from microturn.turns import MICRO_TURN_MS

LATEST_TURNS = 3  # from the end of a word to its last letter in the transcript
LATE_SHARE = 0.02  # of the words may be later, where the model's own text goes first
MOST_SHOWN = 20  # faults of a kind
Line = tuple[int, ...]


@dataclass
class Report:
    """Faults by kind, and delays of the transcript in micro-turns."""

    faults: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    num_faults: Counter[str] = field(default_factory=Counter[str])
    delays: Counter[int] = field(default_factory=Counter[int])

    def add(self, kind: str, line: str) -> None:
        """Note one fault."""
        self.num_faults[kind] += 1
        if self.num_faults[kind] <= MOST_SHOWN:
            self.faults.setdefault(kind, []).append(line)


def time_faults(timeline: Timeline) -> Iterator[tuple[str, str]]:
    """Everything lies inside the episode, own speech on the grid and never over itself."""
    until_ms = timeline.duration_ms
    items = (*timeline.events, *timeline.typed, *timeline.delegated, *timeline.written)
    for item in (*items, *timeline.marks):
        if not 0 <= item.onset_ms < until_ms:
            yield "outside", f"{type(item).__name__} at {item.onset_ms} ms of {until_ms}"
    for expect in timeline.expects:
        first_ms, last_ms = expect.window_ms
        if not 0 <= first_ms <= last_ms <= until_ms:
            yield "outside", f"{expect.do} is expected {first_ms} to {last_ms} ms of {until_ms}"
        onsets = (item.onset_ms for item in (*timeline.events, *timeline.typed, *timeline.marks))
        if expect.on_ms is not None and expect.on_ms not in onsets:
            yield "expectation", f"{expect.do} answers nothing: nothing begins at {expect.on_ms} ms"
    own = sorted((e for e in timeline.events if e.side == "own"), key=lambda e: e.onset_ms)
    for event in own:
        if event.onset_ms % MICRO_TURN_MS:
            yield "grid", f"own {event.text!r} begins at {event.onset_ms} ms"
        if event.cut_ms is not None and event.cut_ms % MICRO_TURN_MS:
            yield "grid", f"own {event.text!r} is cut at {event.cut_ms} ms"
    for before, after in pairwise(own):
        if after.onset_ms < before.audible_end_ms:
            yield "own overlap", f"{after.text!r} begins before the end of {before.text!r}"
    for event in timeline.events:
        if event.cut_ms is not None and event.cut_ms < event.onset_ms:
            yield "outside", f"{event.text!r} is cut before it begins"


def word_faults(event: Event, bank: Bank) -> Iterator[tuple[str, str]]:
    """Words lie in the sound, in order, and the event is as long as its sound."""
    utterance = utterance_of(event, bank)
    length_ms, before_ms = utterance.duration_ms, 0
    if event.end_ms - event.onset_ms != length_ms:
        yield "length", f"{event.text!r} takes {event.end_ms - event.onset_ms} ms, not {length_ms}"
    for word in utterance.words:
        if not 0 <= word.start_ms <= word.end_ms <= length_ms or word.start_ms < before_ms:
            place = f"{word.start_ms} to {word.end_ms} ms of {length_ms}"
            yield "words", f"{word.text!r} of clip {event.clip.key} is at {place}"
        before_ms = word.start_ms


def split_faults(timeline: Timeline, known: Kept) -> Iterator[tuple[str, str]]:
    """Nothing that evaluation keeps is said in training: voices, phrasings, sentences."""
    for event in timeline.events:
        if event.side != "own" and not may_train(event.clip.voice):
            yield "voice", f"{event.clip.voice} is kept for evaluation (clip {event.clip.key})"
        if event.clip.split != "train":
            yield "voice", f"clip {event.clip.key} is kept for {event.clip.split}"
        text = normalise(event.text)
        if text not in known.listed and split_of(text) == "eval":
            yield "sentence", f"{text!r} is kept by its letters"
    for text in put(timeline):
        keeper = known.texts.get(normalise(text))
        if keeper is not None and keeper not in timeline.families:
            yield "phrasing", f"{text!r} is kept by {keeper}, and said in {timeline.families}"
        # what is typed may have an order before it: "write this. ..."
        if bare([text, text.partition(". ")[2], text.partition(": ")[2]]) & known.sentences:
            yield "sentence", f"{text!r} holds a sentence that the corpus keeps"


def line_faults(lines: Sequence[Line], text: Text) -> Iterator[tuple[str, str]]:
    """No micro-turn has more text than there is room for."""
    for index, ids in enumerate(lines):
        if len(ids) > MAX_TEXT_TOKENS:
            yield "lanes", f"micro-turn {index} has {len(ids)} tokens: {text.decode(list(ids))!r}"


def transcript_delays(
    timeline: Timeline, bank: Bank, text: Text, lines: Sequence[Line]
) -> tuple[list[int], list[str]]:
    """Micro-turns from the end of each word to its last letter, and the words that never came
    though there was time.

    The lane is a queue: what was due first is written first.
    """
    due: list[tuple[int, int, list[int]]] = []  # micro-turn, end of the word, its pieces
    for event in timeline.events:
        if event.side == "own" or not event.is_written:
            continue
        utterance = utterance_of(event, bank)
        for word in utterance.words:
            end_ms = event.onset_ms + word.end_ms
            if end_ms > event.audible_end_ms:
                break
            due.append((end_ms, len(due), text.encode(word.text)))
    written = [index for index, ids in enumerate(lines) for _ in split_lanes(ids, text.markers)[0]]
    due.sort(key=lambda word: (-(-(word[0] + HEARD_LAG_MS) // MICRO_TURN_MS), word[1]))
    delays: list[int] = []
    lost: list[str] = []
    done = 0
    for end_ms, _, ids in due:
        done += len(ids)
        if done <= len(written):
            late_ms = (written[done - 1] + 1) * MICRO_TURN_MS - end_ms
            delays.append(max(1, -(-late_ms // MICRO_TURN_MS)))
        elif end_ms + (LATEST_TURNS + 1) * MICRO_TURN_MS <= timeline.duration_ms:
            lost.append(f"{text.decode(ids)!r}, said until {end_ms} ms, is never written")
    return delays, lost


def sound_faults(episode: Episode) -> Iterator[tuple[str, str]]:
    """What was rendered is whole and made of numbers."""
    num_turns = episode.timeline.duration_ms // MICRO_TURN_MS
    if not len(episode.turns) == len(episode.mel) == num_turns:
        yield (
            "sound",
            f"{len(episode.turns)} micro-turns and {len(episode.mel)} of mel, not {num_turns}",
        )
    if not np.isfinite(episode.mel).all():
        yield "sound", "some of the mel targets are no numbers"
    for features, _ in episode.turns:
        most = max(int(b.max()) for b in (features.heard_AM, features.said_AM) if b is not None)
        if most >= NUM_DMEL_BINS:
            yield "sound", f"micro-turn {features.index} has a bin of {most}"


@dataclass(frozen=True)
class CheckConfig:
    """What is looked at. by_family: further conversations of each skill alone, for its balance.
    num_rendered: of the first ones, also the sound."""

    count: int = 100
    families: tuple[str, ...] = ()
    seed: int = 0
    duration_ms: int = EPISODE_MS
    by_family: int = 0
    num_rendered: int = 3


def check_one(timeline: Timeline, bank: Bank, text: Text, known: Kept, report: Report) -> Any:
    """Look at one conversation; its lines of text and where the own voice sounds."""
    lines, is_voiced = lanes(timeline, bank, text)
    delays, lost = transcript_delays(timeline, bank, text, lines)
    report.delays.update(delays)
    found = [*time_faults(timeline), *split_faults(timeline, known), *line_faults(lines, text)]
    found += [fault for event in timeline.events for fault in word_faults(event, bank)]
    found += [("pending", line) for line in lost]
    for kind, line in found:
        report.add(kind, f"{line} ({', '.join(timeline.families)})")
    return lines, is_voiced


def check(bank: Bank, text: Text, config: CheckConfig) -> dict[str, Any]:
    """Check a sample of training conversations made from a bank.

    Returns `is_ok`, faults, delays of the transcript, the balance of all and of each skill, how
    much of its texts the bank has, and what people do. Raises ValueError for an unknown skill and
    for a bank too damaged to use.
    """
    mixture = weights(dict.fromkeys(config.families, 1.0) or None)
    known, report, skipped, whole = kept(), Report(), Skipped(), Balance()
    for voice in sorted({clip.voice for found in bank.user.values() for clip in found}):
        if not may_train(voice):
            report.add("voice", f"{voice} is kept for evaluation, and the bank has clips of it")

    def sample(count: int, mixture: dict[str, float], balance: Balance) -> None:
        for number in range(count):
            skipped.num_tried += 1
            try:
                timeline, sound = plan(config.seed, number, bank, mixture, config.duration_ms)
                lines, is_voiced = check_one(timeline, bank, text, known, report)
                balance.add(timeline, bank, text, lines, is_voiced)
                if balance is whole and number < config.num_rendered:
                    for kind, line in sound_faults(render(timeline, bank, text, sound)):
                        report.add(kind, line)
            except DamagedClip as error:
                skipped.note(error)

    sample(config.count, mixture, whole)
    by_family: dict[str, Any] = {}
    for name in mixture if config.by_family else ():
        balance = Balance()
        sample(config.by_family, {name: 1.0}, balance)
        by_family[name] = balance.numbers()
    late = sum(n for turns, n in report.delays.items() if turns > LATEST_TURNS)
    if late > LATE_SHARE * max(1, report.delays.total()):
        line = f"{late} of {report.delays.total()} words come more than {LATEST_TURNS} micro-turns"
        report.add("late", f"{line} after they were said")
    return {
        "is_ok": not report.num_faults,
        "num_faults": dict(report.num_faults),
        "faults": report.faults,
        "skipped": {"num_skipped": skipped.num_skipped, "clips": skipped.clips},
        "transcript_delay_turns": dict(sorted(report.delays.items())),
        "num_kept_texts": len(known.texts),
        "kept_by_one_trained_by_another": known.shared,
        "balance": whole.numbers(),
        "coverage": coverage(bank, mixture),
        "by_family": by_family,
        "published": {name: list(row) for name, row in PUBLISHED.items()},
    }


def coverage(bank: Bank, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """By skill, the share of what it lists that the bank can say, on each side; 1 of nothing."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        module = families()[name]
        sides = (("user", bank.user, module.USER_TEXTS), ("own", bank.own, module.OWN_TEXTS))
        found[name] = {
            side: share(sum(normalise(t) in known for t in listed), len(listed)) if listed else 1.0
            for side, known, listed in sides
        }
    return found


def check_banks(paths: Sequence[Path], tokenizer: Path, config: CheckConfig) -> dict[str, Any]:
    """Check what training would make of banks on disk: clips kept for validation are left out.

    Raises ValueError for an unusable bank.
    """
    bank = Bank.load(paths, for_training=False)
    for side in (bank.user, bank.own):
        for name in list(side):
            side[name] = [clip for clip in side[name] if clip.split == "train"]
            if not side[name]:
                del side[name]
    if not bank.user:
        raise ValueError("the bank has no user clips; build it with `microturn bank build`")
    return check(bank, Text.load(tokenizer), config)
