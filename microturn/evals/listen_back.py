"""Whether what a system says can be understood: its sound back to text by a recogniser.

What is read aloud is new to a system, answers are what it says most: a model may say one clearly
and not the other (docs/log.md). Optional: without a recogniser the score is left out, and the
report says why.
"""

from __future__ import annotations

from pathlib import Path

from microturn.data.spoken_forms import to_spoken
from microturn.evals.episode import Episode
from microturn.evals.metrics_talk import errors_score
from microturn.evals.recogniser import Recogniser, Whisper
from microturn.evals.record import Score, Trace
from microturn.signal.wav import read_wav, to_rate
from microturn.turns import INPUT_RATE_HZ

EDGE_MS = 100
GROUPS = ("turn_taking", "knowledge", "saying")


def find_recogniser() -> tuple[Recogniser | None, str]:
    """A recogniser, or None and why there is none."""
    try:
        return Whisper(), ""
    except ValueError as error:
        return None, f"spoken WER: {' '.join(str(error).split())}"


def spoken_scores(
    episode: Episode, trace: Trace, folder: Path, recogniser: Recogniser
) -> list[Score]:
    """Word errors of the sound against the system's own text, an utterance each; one score each.

    Numbers count as they are spoken, however the two of them are written.
    """
    if trace.audio is None:
        return []
    sound, rate_hz = read_wav(folder / trace.audio.uri)
    sound = to_rate(sound, rate_hz, INPUT_RATE_HZ)
    grader = f"judge:{recogniser.name.replace(' ', '-').replace(';', '-')}"
    found: list[Score] = []
    for utterance in trace.utterances:
        if not utterance.text:
            continue
        first = max(0, utterance.t0 - EDGE_MS) * INPUT_RATE_HZ // 1000
        last = (utterance.t1 + EDGE_MS) * INPUT_RATE_HZ // 1000
        text = to_spoken(recogniser(sound[first:last]))
        found += errors_score(episode, "spoken", text, to_spoken(utterance.text), grader)
    return found
