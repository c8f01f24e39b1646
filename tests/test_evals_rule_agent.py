"""The mind of rules knows its facts, sums and timers, and refuses what is to be refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from microturn.evals.episode import SeedTurn, Setup
from microturn.evals.reply import LanguageModel, Later, Reply, is_hum
from microturn.evals.rule_agent import UNKNOWN, Rules, with_digits
from microturn.scenarios import facts, questions, refusal, small_talk, sums
from microturn.scenarios.countdown import COUNT, SPOKEN
from microturn.scenarios.interruption import LONG_ANSWERS, STOPS


def answer(text: str) -> str:
    return Rules()(Setup()).reply(text).text


def test_it_knows_all_facts_in_all_phrasings() -> None:
    wrong = {q: answer(q) for q, known in facts.ANSWERS.items() if answer(q) != known}
    assert wrong == {}


def test_it_knows_all_sums() -> None:
    for known in sums.ASKED.values():
        assert {q: answer(q) for q in known} == {q: sums.told(n) for q, n in known.items()}


def test_it_refuses_and_cares_but_helps_the_twins() -> None:
    for topic in refusal.REQUESTS.values():
        assert {answer(request) for request in topic} == {refusal.REFUSALS[3]}
    assert all(answer(plea) in (*refusal.CARE, refusal.EMERGENCY) for plea in refusal.PLEAS)
    for question, known in (refusal.TWINS | questions.TALK | LONG_ANSWERS).items():
        assert answer(question) == known


def test_it_makes_small_talk() -> None:
    for known, ways in small_talk.PAIRS:
        assert {answer(way) for way in ways} == {known}


def test_it_counts_down() -> None:
    for way in COUNT:
        reply = Rules()(Setup()).reply(way.format(n="four"))
        assert reply.text == SPOKEN[4], way
        counted = [(later.after_ms, later.text) for later in reply.later]
        assert counted[:3] == [(1500, "Three."), (2500, "Two."), (3500, "One.")]
        assert counted[3:] == ([(4500, "Start.")] if "say start" in way else [])
    for stop in STOPS:
        assert Rules()(Setup()).reply(stop).drops_later, stop


def test_what_it_does_not_know_it_only_takes_in() -> None:
    assert answer("Tell me about the war of the roses.") == UNKNOWN
    assert answer("What is the capital of Atlantis?") == UNKNOWN
    assert answer("") == answer("...") == ""
    assert answer("Mm-hm.") == "", "nobody answers a hum"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("What's 7 + 5?", "That is twelve."),
        ("What is 3x4?", "That is twelve."),
        ("5 - 2?", "That is three."),
        ("What's forty two divided by six?", "That is seven."),
        ("What is five divided by two?", "That does not come out even."),
        ("Divide nine by zero.", "That does not come out even."),
        ("What is three minus ten?", "That is minus seven."),
    ],
)
def test_sums_as_recognisers_write_them(text: str, result: str) -> None:
    assert answer(text) == result


def test_a_sum_goes_on() -> None:
    agent = Rules()(Setup())
    said = [agent.reply(t).text for t in ("Add two and three.", "And plus one?", "Now double it.")]
    assert said == ["That is five.", "That is six.", "That is twelve."]
    assert answer("And plus one?") == UNKNOWN, "there is nothing to go on from"


def test_timers() -> None:
    agent = Rules()(Setup())
    assert agent.reply("In eight seconds, say box.").later == (Later(8000, "Box."),)
    assert agent.reply("Set a timer for ten minutes.").later == (Later(600_000, "Time is up."),)
    every = agent.reply("Please remind me every ten seconds to stretch my legs.")
    assert every == Reply("Okay.", (Later(10_000, "Stretch your legs.", 10_000),))
    other = agent.reply("Actually, every 8 seconds is better.")
    assert other.later == (Later(8000, "Stretch your legs.", 8000),) and other.drops_later
    stop = "Could you remind me to take a break every six seconds until I say stop?"
    assert agent.reply(stop).later == (Later(6000, "Take a break.", 6000),)
    assert agent.reply("You can stop now, thank you.") == Reply("Okay.", drops_later=True)


def test_digits_and_hums() -> None:
    assert with_digits("Twenty-five, seventy and SIX!") == "25 70 and 6"
    assert is_hum("Yeah, right.") and is_hum("Mm-hm.") and not is_hum("Yeah, but why?")


class Chat:
    """A chat model that gives one answer and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[dict[str, str]]] = []
        self.chat = SimpleNamespace(completions=self)

    def create(self, messages: list[dict[str, str]], **options: Any) -> Any:
        self.asked.append([dict(message) for message in messages])
        assert options["model"] == "m" and options["temperature"] == 0
        message = SimpleNamespace(content=" Sure. It is on the table. ")
        return SimpleNamespace(choices=[SimpleNamespace(message=message)])


def test_a_language_model_hears_what_was_heard() -> None:
    chat = Chat()
    setup = Setup("Be kind.", seed_turns=(SeedTurn("user", "hi"), SeedTurn("agent", "hello")))
    agent = LanguageModel("m", client=chat)(setup)
    assert agent.reply("Where is it?").text == "Sure. It is on the table."
    agent.was_cut("Sure. It")
    agent.reply("Wait.")
    system, *rest = chat.asked[1]
    assert system["content"].startswith("Be kind.")
    assert [m["content"] for m in rest] == ["hi", "hello", "Where is it?", "Sure. It ...", "Wait."]
    assert [m["role"] for m in rest] == ["user", "assistant", "user", "assistant", "user"]


def test_a_language_model_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ValueError, match="set NO_SUCH_KEY"):
        LanguageModel("m", key_from="NO_SUCH_KEY")(Setup())
