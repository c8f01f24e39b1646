"""Scores of the built-in set by hand-made traces; each vector notices when its key line changes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from microturn.evals.episode import Episode, Expect, Segment
from microturn.evals.record import Score, SystemFacts, Tick, Trace, Utterance
from tests.test_evals_mutations import load

ASKS = Segment("u", "user", 1000, 2000, "speech", "What is the capital of Norway?",
               (("What", 1000, 1200), ("Norway?", 1700, 2000)))  # fmt: skip
Said = tuple[int, int, str]


def episode(*expect: Expect, segments: tuple[Segment, ...] = (ASKS,), **raw: object) -> Episode:
    return Episode("e", "synthetic", 12_000, segments=segments, expect=expect, raw=raw)


def trace(*said: Said, ticks: tuple[Tick, ...] = ()) -> Trace:
    """Utterances as given; the words of each come one every 100 ms."""
    utterances = tuple(
        Utterance(f"a{n}", t0, t1, text, tuple(
            (word, t0 + 100 * k, t0 + 100 * k + 100) for k, word in enumerate(text.split())
        ))
        for n, (t0, t1, text) in enumerate(said)
    )  # fmt: skip
    return Trace("e", SystemFacts("s"), vad="energy", ticks=ticks, utterances=utterances)


def one(scores: list[Score], metric: str) -> Score:
    (found,) = [score for score in scores if score.metric == metric]
    return found


def replies(m: SimpleNamespace) -> None:
    wanted = episode(Expect("x", "respond", "u", accept=("It is Oslo.",)))
    scores = m.replies(wanted, trace((2300, 3000, "it is oslo")))
    assert one(scores, "response").latency_ms == 300 and one(scores, "response").value == 1
    assert one(scores, "right").value == 1
    wrong = m.replies(wanted, trace((2300, 3000, "the capital of norway")))
    assert one(wrong, "right").value == 0 and one(wrong, "response").value == 1
    early = one(m.replies(wanted, trace((1500, 3000, "oslo"))), "response")
    assert (early.value, early.outcome, early.latency_ms) == (0, "cut_in", -500)
    allowed = one(m.replies(wanted, trace((1800, 3000, "oslo"))), "response")
    assert (allowed.value, allowed.outcome) == (1, "responded")
    late = one(m.replies(wanted, trace((7001, 8000, "oslo"))), "response")
    assert (late.value, late.outcome) == (0, "no_response")
    assert one(m.replies(wanted, trace((7000, 8000, "oslo"))), "response").value == 1


def unasked(m: SimpleNamespace) -> None:
    wanted = episode(Expect("x", "respond", "u", (2000, 4000)), own=[[9000, 9500, "line"]])
    assert one(m.unasked(wanted, trace((1500, 1900, "a"))), "unasked").value == 0
    assert one(m.unasked(wanted, trace((1499, 1900, "a"))), "unasked").value == 5, "a minute"
    found = m.unasked(wanted, trace((4001, 4100, "a"), (7500, 7600, "b"), (11_001, 11_500, "c")))
    assert one(found, "unasked").detail["number"] == 2


def overlaps(m: SimpleNamespace) -> None:
    event = Segment("u", "user", 3000, 4000, "speech", "wait", overlap=True)
    stop = episode(Expect("x", "yield_then_respond", "u"), segments=(event,))

    def outcome(*said: Said) -> tuple[str, float | None, int | None]:
        score = one(m.overlaps(stop, trace(*said)), "overlap_interruption")
        return score.outcome, score.value, score.latency_ms

    assert outcome((1000, 3600, "a"), (4500, 5000, "b")) == ("stopped_and_answered", 1, 600)
    assert outcome((1000, 3600, "a")) == ("stopped", 0, 600)
    assert outcome((1000, 5001, "a")) == ("kept_talking", 0, None)
    assert outcome((1000, 5000, "a"))[0] != "kept_talking"
    assert outcome((4500, 5000, "b")) == ("stopped_and_answered", 1, None), "it was quiet"
    both = m.overlaps(stop, trace((1000, 5001, "a")))
    assert {s.metric for s in both} == {"overlap", "overlap_interruption"}
    assert all(s.detail["kept_talking"] and not s.detail["was_quiet"] for s in both)

    nod = Segment("u", "user", 3000, 3400, "backchannel", "mm-hm", overlap=True)
    on = episode(Expect("x", "continue", "u"), segments=(nod,))
    went = one(m.overlaps(on, trace((1000, 6000, "a"))), "overlap_backchannel")
    assert (went.outcome, went.value) == ("went_on", 1)
    assert one(m.overlaps(on, trace((1000, 3300, "a"))), "overlap").outcome == "stopped"
    assert one(m.overlaps(on, trace((1000, 3300, "a"), (4300, 5000, "b"))), "overlap").value == 1
    quiet = one(m.overlaps(on, trace()), "overlap")
    assert (quiet.outcome, quiet.value) == ("was_quiet", 0), "there was nothing to go on with"

    other = Segment("u", "user", 3000, 4000, "aside", "not you")
    let = episode(Expect("x", "ignore", "u"), segments=(other,))
    assert one(m.overlaps(let, trace()), "overlap_aside").outcome == "let_pass"
    assert one(m.overlaps(let, trace((4500, 5000, "me?"))), "overlap_aside").value == 0
    assert one(m.overlaps(let, trace((3100, 3150, "a"))), "overlap_aside").value == 1
    assert one(m.overlaps(let, trace((9001, 9100, "a"))), "overlap_aside").value == 1


def silences(m: SimpleNamespace) -> None:
    quiet = episode(Expect("x", "silent", window=(5000, 8000)), own=[])
    assert one(m.silences(quiet, trace((4000, 5000, "a"), (8000, 8500, "b"))), "silence").value == 1
    assert one(m.silences(quiet, trace((7000, 7100, "a"))), "silence").value == 0
    asked = episode(
        Expect("x", "silent", window=(5000, 8000)), Expect("y", "say", window=(6000, 7000),
        accept=("now",)), own=[],
    )  # fmt: skip
    assert one(m.silences(asked, trace((6500, 6900, "now"))), "silence").value == 1


def words(m: SimpleNamespace) -> None:
    ticks = tuple(
        Tick(n, (200 * n, 200 * n + 200), heard=piece, text=text)
        for n, (piece, text) in enumerate([("what is the ", ""), ("capitol", " os"), ("", "lo")])
    )
    score = one(m.heard(episode(), trace(ticks=ticks)), "heard")
    assert (score.detail["errors"], score.detail["words"]) == (3, 6)
    assert score.value == 0.5 and score.outcome == "wrong"
    assert m.heard(episode(), trace()) == [], "who writes no transcript has no score"
    read = episode(
        Expect("x", "say", window=(1000, 3000), accept=("one two",)),
        Expect("y", "say", window=(4000, 6000), accept=("three four",)),
    )
    found = m.said(read, trace((1500, 2500, "one too"), (4500, 6500, "three four")))
    assert [s.detail["errors"] for s in found] == [1, 0]
    write = episode(Expect("x", "write", window=(0, 1000), accept=("Oslo",)))
    assert one(m.written(write, trace(ticks=ticks)), "written").value == 1
    loud = (Tick(0, (0, 200), text="oslo", voiced_ms=(0, 100)),)
    aloud = one(m.written(write, trace(ticks=loud)), "written")
    assert (aloud.outcome, aloud.value) == ("spoken", 0)
    assert one(m.written(write, trace()), "written").outcome == "no_response"


def handing(m: SimpleNamespace) -> None:
    wanted = episode(Expect("x", "delegate", window=(2000, 3000), accept=("Find a train.",)),
                     group="tools")  # fmt: skip

    def given(*calls: tuple[int, str]) -> list[Score]:
        return m.handing_over(wanted, trace(ticks=tuple(
            Tick(n, (at, at + 200), delegate=text) for n, (at, text) in enumerate(calls)
        )))  # fmt: skip

    good = given((1000, "find a train"))
    assert [one(good, name).value for name in ("handed", "query", "pass_at_1")] == [1, 1, 1]
    more = given((2000, "find a train"), (9000, "find a bus"))
    assert [one(more, name).value for name in ("handed", "query", "pass_at_1")] == [1, 1, 0]
    other = given((2000, "find a bus"))
    assert [one(other, name).value for name in ("handed", "query", "pass_at_1")] == [1, 0, 0]
    late = given((4001, "find a train"))
    assert [one(late, name).value for name in ("handed", "query", "pass_at_1")] == [0, 0, 0]


def followed(m: SimpleNamespace) -> None:
    def score(metric: str, value: float) -> Score:
        return Score("e", metric, value, "x", "rule:v1;vad=energy")

    assert one(m.followed(episode(), [score("right", 1), score("silence", 1)]), "followed").value
    broken = m.followed(episode(), [score("right", 1), score("silence", 0)])
    assert one(broken, "followed").value == 0
    assert m.followed(episode(), [score("unasked", 0)]) == []


def spoken(m: SimpleNamespace) -> None:
    wanted, until = episode(), 7000

    def onset(*said: Said) -> int | None:
        return m.reply_onset(wanted, trace(*said), ASKS, until)

    assert onset((1100, 1700, "mm")) is None, "over before the end: no reply"
    assert onset((1100, 1700, "mm"), (2400, 3000, "oslo")) == 2400
    assert onset((1500, 2500, "oslo")) == 1500
    close = (Tick(0, (0, 200), voiced_ms=(0, 100)), Tick(1, (200, 400), voiced_ms=(51, 200)),
             Tick(2, (400, 600)), Tick(3, (600, 800), voiced_ms=(0, 50)))  # fmt: skip
    assert m.sounding(trace(ticks=close)) == [(200, 300), (451, 600), (800, 850)]
    assert m.text_between(trace((1000, 2000, "a b c")), 1100, 1200) == "b"
    assert m.says("it is oslo", "It is Oslo.", "What is the capital of Norway?")
    assert not m.says("the capital", "The capital is Oslo.", "What is the capital of Norway?")
    assert m.says("oslo", "The capital is Oslo.", "What is the capital of Norway?")
    assert m.says("boil fresh water", "Boil fresh water and warm pots", "")
    four = "Boil fresh water now"
    assert not m.says("boil fresh", four) and m.says("now boil fresh water", four)


CASES = (
    ("metrics_talk", replies, (
        ("onset_ms - on.t1", "onset_ms - on.t0"),
        ("latency_ms < -EARLY_MS", "latency_ms < 0"),
        ('value = float(outcome == "responded")', 'value = float(outcome != "no_response")'),
        ("any(says(", "all(not says("),
        ("on.t1 + 5000", "on.t1 + 4999"),
    )),
    ("metrics_talk", unasked, (
        ("sum(not is_asked_for", "sum(is_asked_for"),
        ("episode.duration_ms / 60_000", "60"),
        ("<= start_ms <= window[1]", "<= start_ms"),
        ("window[0] - ASKED_BEFORE_MS", "window[0]"),
        ("start_ms <= b + ASKED_NEAR_MS", "True"),
    )),
    ("metrics_talk", overlaps, (
        ("stop_ms > max(YIELD_MS", "stop_ms > 10 * max(YIELD_MS"),
        ("stop_ms > max(YIELD_MS", "stop_ms >= max(YIELD_MS"),
        ("max(ends) - on.t0", "max(ends) - on.t1"),
        ('"stopped_and_answered" if is_answered else "stopped"', '"stopped_and_answered"'),
        ('float(outcome == "went_on")', 'float(outcome != "stopped")'),
        ("b >= after_ms for", "True for"),
        ("value = float(not intruded)", "value = 1.0"),
        ("on.t0 + EARLY_MS < a", "on.t0 < a"),
        ('"kept_talking": outcome == "kept_talking"', '"kept_talking": False'),
        ('"was_quiet": not is_on', '"was_quiet": is_on'),
    )),
    ("metrics_talk", silences, (
        ("float(not broken)", "float(bool(broken))"),
        ("a < end and b > start", "a <= end and b >= start"),
        ("if not is_asked_for(episode, a)]\n        outcome = \"spoke\"",
         "]\n        outcome = \"spoke\""),
    )),
    ("metrics_talk", words, (
        ("errors / words, outcome", "errors, outcome"),
        ("if not pieces:", "if pieces is None:"),
        ("ends = [e.window[0] for e in lines[1:] if e.window]",
         "ends = [99_000 for e in lines[1:] if e.window]"),
        ("float(is_there and not sounds)", "float(is_there)"),
        ('"spoken" if sounds else ', ""),
    )),
    ("metrics_talk", handing, (
        ("start - HANDS_OVER_MS <= at_ms", "start <= at_ms"),
        ("at_ms <= end + HANDS_OVER_MS", "True"),
        ("[0] == 0\n", "[0] >= 0\n"),
        ("all_right and num_inside == len(given)", "all_right"),
    )),
    ("metrics_talk", followed, (
        ("all(score.value == 1", "any(score.value == 1"),
        ("if not parts:", "if parts is None:"),
    )),
    ("spoken", spoken, (
        ("return cuts[0] if cuts else late", "return late"),
        ("and b > on.t1]", "]"),
        ("GAP_MS = 150", "GAP_MS = 151"),
        ("start_ms <= onset < end_ms", "start_ms <= onset <= end_ms"),
        ("content_words(form) - content_words(question)", "content_words(form)"),
        ("len(wanted) <= ALL_OF", "len(wanted) < ALL_OF"),
        ("2 * hits >= len(wanted)", "hits >= len(wanted)"),
    )),
)  # fmt: skip
MUTANTS = [
    pytest.param(module, vector, old, new, id=f"{module}: {old.strip()} -> {new.strip()}")
    for module, vector, changes in CASES
    for old, new in changes
]


@pytest.mark.parametrize(("module", "vector"), [(m, v) for m, v, _ in CASES])
def test_vectors_hold(module: str, vector: Callable[[SimpleNamespace], None]) -> None:
    vector(load(module))


@pytest.mark.parametrize(("module", "vector", "old", "new"), MUTANTS)
def test_a_changed_line_fails_its_vector(
    module: str, vector: Callable[[SimpleNamespace], None], old: str, new: str
) -> None:
    with pytest.raises((AssertionError, ValueError)):
        vector(load(module, old, new))
