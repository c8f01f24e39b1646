"""How many words a recogniser gets wrong by itself: on the users' clean synthetic speech, whose
text is known. What it says of a system's speech, or a cascade of a user, is not better than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from microturn.data.spoken_forms import to_spoken
from microturn.evals.bootstrap import bootstrap
from microturn.evals.episode import Episode, Segment
from microturn.evals.play import input_track
from microturn.evals.recogniser import Recogniser
from microturn.evals.text_rules import word_errors
from microturn.turns import INPUT_RATE_HZ

BEFORE_MS, AFTER_MS = 300, 200  # of silence around a turn, as the cascade takes it
MOST_TURNS = 60
CLEAN = "clean"
FOREIGN = ("code_switch", "translation")  # skills in which not all is English


def clean_turns(episode: Episode) -> list[Segment]:
    """Turns in which nobody else speaks, in English."""
    spoken = [s for s in episode.segments if s.words and s.kind != "visual_event"]
    found: list[Segment] = []
    for turn in spoken:
        others = [s for s in spoken if s is not turn]
        is_alone = all(s.t1 <= turn.t0 or s.t0 >= turn.t1 for s in others)
        if turn.kind == "speech" and turn.role == "user" and is_alone and turn.text:
            found.append(turn)
    return found


def own_error(
    recogniser: Recogniser, episodes: Iterable[Episode], root: Path, most: int = MOST_TURNS
) -> dict[str, Any] | None:
    """Word errors over words of the first turns, each text once, with the interval over turns; None
    where there is no clean turn."""
    counts: dict[str, tuple[int, int]] = {}
    for episode in episodes:
        _, *skill = episode.id.split("/")
        is_foreign = bool(skill) and skill[0] in FOREIGN
        if is_foreign or not episode.id.endswith(f"/{CLEAN}") or len(counts) >= most:
            continue
        track = input_track(episode, root)
        for turn in clean_turns(episode):
            text = str(turn.text)
            if text in counts or len(counts) >= most:
                continue
            first = max(0, turn.t0 - BEFORE_MS) * INPUT_RATE_HZ // 1000
            last = (turn.t1 + AFTER_MS) * INPUT_RATE_HZ // 1000
            counts[text] = word_errors(to_spoken(recogniser(track[first:last])), text)
    words = sum(num for _, num in counts.values())
    if not words:
        return None
    errors = sum(wrong for wrong, _ in counts.values())
    interval = bootstrap([[float(e), *([0.0] * (n - 1))] for e, n in counts.values() if n])
    return {
        "name": recogniser.name,
        "value": errors / words,
        "low": interval.low,
        "high": interval.high,
        "errors": errors,
        "words": words,
        "turns": len(counts),
    }
