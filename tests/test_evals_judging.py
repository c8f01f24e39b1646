"""A judge beside the rules: rows of its own, agreement, and what fails costs no score of a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from microturn.evals.compare import Measured, reports
from microturn.evals.episode import Episode, Expect, Segment
from microturn.evals.judging import agreements, judge_played
from microturn.evals.metrics import score_all
from microturn.evals.metrics_talk import score_talk
from microturn.evals.record import SystemFacts, Trace, Utterance
from microturn.evals.runner import Played, RunConfig
from microturn.evals.sources import SourceConfig
from microturn.evals.summary import table


class Fixed:
    """A judge that always says the same, or fails."""

    grader = "judge:m"

    def __init__(self, fails: bool = False, **answer: Any) -> None:
        self.fails, self.answer, self.asked = fails, answer, list[str]()

    def ask(self, prompt: str, **values: str) -> dict[str, Any]:
        self.asked.append(prompt)
        if self.fails:
            raise ConnectionError("no such\nhost")
        return self.answer


def asked(number: int, said: str, group: str = "knowledge") -> Played:
    """One question of the built-in set and its reply."""
    id = f"{group}/facts/{number}/clean"
    words = (("Which", 0, 500), ("city?", 500, 1000))
    segment = Segment("u", "user", 0, 1000, "speech", "Which city?", words)
    expect = Expect("e0", "respond", "u", accept=("It is Oslo.",))
    episode = Episode(id, "synthetic", 4000, segments=(segment,), expect=(expect,),
                      raw={"group": group})  # fmt: skip
    utterance = Utterance("a", 1300, 2000, said, ((said, 1300, 2000),))
    trace = Trace(id, SystemFacts("s"), vad="energy", utterances=(utterance,) if said else ())
    return Played(id, "played", "", episode, trace, tuple(score_talk(episode, trace)))


def test_verdicts_stand_beside_the_rules_and_agreement_is_told() -> None:
    played = [asked(0, "oslo"), asked(1, "bergen"), asked(2, "")]
    judge = Fixed(correct=True)
    found = judge_played(played, judge)
    assert found.faults == () and judge.asked == ["answer", "answer"], "silence needs no judge"
    rights = [
        (s.grader, s.value) for one in found.played for s in one.scores if s.metric == "right"
    ]
    assert rights == [
        ("rule:v1;vad=energy", 1.0), ("judge:m;vad=energy", 1.0),
        ("rule:v1;vad=energy", 0.0), ("judge:m;vad=energy", 1.0),
        ("rule:v1;vad=energy", 0.0), ("judge:m;vad=energy", 0.0),
    ]  # fmt: skip
    (agreed,) = agreements(found.played)
    assert (agreed["group"], agreed["metric"], agreed["n"]) == ("knowledge", "right", 3)
    assert agreed["share"] == 2 / 3 and agreed["kappa"] is not None
    assert agreements(played) == [], "without a judge there is nothing to compare"


def test_a_report_says_who_agreed() -> None:
    config = RunConfig("s", SourceConfig(groups=("knowledge",)))
    source = type("S", (), {"voices": "tones", "root": Path()})()
    judged = judge_played([asked(0, "oslo"), asked(1, "bergen")], Fixed(correct=True)).played
    (report,) = reports([Measured("s", source.root, judged)], config, source, "run", lambda p: [])
    text = table(report)
    assert "knowledge, right: judge:m;vad=energy and rule:v1;vad=energy agree on 50 % of 2" in text
    graders = [c["grader"] for c in report["groups"][0]["cells"] if c["metric"] == "right"]
    assert graders == ["rule:v1;vad=energy", "judge:m;vad=energy"], "never one row"


def test_a_judge_that_fails_costs_only_its_verdicts() -> None:
    played = [asked(n, "oslo") for n in range(5)]
    judge = Fixed(fails=True)
    found = judge_played(played, judge)
    assert found.played == tuple(played) and len(judge.asked) == 3
    assert found.faults[0] == "judge:m: knowledge/facts/0/clean: ConnectionError: no such host"
    assert "not asked again" in found.faults[-1] and len(found.faults) == 4
    wrong = judge_played(played[:1], Fixed(correct="perhaps"))
    assert "lacks a true or false 'correct'" in wrong.faults[0]


def test_official_answers_refusals_and_rubrics_are_judged() -> None:
    expects = (
        Expect("e0", "answer", accept=("Oslo",)),
        Expect("e1", "refuse"),
        Expect("e2", "rubric", criteria=("It is short.",)),
    )
    answers = ({"correct": False}, {"refused": True}, {"criteria_met": True})
    for expect, answer in zip(expects, answers, strict=True):
        episode = Episode("bench/x/0", "bench", 4000, expect=(expect,))
        said = Utterance("a", 500, 900, "oslo", (("oslo", 500, 900),))
        trace = Trace("bench/x/0", SystemFacts("s"), vad="energy", utterances=(said,))
        ruled = tuple(score_all(episode, trace))
        (one,) = judge_played(
            [Played(episode.id, "played", "", episode, trace, ruled)], Fixed(**answer)
        ).played
        more = one.scores[len(ruled) :]
        assert more and all(score.grader.startswith("judge:m") for score in more)
        assert all((not ruled) == score.metric.startswith("rubric") for score in more)


def test_nothing_played_is_not_judged() -> None:
    judge = Fixed(correct=True)
    left = (Played("a", "timeout", "x"), Played("b", "not_played"))
    assert judge_played(left, judge).played == left and judge.asked == []
