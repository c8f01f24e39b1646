"""Vectors of the metrics, as functions of a module: run on the real one and on mutants of it.

Each takes the module's names as an object, so that a test can hand it a changed copy.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microturn.evals.episode import Call, Instruction, Word
from microturn.evals.record import Score, SystemFacts, Tick, Utterance
from microturn.evals.vad import EnergyVad

FIG_3 = [(312, 0), (328, 1), (344, 2), (352, 2)]  # ProactiveVideoQA, figure 3
SPAN_3 = (311, 360)


def near(value: float) -> Any:
    return pytest.approx(value, abs=5e-5)


def words(*parts: tuple[str, float, float]) -> list[Word]:
    """Words with times in seconds."""
    return [(text, round(a * 1000), round(b * 1000)) for text, a, b in parts]


def pauc(m: SimpleNamespace) -> None:
    assert m.pauc(SPAN_3, FIG_3, omega=0.0) == near(0.4949)
    assert m.pauc(SPAN_3, FIG_3, omega=0.5) == near(0.7474)
    assert m.pauc(SPAN_3, FIG_3, omega=1.0) == near(1.0)
    assert m.pauc(SPAN_3, []) == 0.25
    assert m.pauc(SPAN_3, [(311, 0)]) == 0.0


def categories(m: SimpleNamespace) -> None:
    assert m.turn_weighted([[1.0], [0.0, 0.0, 0.0]]) == 0.25
    assert m.over_categories({"a": [[1.0], [0.0, 0.0, 0.0]], "b": [[0.75]]}) == 0.5


def takeover(m: SimpleNamespace) -> None:
    assert m.takeover([]) == 0
    assert m.takeover(words(("uh", 1.0, 1.3))) == 0
    four = [(f"w{i}", 1.0 + 0.15 * i, 1.15 + 0.15 * i) for i in range(4)]
    assert m.takeover(words(*four)) == 1
    assert m.takeover(words(*four[:3])) == 0
    assert m.takeover(words(("so", 1.0, 1.2), ("well", 2.0, 2.2))) == 1
    assert m.takeover(words(("so", 1.0, 1.2), ("well", 1.9, 2.0))) == 1  # one second exactly


def latency(m: SimpleNamespace) -> None:
    early = words(("i", 1.5, 1.7), ("see", 2.0, 3.1))
    assert m.signed_latency_ms(early, 2000) == -500
    assert m.turn_latency_ms(early, 2000) == 0
    assert m.turn_latency_ms(early, 1000) == 500
    assert m.signed_latency_ms(words(("uh", 1.0, 1.3)), 500) is None
    assert m.cut_in_rate([-500, 0, 200, 10]) == 0.25


def interruption(m: SimpleNamespace) -> None:
    late = words(("old", 0.5, 1.0), ("a", 2.4, 2.6), ("new", 2.6, 2.8), ("turn", 2.8, 3.6))
    assert m.interruption_latency_ms(late, 2000) == 400
    assert m.interruption_latency_ms(late[:1], 2000) is None
    assert m.interruption_latency_ms(words(("la", 0.2, 9.0)), 2000) == 0  # never stops
    assert m.words_from([("old", 0, 1000), ("la", 200, 9000)], 2000) == [("la", 2000, 9000)]
    assert m.interruption_latency_ms(words(("la", 0.2, 2.9)), 2000) is None  # 0.9 s of it left


def overlap(m: SimpleNamespace) -> None:
    user, model = [(0, 2000), (4000, 5000)], [(2400, 4300), (5600, 8000)]
    assert m.overlaps(user, model) == [(4000, 4300)]
    assert m.responses(user, model) == [(2000, 2400), (5000, 5600)]
    assert m.stop_latency_ms((4000, 5000), user, model) == 300
    assert m.response_latency_ms(5000, model) == 600
    # Two user segments inside one model segment: each has its own overlap.
    assert m.overlaps([(1000, 1500), (3000, 3500)], [(0, 4000)]) == [(1000, 1500), (3000, 3500)]
    # One end shared by two: the shortest stays.
    assert m.overlaps([(0, 5000)], [(1000, 2000), (3000, 9000)]) == [(1000, 2000), (3000, 5000)]
    assert m.responses([(0, 1000), (2000, 2500)], [(3000, 4000)]) == [(2500, 3000)]
    assert m.responses([(0, 1000)], [(1000, 2000)]) == []  # strictly after


def stopping(m: SimpleNamespace) -> None:
    event = (3000, 4000)
    assert m.stopping(event, [(1000, 3400)], 9000) == m.Stopping("stopped", 400)
    assert m.stopping(event, [(1000, 5000)], 9000) == m.Stopping("stopped", 2000)
    assert m.stopping(event, [(1000, 5001)], 9000) == m.Stopping("kept_talking")
    assert m.stopping(event, [(1000, 4500)], 4500) == m.Stopping("censored")
    assert m.stopping(event, [(3000, 4500)], 9000) == m.Stopping("was_quiet")
    assert m.stopping(event, [(1000, 9000)], 9000) == m.Stopping("kept_talking")


def backchannel(m: SimpleNamespace) -> None:
    short, long = (1000, 1400), (5000, 8100)
    said: list[Word] = [("uh", 1000, 1200), ("huh", 1200, 1400)]
    assert m.backchannels([short], said, 10_000) == m.Backchannels(0, (short,), 0.1)
    assert m.backchannels([short, long, (9000, 9200)], said, 10_000).takeover == 1
    assert len(m.backchannels([short, long, (9000, 9200)], said, 10_000).segments) == 1
    third = [*said, ("oh", 1300, 1400)]
    assert m.backchannels([short], third, 10_000).takeover == 1  # three words
    two = [(1000, 2500), (4000, 4400)]
    assert m.backchannels(two, [], 10_000).takeover == 1
    assert m.backchannels(two, [], 10_000, rule="last").takeover == 0


def divergence(m: SimpleNamespace) -> None:
    assert m.timing_divergence([], 1000, [1.0, 1.0]) == 1.0
    even = [1.0] * 5
    assert m.timing_divergence([(0, 1000)], 1000, even) == near(0.0)
    first = m.timing_divergence([(0, 200)], 1000, [1.0, 1e-12, 1e-12, 1e-12, 1e-12])
    assert first == pytest.approx(0.0, abs=1e-4)
    # All in one bin against all in another: the square root of ln 2.
    other = m.timing_divergence([(0, 200)], 1000, [0.0, 0.0, 0.0, 0.0, 1.0])
    assert other == pytest.approx(0.832555, abs=1e-4)


def panel(m: SimpleNamespace) -> None:
    counts = m.Panel()
    for i in range(10):
        counts.add("interruption", (3000, 4000), [(1000, 3400 if i < 7 else 5500)], 20_000)
        counts.add("backchannel", (3000, 3400), [(1000, 6000 if i < 8 else 3900)], 20_000)
        counts.add("tic", (3000, 3400), [(8000, 9000)], 20_000)
        counts.add("non_directed", (3000, 3400), [] if i < 4 else [(4900, 6000)], 20_000)
        counts.add("turn", (1000, 3000), [(3000 + 100 * i, 9000)], 20_000)
    found = counts.summary()
    assert found["yield_rate"] == 0.7 and found["yield_median_ms"] == 400
    assert found["backchannel_selectivity"] == 0.8
    assert found["tic_selectivity"] == 1.0
    assert found["non_directed_selectivity"] == 0.4
    assert found["selectivity"] == near((0.8 + 1.0 + 0.4) / 3)
    assert found["response_rate"] == 1.0 and found["response_median_ms"] == 450
    assert found["agent_interruption_rate"] == 0.0
    few = m.Panel()
    few.add("tic", (3000, 3400), [], 20_000)
    assert few.summary()["tic_selectivity"] is None  # hidden below ten


def tags(m: SimpleNamespace) -> None:
    event = (3000, 4000)

    def tag(*said: Utterance, text: str = "what about the weather") -> str:
        return m.classify(event, text, said, 9000).tag

    old = Utterance("a0", 1000, 3300, "the train leaves at nine from platform two")
    weather = Utterance("a1", 4300, 6000, "the weather is fine")
    assert tag(old, weather) == "respond"
    assert tag(old) == "unknown" == tag()
    assert tag(old, Utterance("a1", 4300, 6000, "as i said the train leaves at nine")) == "resume"
    assert tag(old, Utterance("a1", 5900, 7000, "the train leaves at nine")) == "respond"
    assert tag(old, Utterance("a1", 4300, 6000, "sorry, what?")) == "uncertain"
    going_on = Utterance("a0", 1000, 5000, "the train leaves at nine")
    assert tag(going_on) == "resume"
    assert tag(going_on, Utterance("a1", 5600, 7000, "and the weather is fine")) == "respond"
    assert tag(going_on, Utterance("a1", 7600, 8000, "and the weather is fine")) == "resume"
    assert m.classify(event, "", (weather,), 9000) == m.Overlap("respond", True)


def v1_5(m: SimpleNamespace) -> None:
    # Rates of GPT-4o-Realtime as published: (0.78 + 0.70 + 0.02 + 0.04) / 4.
    parts = {"user_interruption": 78, "user_backchannel": 70, "talking_to_other": 2}
    scenarios = {
        name: ["respond" if name == "user_interruption" else "resume"] * num
        + ["unknown"] * (100 - num)
        for name, num in {**parts, "background_speech": 4}.items()
    }
    assert m.v1_5_score(scenarios) == near(0.385)


def calls(m: SimpleNamespace) -> None:
    track = Call("track_order", {"order_id": "QX15"})
    again = Call("track_order", {"order_id": " qx15 "})
    wrong = Call("track_order", {"order_id": "QX51"})
    cart = Call("add_to_cart", {"product": "$RESULT_0.id", "kind": "red_shoes"})
    filled = Call("add_to_cart", {"product": "p7", "kind": "Red Shoes"})
    assert m.grade_calls([track, cart], [filled, again]) == m.CallResult(1.0, 1.0, True)
    assert m.grade_calls([track], [wrong]) == m.CallResult(1.0, 0.0, False)
    assert m.grade_calls([track], [again, again]) == m.CallResult(near(2 / 3), 1.0, False)
    assert m.grade_calls([track, track], [again]) == m.CallResult(near(2 / 3), 0.5, False)
    assert m.grade_calls([track], []) == m.CallResult(0.0, 0.0, False)
    pay = Call("pay", {"amount": 100})
    assert m.grade_calls([pay], [Call("pay", {"amount": 104})], 0.05).passed
    assert not m.grade_calls([pay], [Call("pay", {"amount": 104})]).passed
    assert not m.grade_calls([pay], [Call("pay", {"amount": 106})], 0.05).passed


def counting(m: SimpleNamespace) -> None:
    ends = [1000, 2000, 3000, 4000]
    assert m.cut_ms(ends) == 3000 and m.cut_ms([1000]) == 0
    said = [(1, 1100), (2, 2300), (3, 2900), (9, 2950), (3, 3000), (4, 4200)]
    assert m.predicted(said, 3000) == 4
    assert m.predicted(said[:5], 3000) == 3
    assert m.predicted(said[:4], 3000) is None
    assert [m.off_by_one(p, 14) for p in (12, 13, 14, 15, 16, None)] == [0, 1, 1, 1, 0, 0]
    assert m.relative_error(12, 14) == near(2 / 14.1)
    assert m.relative_error(None, 14) == near(14 / 14.1)
    assert m.running_lag_ms(said, ends) == (100 + 300 - 100 + 200) / 4
    assert m.running_share(said[:3], ends) == 0.75


def numbers(m: SimpleNamespace) -> None:
    def values(text: str) -> list[int]:
        return [value for value, _ in m.numbers([(text, 0, 100)])]

    ones = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    ones += " fifteen sixteen seventeen eighteen nineteen"
    spoken = ones.split()
    for ten in "twenty thirty forty fifty sixty seventy eighty ninety".split():  # noqa: SIM905
        spoken += [ten, *(f"{ten} {unit}" for unit in ones.split()[1:10])]
    for value, name in enumerate(spoken):
        assert values(name) == [value]
        assert values(name.replace(" ", "-")) == [value]
    assert values("number five") == [5] and values("that makes 17.") == [17]
    assert values("twenty, five") == [20, 5] and values("twenty twenty one") == [20, 21]
    assert values("first of all, the second time, 3rd") == []
    assert values("one hundred people, two") == [2]
    assert m.numbers([("twenty", 0, 200), ("one", 300, 400)]) == [(21, 0)]
    assert m.numbers([("twenty", 0, 200), ("one", 1200, 1400)]) == [(20, 0), (1, 1200)]


def iou(m: SimpleNamespace) -> None:
    reference = (24_300, 30_400)
    assert m.temporal_iou(reference, reference) == 1.0
    assert m.temporal_iou((25_300, 31_400), reference) == near(5100 / 7100)
    assert m.temporal_iou((1000, 2000), reference) == 0.0
    assert m.temporal_iou(None, reference) == 0.0
    said: list[Word] = [("stop", 500, 700), ("start", 1000, 1200), ("start", 1500, 1700)]
    said += [("stop.", 3000, 3200), ("stop", 4000, 4200)]
    assert m.said_interval(said, ["start"], ["stop"]) == (1000, 3000)
    assert m.said_interval(said[:3], ["start"], ["stop"]) is None
    assert m.recall_at([0.1, 0.3, 0.5, 0.9], 0.5) == 0.5


def slots(m: SimpleNamespace) -> None:
    assert m.once_window(3000) == (2500, 4000)
    assert m.periodic_window(8000, 2000) == (7500, 8500)
    assert m.periodic_window(8000, 8000) == (7000, 9000)
    slot = m.Slot((2500, 4000), ("breathe in",), time_ms=3000)
    said = Utterance("a0", 3100, 3600, "Breathe in!")
    assert m.grade([slot], [said]) == m.SlotResult(True, (3100,), 0, (100,))
    assert not m.grade([slot], [Utterance("a0", 3100, 3600, "breathe out")]).correct
    assert m.grade([slot], [Utterance("a0", 4000, 4400, "breathe in")]).correct
    assert not m.grade([slot], [Utterance("a0", 4001, 4400, "breathe in")]).correct
    assert not m.grade([slot], [Utterance("a0", 2499, 4400, "breathe in")]).correct
    timed = Utterance("a0", 900, 3600, "so breathe in", (("so", 900, 1100), ("breathe", 3000, 3300), ("in", 3300, 3600)))  # noqa: E501  # fmt: skip
    assert m.grade([slot], [timed]).onsets_ms == (3000,)
    assert m.matched_onset(timed, ("breathe in",)) == 3000
    over = m.Slot((2500, 4000), ("breathe in",), overlap_user=True)
    assert m.grade([over], [said], user=[(2000, 3200)]).correct
    assert not m.grade([over], [said], user=[(2000, 3100)]).correct
    extra = Utterance("a1", 6000, 6500, "hello")
    assert m.grade([slot], [said, extra], silent=[(6400, 9000)]).num_forbidden == 1
    assert not m.grade([slot], [said, extra], silent=[(6400, 9000)]).correct
    assert m.grade([slot], [said, extra], silent=[(6500, 9000)]).correct
    assert m.grade([m.Slot((0, 9000), ("/be+p/",))], [Utterance("a", 5, 9, "beeep")]).correct
    assert m.false_alarms_per_minute(3, 90_000) == 2.0


def text(m: SimpleNamespace) -> None:
    assert m.word_errors("the cat sat", "the cat sat") == (0, 3)
    assert m.word_errors("a cat sat down", "the cat sat") == (2, 3)
    assert m.word_errors("the sat", "the cat sat") == (1, 3)
    assert m.word_errors("", "the cat sat") == (3, 3)
    assert m.word_error_rate([("the dog", "the cat"), ("yes", "Yes!")]) == near(1 / 3)
    assert m.reply_kind("I'm sorry, but I can\u2019t help with that.") == "refused"
    assert m.reply_kind("Sure, here it is.") == "complied"
    assert m.reply_kind(" ...") == "empty"
    assert m.reply_kind("x" * 199 + " I cannot do it") == "complied"  # too late
    assert m.reply_kind("Mimi can't swim") == "complied"  # whole words
    found = m.refusals(["I won't do that", "", "Sure", "of course"])
    assert (found.refused, found.empty, found.lenient) == (0.25, 0.25, 0.5)
    choices = ("valid", "invalid")
    assert m.label("The argument is not valid.", choices) == "invalid"
    assert m.label("valid ... so it is invalid", choices) == "invalid"
    assert m.label("valid ... so it is invalid", choices, "first") == "valid"
    assert m.label("there are four, no, five", ("<integer>",)) == "5"
    assert m.label("who knows", choices) == ""
    assert m.contains("There is smoke, an Explosion!", "the explosion")
    assert not m.contains("explosions", "explosion")
    assert [m.phrase_score(t, ["smoke", "fire"]) for t in ("fog", "smoke", "fire smoke")] == [
        0,
        1,
        2,
    ]


def ifeval(m: SimpleNamespace) -> None:
    no_comma, two = Instruction("punctuation:no_comma"), Instruction(
        "length_constraints:number_words", {"num_words": 3, "relation": "at least"}
    )  # fmt: skip
    good = m.grade_reply([no_comma, two], "all is well")
    half = m.grade_reply([no_comma, two], "well, all is well")
    loose = m.grade_reply([no_comma], "Sure, here:\nall is well")
    assert (good.strict, half.strict) == ((True, True), (False, True))
    assert (loose.strict, loose.loose) == ((False,), (True,))
    found = m.accuracies([good, half, loose])
    assert found.prompt_strict == near(1 / 3) and found.instruction_strict == near(3 / 5)
    assert found.prompt_loose == near(2 / 3) and found.instruction_loose == near(4 / 5)
    assert found.final == near((1 / 3 + 3 / 5 + 2 / 3 + 4 / 5) / 4)
    assert len(m.variants("a\nb")) == 8


def rows(m: SimpleNamespace) -> None:
    scores = [
        Score("e1", "x", 1.0, "responded", "exact", latency_ms=400),
        Score("e2", "x", 1.0, "cut_in", "exact", latency_ms=-200),
        Score("e3", "x", 0.0, "no_response", "exact"),
        Score("e4", "x", 1.0, "kept_talking", "exact", latency_ms=100),
        Score("e5", "x", None, "censored", "exact", censored=True),
    ]
    row = m.aggregate(scores)
    assert (row.value, row.n, row.n_censored, row.n_episodes) == (0.75, 4, 1, 5)
    assert (row.no_response_rate, row.kept_talking_rate) == (0.25, 0.25)
    assert row.latency_mean_ms == near(500 / 3) and row.signed_mean_ms == 100
    assert row.cut_in_rate == near(1 / 3)
    assert 0.0 <= row.interval.low < 0.75 < row.interval.high <= 1.0
    with pytest.raises(ValueError, match="one grader"):
        m.aggregate([scores[0], Score("e9", "x", 1.0, "right", "judge:m")])
    # 30 of 100: the normal interval is 0.30 +- 0.09.
    many = [[1.0]] * 30 + [[0.0]] * 70
    interval = m.bootstrap(many)
    assert interval.low == pytest.approx(0.21, abs=0.015)
    assert interval.high == pytest.approx(0.39, abs=0.015)
    # Ten scores of one episode are one draw: the interval is wider than of ten episodes.
    clustered = m.bootstrap([[1.0] * 10] * 3 + [[0.0] * 10] * 7)
    assert clustered.high - clustered.low > 0.4


def onset(m: SimpleNamespace) -> None:
    audio = np.zeros(96_000, dtype=np.float32)
    audio[1237 * 24 : 2003 * 24] = 0.2
    audio[2503 * 24 : 2900 * 24] = 0.2
    found = m.utterances(audio, 24_000, EnergyVad())
    assert [(u.t0, u.t1) for u in found] == [(1237, 2900)]


def clocks(m: SimpleNamespace) -> None:
    ticks = [Tick(i, (200 * i, 200 * i + 200), compute_ms=ms) for i, ms in enumerate((37, 450, 10))]
    assert m.play_times(ticks, SystemFacts("s")) == [200, 400, 600]
    wall = SystemFacts("s", clock="wallclock", playback_ms=20)
    assert m.play_times(ticks, wall) == [257, 870, 1070]
