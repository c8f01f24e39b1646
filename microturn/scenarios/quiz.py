"""The user types one question after the other and has them answered in writing: no sound, so that
what a small model can know is met in many words, and often, in little time.

In training a part of the questions is said, in words of the conversation's voice, and answered in
writing like the others: so any words may be asked for and given back, without a clip of the answer.

Every fact is asked for in all ways that train; sums are of any small numbers. In training a third
of what is typed is about the user: a name, a color or a list is told, and asked for later. Most of
those are any common words, since what is to be given back is to be copied, not guessed.
"""

from __future__ import annotations

from functools import cache

from microturn.data.assemble import assembled
from microturn.data.corpus import vocabulary, words_of
from microturn.data.split import KEPT_EVERY, split_of
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.scenarios import facts, memory, sums

# fmt: off
ORDERS = (
    "answer in writing.", "write your answers.", "type, do not speak.", "silent, in writing only.",
    "please answer in text.",
)
FURTHER_ORDERS = (
    "write.", "only write.", "do not speak, write.", "answer by typing.",
    "written answers, please.",
    "type your answers.", "no voice, only text.", "stay silent and write.", "text only.",
    "reply in text.", "use text, not speech.", "be silent, answer in text.",
)
# fmt: on
USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
SUMS = 0.25  # of the questions
TRAINED_SUMS = 0.45
ALOUD = 0.5  # of training's conversations: what the voice can say is said there
TOLD = 0.35  # of what is typed in training is about the user,
ASKED_BACK = 0.6  # of it what was told before
ANY_WORDS = 0.7  # of what is told is words of the open sentences,
NUM_WORDS = (1, 1, 2, 3)  # so many of them
LEAST_COMMON = 3  # that stand at least so often there
LETTER_MS = 22  # a micro-turn holds 6 pieces, about 15 letters


def question(talk: Talk, told: dict[str, str]) -> tuple[str, str]:
    """A question of the talk's split, and its answer. told: of each kind in memory.KINDS what the
    user told last; grows."""
    is_eval = talk.split == "eval"
    if not is_eval and talk.rng.random() < TOLD:
        return about_the_user(talk, told)
    if talk.rng.random() < (SUMS if is_eval else TRAINED_SUMS):
        asked, total = sums.any_sum(talk)
        return asked, sums.told(total)
    if is_eval:
        kinds = facts.KINDS["eval"]
        asked = talk.rng.choice(kinds[talk.rng.choice(tuple(kinds))])
        return asked, facts.ANSWERS[asked]
    return facts.any_way(talk)


def about_the_user(talk: Talk, told: dict[str, str]) -> tuple[str, str]:
    """Something is told, or what was told is asked for; and the answer, as in `memory`."""
    if told and talk.rng.random() < ASKED_BACK:
        name = talk.rng.choice(tuple(told))
        return talk.choose(memory.KINDS[name].asks), memory.KINDS[name].answer(told[name])
    name = talk.rng.choice(tuple(memory.KINDS))
    kind = memory.KINDS[name]
    told[name] = any_words(talk) if talk.rng.random() < ANY_WORDS else talk.choose(kind.things)
    return kind.tell.format(told[name]), talk.rng.choice(kind.notes).format(told[name])


@cache
def tellable() -> tuple[str, ...]:
    """Words of the open sentences that no fact kept for evaluation has."""
    kept = {
        word
        for kind in memory.KINDS.values()
        for thing in kind.things[KEPT_EVERY - 1 :: KEPT_EVERY]
        for word in words_of(thing.lower())
    }
    return tuple(word for word in vocabulary(least=LEAST_COMMON) if word.lower() not in kept)


def any_words(talk: Talk) -> str:
    """A few words of the open sentences."""
    return " ".join(talk.rng.choices(tellable(), k=talk.rng.choice(NUM_WORDS)))


def ask(talk: Talk, asked: str, is_aloud: bool) -> tuple[int, int]:
    """A question is typed, or said where it may be and the voice has said its words: (from when,
    when it may be answered)."""
    if is_aloud and (asked in facts.ASKED["train"] or split_of(asked) == "train"):
        try:
            event = talk.say_clip("user", assembled(talk, asked), talk.now_ms)
        except KeyError:  # a word that this voice has never said
            pass
        else:
            return event.onset_ms, event.end_ms + RESPONSE_MS
    onset_ms = talk.type(asked).onset_ms
    return onset_ms, onset_ms + 200 * talk.rng.randint(1, 2)


def play(talk: Talk) -> None:
    """Questions and answers until the time is full."""
    talk.instructions = talk.choose_way(ORDERS, FURTHER_ORDERS)
    talk.now_ms = talk.rng.randrange(200, 1000)
    told: dict[str, str] = {}
    is_aloud = talk.split == "train" and talk.rng.random() < ALOUD
    while talk.now_ms < talk.duration_ms - 2000:
        asked, answer = question(talk, told)
        asked_ms, answered_ms = ask(talk, asked, is_aloud)
        written = talk.write(answer, answered_ms)
        end_ms = written.onset_ms + 200 + len(answer) * LETTER_MS
        talk.expect("answer", (asked_ms, end_ms + 1000), (answer,), asked_ms)
        talk.now_ms = end_ms + talk.rng.randrange(200, 600)
