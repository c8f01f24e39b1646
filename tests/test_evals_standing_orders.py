"""Orders about how to talk: known in all their phrasings, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from microturn.evals.episode import Setup
from microturn.evals.rule_agent import UNKNOWN, Rules
from microturn.evals.standing_orders import Orders, shortest
from microturn.scenarios import facts, instructions, interruption, listening, questions

WANTED = {
    "asked": Orders(only_asked=True),
    "word": Orders(one_word=True),
    "silent": Orders(is_silent=True),
}


@pytest.mark.parametrize("kind", WANTED)
def test_spoken_orders(kind: str) -> None:
    found = {text: Orders().after(text) for text in instructions.SPOKEN[kind]}
    assert {text: one for text, one in found.items() if one != WANTED[kind]} == {}


def test_the_way_back_and_orders_given_beforehand() -> None:
    strict = Orders(is_silent=True, only_asked=True, one_word=True)
    assert {strict.after(text) for text in instructions.SPOKEN["eager"]} == {Orders()}
    assert all((Orders().after(text) or Orders()).is_silent for text in listening.ORDERS)


def test_questions_and_stops_are_no_orders() -> None:
    asked = (*facts.ANSWERS, *questions.ANSWERS, *interruption.USER_TEXTS, *instructions.REMARKS)
    assert {text for text in asked if Orders().after(text)} == set()


def test_they_hold_until_the_next() -> None:
    agent = Rules()(Setup("only answer when i ask."))
    assert agent.reply("My brother called me.").text == ""
    assert agent.reply("What is the capital of France?").text == "It is Paris."
    assert agent.reply("One word answers, please.").text == "Okay."
    assert agent.reply("What is two plus two?").text == "Four."
    assert agent.reply("Be quiet until I say your name.").text == "Okay."
    assert agent.reply("What is the capital of France?").text == ""
    assert agent.reply("Nano, what is the capital of France?").text == "Paris."
    assert agent.reply("You may speak again.").text == "Okay."
    assert agent.reply("My brother called me.").text == UNKNOWN
    assert Rules()(Setup()).reply("My brother called me.").text == UNKNOWN


def test_an_answer_in_one_word() -> None:
    assert shortest("That is twenty one.") == "Twenty one." and shortest("Paris.") == "Paris."
    assert shortest("That is eleven.") == "Eleven." and shortest("") == ""
