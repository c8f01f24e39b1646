"""TimeSpeak and CueSpeak with a judge: the moment by the clock, the meaning by the model.

As the post grades: an example is right where every slot is filled in its window by words that carry
the meaning, and nothing is said where silence is wanted.
"""

from __future__ import annotations

from typing import Any

from microturn.evals.episode import Episode, Expect
from microturn.evals.interfaces import Judge
from microturn.evals.judged import regraded, yes
from microturn.evals.metrics_content import groups_of, slot_scores
from microturn.evals.record import Score, Trace, Utterance


def begun_in(utterance: Utterance, expect: Expect) -> tuple[int, str] | None:
    """The first word of an utterance that begins in a slot's window, and the text from there on."""
    start, end = expect.window or (0, 0)
    words = utterance.words or ((utterance.text, utterance.t0, utterance.t1),)
    inside = [place for place, (_, onset, _) in enumerate(words) if start <= onset <= end]
    if not inside:
        return None
    text = " ".join(word for word, _, _ in words[inside[0] :]).strip()
    return (words[inside[0]][1], text) if text else None


def filled_by(episode: Episode, trace: Trace, expect: Expect, judge: Judge) -> int | None:
    """When a slot was filled by words that carry its meaning, or None."""
    user = [(s.t0, s.t1) for s in episode.segments if s.role == "user" and s.kind != "pause"]
    wanted = " or ".join(phrase for group in groups_of(expect) for phrase in group)
    for utterance in trace.utterances:
        found = begun_in(utterance, expect)
        if found is None:
            continue
        onset_ms, text = found
        is_over = any(min(b, utterance.t1) > max(a, onset_ms) for a, b in user)
        if expect.overlap_user and not is_over:
            continue
        if yes(judge.ask("meaning", wanted=wanted, reply=text), "correct"):
            return onset_ms
    return None


def judged_slots(episode: Episode, trace: Trace, judge: Judge | None) -> list[Score]:
    """`slots` by the judge; silence needs none."""
    ruled = slot_scores(episode, trace)
    if judge is None or not ruled:
        return ruled
    onsets = [filled_by(episode, trace, expect, judge) for expect in episode.wanted("say")]
    filled = [onset for onset in onsets if onset is not None]
    silent = [e.window for e in episode.wanted("silent") if e.window is not None]
    forbidden = [
        u
        for u in trace.utterances
        if any(u.t0 < end and u.t1 > start for start, end in silent)
        and not any(u.t0 <= onset < max(u.t1, u.t0 + 1) for onset in filled)
    ]
    is_right = len(filled) == len(onsets) and not forbidden
    outcome = "correct" if is_right else "wrong" if trace.utterances else "no_response"
    answer: dict[str, Any] = {"onsets_ms": onsets, "forbidden": len(forbidden)}
    return [regraded(score, judge, float(is_right), outcome, answer) for score in ruled]
