"""The optional judge: asked once, cached by content, kept apart from rules, compared with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from microturn.evals import judged, scripted
from microturn.evals.bootstrap import aggregate, aggregate_all
from microturn.evals.episode import Episode, Expect, Segment
from microturn.evals.judge import JudgeConfig, OpenAIJudge, agreement
from microturn.evals.play import play
from microturn.evals.prompts import PROMPTS, SYSTEM, render
from microturn.evals.record import Score, SystemFacts, Trace, Utterance


class FakeClient:
    """Stands in for the client: gives prepared texts and keeps what it was asked."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = list(texts), list[dict[str, Any]]()
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))

    def create(self, **request: Any) -> Any:
        self.asked.append(request)
        message = SimpleNamespace(content=self.texts.pop(0))
        return SimpleNamespace(choices=[SimpleNamespace(message=message)])


def judge(tmp_path: Path, *texts: str, model: str = "m") -> tuple[OpenAIJudge, FakeClient]:
    client = FakeClient(*texts)
    return OpenAIJudge(JudgeConfig(model, tmp_path / "cache"), client), client


def test_an_answer_is_asked_for_once_and_cached_by_content(tmp_path: Path) -> None:
    asked, client = judge(tmp_path, '{"correct": true}', '{"correct": false}')
    for _ in range(3):
        assert asked.ask("meaning", wanted="a", reply="b") == {"correct": True}
    assert len(client.asked) == 1
    assert asked.ask("meaning", wanted="a", reply="c") == {"correct": False}
    request = client.asked[0]
    assert request["model"] == "m" and request["temperature"] == 0
    assert request["messages"][0] == {"role": "system", "content": SYSTEM}
    again, quiet = judge(tmp_path)
    assert again.ask("meaning", wanted="a", reply="b") == {"correct": True}
    assert quiet.asked == [], "another run reads the same cache"
    other, client = judge(tmp_path, '{"correct": false}', model="other")
    assert other.ask("meaning", wanted="a", reply="b") == {"correct": False}, "another model asks"


def test_what_is_no_answer_is_an_error_and_not_kept(tmp_path: Path) -> None:
    asked, client = judge(tmp_path, "perhaps", "[1]", '{"correct": true}')
    with pytest.raises(ValueError, match="judge:m gave no JSON for 'meaning'"):
        asked.ask("meaning", wanted="a", reply="b")
    with pytest.raises(ValueError, match="no JSON object"):
        asked.ask("meaning", wanted="a", reply="b")
    assert asked.ask("meaning", wanted="a", reply="b") == {"correct": True}
    assert len(client.asked) == 3


def test_prompts_are_known_and_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no prompt 'mood'"):
        render("mood")
    with pytest.raises(ValueError, match="needs the value 'reply'"):
        render("meaning", wanted="a")
    assert '{"correct": true | false}' in render("meaning", wanted="a", reply="{b}")
    assert all("Give {{" in text for text in PROMPTS.values())
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(ValueError, match="set NO_KEY"):
        OpenAIJudge(JudgeConfig("m", tmp_path, key_from="NO_KEY")).ask("refusal", reply="x")
    with pytest.raises(ValueError, match="without spaces"):
        JudgeConfig("a b", tmp_path)


