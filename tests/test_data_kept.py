"""What is kept for evaluation is found without the skills saying so."""

from __future__ import annotations

import types

import pytest

from microturn.data import kept as module
from microturn.data.kept import Kept, Noting, SilentBank, bare, kept, strings
from microturn.data.talk import Talk
from microturn.scenarios import families
from microturn.signal.text import normalise


@pytest.fixture(scope="module")
def known() -> Kept:
    return kept()


def test_drawing_is_noted_and_not_changed():
    rng, plain = Noting("a"), __import__("random").Random("a")
    options = [("x", {"y": "z"}), ("u", {"v": "w"})]
    assert rng.choice(options) == plain.choice(options)
    assert rng.sample(["k", "l"], 1) == plain.sample(["k", "l"], 1)
    assert rng.choices(["m"], k=2) == ["m", "m"]
    shuffled = ["n", "o"]
    rng.shuffle(shuffled)
    assert rng.offered == set("xyzuvwklmno")


def test_open_text_is_not_noted():
    """It is split by its letters, sentence by sentence: no list of phrasings."""
    rng = Noting("a")
    rng.choice([f"sentence {number}" for number in range(module.MOST_LISTED + 1)])
    assert not rng.offered
    rng.choice([f"sentence {number}" for number in range(module.MOST_LISTED)])
    assert len(rng.offered) == module.MOST_LISTED


def test_strings():
    assert sorted(strings([1, "a", ("b", {"c": ["d"]}, {"e"}), None])) == list("abcde")


def test_bare():
    assert bare(["Hello, there!", "hello there"]) == {"hello there"}


def made(name: str, user_texts: tuple[str, ...], kept_from: int) -> types.ModuleType:
    """A skill that keeps what stands at this place and later."""
    skill = types.ModuleType(name)

    def play(talk: Talk) -> None:
        chosen = user_texts[kept_from:] if talk.split == "eval" else user_texts[:kept_from]
        talk.user(talk.rng.choice(chosen))
        talk.own("Okay.")

    skill.USER_TEXTS, skill.OWN_TEXTS, skill.play = user_texts, ("Okay.",), play  # type: ignore
    return skill


def test_two_skills(monkeypatch):
    skills = {
        "one": made("one", ("Go on.", "Go now.", "Stop it."), 2),
        "two": made("two", ("Stop it.", "Stop now.", "Leave it."), 2),
    }
    monkeypatch.setattr(module, "families", lambda: skills)
    monkeypatch.setattr(
        module, "texts",
        lambda side: [t for s in skills.values() for t in getattr(s, f"{side.upper()}_TEXTS")],
    )  # fmt: skip
    found = kept()
    assert found.texts == {"leave it.": "two"}
    assert found.shared == {"stop it.": ("one", "two")}
    assert found.listed == {"go on.", "go now.", "stop it.", "stop now.", "leave it.", "okay."}


def test_the_skills_keep_something(known):
    assert len(known.texts) > 300
    assert {"what is the word for a baby horse?", "count my jumping jacks."} <= set(known.texts)
    assert "what is the capital of japan?" not in known.texts
    keepers = set(known.texts.values())
    assert len(keepers) > 25
    for text, keeper in known.texts.items():  # what nobody speaks is typed, or set as a rule
        if text not in known.listed and keeper not in ("typed", "memory", "repeat_text", "quiz"):
            written = {normalise(t) for t in strings(vars(families()[keeper]))}
            assert text in written, (text, keeper)


def test_sentences_of_the_corpus_are_known(known):
    assert len(known.sentences) > 1000
    assert not known.sentences & bare(known.listed)


def test_silence_is_as_long_as_its_text():
    bank = SilentBank.of_skills()
    clip = bank.choices("user", "What is your name?")[0]
    utterance = bank.utterance(clip)
    assert utterance.duration_ms == clip.words[-1].end_ms > 500
    assert not utterance.audio.any()
