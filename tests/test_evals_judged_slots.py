"""Time by the clock, meaning by the judge."""

from __future__ import annotations

from typing import Any

from microturn.evals.episode import Episode, Expect, Segment
from microturn.evals.judged_slots import judged_slots
from microturn.evals.metrics_content import slot_scores
from microturn.evals.record import SystemFacts, Trace, Utterance


class Meaning:
    """Says yes to what holds a word; keeps what it was asked."""

    grader = "judge:m"

    def __init__(self, word: str) -> None:
        self.word, self.asked = word, list[tuple[str, str]]()

    def ask(self, prompt: str, **values: str) -> dict[str, Any]:
        assert prompt == "meaning"
        self.asked.append((values["wanted"], values["reply"]))
        return {"correct": self.word in values["reply"]}


def episode(*expect: Expect) -> Episode:
    user = Segment("u", "user", 5000, 7000, "speech", "go on")
    return Episode("e", "b", 10_000, segments=(user,), expect=expect)


def trace(*said: tuple[int, int, str]) -> Trace:
    utterances = tuple(
        Utterance(f"a{n}", t0, t1, text, tuple(
            (word, t0 + 200 * k, t0 + 200 * k + 200) for k, word in enumerate(text.split())
        ))
        for n, (t0, t1, text) in enumerate(said)
    )  # fmt: skip
    return Trace("e", SystemFacts("s"), vad="energy", utterances=utterances)


NOW = Expect("x", "say", window=(2000, 3000), accept=("take a break", "rest now"))


def test_other_words_of_the_same_meaning_count_and_the_rule_does_not_know_them() -> None:
    said = trace((2100, 3000, "time to pause"))
    judge = Meaning("pause")
    (score,) = judged_slots(episode(NOW), said, judge)
    assert (score.value, score.outcome, score.metric) == (1.0, "correct", "slots")
    assert score.grader == "judge:m;vad=energy"
    assert judge.asked == [("take a break or rest now", "time to pause")]
    assert slot_scores(episode(NOW), said)[0].value == 0.0
    (wrong,) = judged_slots(episode(NOW), said, Meaning("nothing of the kind"))
    assert wrong.value == 0.0


def test_the_moment_is_the_clocks() -> None:
    for t0, value, num_asked in ((1999, 1.0, 1), (3001, 0.0, 0), (1000, 0.0, 0), (2000, 1.0, 1)):
        judge = Meaning("pause")
        (score,) = judged_slots(episode(NOW), trace((t0, t0 + 600, "please pause now")), judge)
        assert (score.value, len(judge.asked)) == (value, num_asked), t0
    late = trace((1900, 2700, "well take a pause"))
    judge = Meaning("pause")
    assert judged_slots(episode(NOW), late, judge)[0].value == 1.0
    assert judge.asked[0][1] == "take a pause", "from the first word in the window on"


def test_silence_is_wanted_elsewhere_and_overlap_where_it_is_due() -> None:
    quiet = Expect("y", "silent", window=(4000, 4900))
    good = trace((2100, 2700, "pause"))
    assert judged_slots(episode(NOW, quiet), good, Meaning("pause"))[0].value == 1.0
    more = trace((2100, 2700, "pause"), (4500, 4600, "oh"))
    assert judged_slots(episode(NOW, quiet), more, Meaning("pause"))[0].value == 0.0
    over = Expect("z", "say", window=(4500, 6000), accept=("no",), overlap_user=True)
    assert judged_slots(episode(over), trace((4600, 4900, "no")), Meaning("no"))[0].value == 0.0
    assert judged_slots(episode(over), trace((5100, 5400, "no")), Meaning("no"))[0].value == 1.0


def test_without_a_judge_or_words_the_rule_grades() -> None:
    said = trace((2100, 2700, "rest now"))
    assert judged_slots(episode(NOW), said, None) == slot_scores(episode(NOW), said)
    judge = Meaning("pause")
    (silent,) = judged_slots(episode(NOW), trace(), judge)
    assert (silent.value, silent.outcome, judge.asked) == (0.0, "no_response", [])
    assert judged_slots(episode(), said, judge) == []