@contextmanager
def endpoint(answer: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A chat endpoint on this machine."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            message = {"role": "assistant", "content": json.dumps(answer)}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
            reply = json.dumps({**body, "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join()


def test_the_real_client_against_an_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openai import OpenAI

    with (
        endpoint({"refused": True}) as (url, asked),
        OpenAI(base_url=url, api_key="k") as client,
    ):
        real = OpenAIJudge(JudgeConfig("m", tmp_path, url), client)
        assert real.ask("refusal", reply="no") == {"refused": True}
    assert asked[0]["response_format"] == {"type": "json_object"}


def score(episode: str, outcome: str, grader: str, on: str = "u0") -> Score:
    return Score(episode, "m", float(outcome == "yes"), outcome, grader, detail={"on": on})


def test_agreement_of_judge_and_rule() -> None:
    ruled = [score(f"e{i}", "yes" if i < 6 else "no", "rule:v1") for i in range(10)]
    said = [score(f"e{i}", "yes" if i < 4 else "no", "judge:x") for i in range(8)]
    found = agreement(said, ruled)
    assert (found.n, found.share, found.judge, found.rule) == (8, 0.75, "judge:x", "rule:v1")
    # Chance: (4 * 6 + 4 * 2) / 64 = 0.5.
    assert found.kappa == pytest.approx(0.5)
    for one, other in ((1.0, 0.0), (1.0, 1.0)):  # "replied" says nothing of whether it was right
        a, b = (
            Score("e", "answer", value, "replied", grader)
            for value, grader in ((one, "judge:x"), (other, "rule:v1"))
        )
        assert agreement([a], [b]).share == float(one == other)
    with pytest.raises(ValueError, match="nothing in common"):
        agreement(said, [score("f", "yes", "rule:v1")])
    with pytest.raises(ValueError, match="of a judge with a rule"):
        agreement(ruled, said)


def test_graders_never_share_a_row() -> None:
    mixed = [score("e", "yes", "rule:v1"), score("f", "yes", "judge:x")]
    with pytest.raises(ValueError, match="one row needs one grader, got judge:x, rule:v1"):
        aggregate(mixed)
    assert [row.grader for row in aggregate_all(mixed)] == ["rule:v1", "judge:x"]
    detectors = [score("e", "yes", "exact;vad=energy"), score("f", "yes", "exact;vad=silero")]
    with pytest.raises(ValueError, match="one grader"):
        aggregate(detectors)
    with pytest.raises(ValueError, match="no scores"):
        aggregate([])


def conversation() -> Episode:
    segments = (
        Segment("u0", "user", 500, 2000, "speech", text="what is smoke"),
        Segment("u1", "user", 3000, 4500, "speech", text="which color", overlap=True),
    )
    expect = (
        Expect("e0", "respond", on="u0", window=(2000, 7000)),
        Expect("e1", "yield_then_respond", on="u1", window=(3000, 9500)),
        Expect("e2", "answer", accept=("blue",)),
        Expect("e3", "answer", spans=((7000, 9000),), accept=(("smoke", "fire"),)),
        Expect("e4", "refuse"),
        Expect("e5", "rubric", criteria=("says blue", "is polite")),
    )
    return Episode("e", "t", 12_000, segments=segments, expect=expect)


def said(*parts: tuple[int, int, str]) -> Trace:
    found = tuple(
        Utterance(f"a{i}", a, b, text, ((text, a, b),)) for i, (a, b, text) in enumerate(parts)
    )
    return Trace("e", SystemFacts("s"), vad="energy", utterances=found)


TRACE = said((2200, 3300, "smoke is"), (4800, 6500, "it is blue"), (7500, 8600, "smoke now"))
EVERY = (
    judged.judged_overlap,
    judged.judged_answers,
    judged.judged_proactive,
    judged.judged_refusals,
)


def test_without_a_judge_the_rule_grades_and_says_so() -> None:
    for grade in EVERY:
        scores = grade(conversation(), TRACE, None)
        assert scores and {s.grader.split(";")[0] for s in scores} == {"rule:v1"}
    assert judged.judged_rubric(conversation(), TRACE, None) == []


def test_the_judge_replaces_the_verdict_and_the_grader(tmp_path: Path) -> None:
    asked, client = judge(
        tmp_path,
        '{"tag": "respond"}',
        '{"correct": true}',
        '{"score": 2}',
        '{"refused": true}',
        '{"explanation": "", "criteria_met": true}',
        '{"explanation": "", "criteria_met": false}',
    )
    episode = conversation()
    (tag,) = judged.judged_overlap(episode, TRACE, asked)
    assert (tag.outcome, tag.value, tag.grader) == ("respond", 1.0, "judge:m;vad=energy")
    (answer,) = judged.judged_answers(episode, TRACE, asked)
    assert answer.value == 1.0
    (area,) = judged.judged_proactive(episode, TRACE, asked)
    assert area.value == pytest.approx((250 * 0.5 + (2000 - 250) * 2) / 4000)
    (refusal,) = judged.judged_refusals(episode, TRACE, asked)
    assert (refusal.outcome, refusal.value, refusal.grader) == ("refused", 1.0, "judge:m")
    both, part = judged.judged_rubric(episode, TRACE, asked)
    assert (both.metric, both.value, part.metric, part.value) == (
        "rubric_all",
        0.0,
        "rubric_share",
        0.5,
    )
    assert len(client.asked) == 6
    same = agreement([tag], judged.judged_overlap(episode, TRACE, None))
    assert same.share == 1.0


def test_silence_needs_no_judge(tmp_path: Path) -> None:
    asked, client = judge(tmp_path)
    episode, trace = conversation(), play(scripted.silent(), conversation())
    for grade in (*EVERY, judged.judged_rubric):
        assert grade(episode, trace, asked)
    assert client.asked == []
    assert judged.judged_proactive(episode, trace, asked)[0].value == 0.25


@pytest.mark.parametrize(
    ("grade", "text", "message"),
    [
        (judged.judged_overlap, '{"tag": "sings"}', "tag must be one of"),
        (judged.judged_answers, '{"correct": "yes"}', "lacks a true or false 'correct'"),
        (judged.judged_proactive, '{"score": 7}', "score is not 0 to 2"),
    ],
)
def test_a_verdict_of_another_form_is_an_error(
    grade: Any, text: str, message: str, tmp_path: Path
) -> None:
    asked, _ = judge(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        grade(conversation(), TRACE, asked)
