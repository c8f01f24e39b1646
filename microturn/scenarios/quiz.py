"""The user types one question after the other and has them answered in writing: no sound, so that
what a small model can know is met in many words, and often, in little time.

Every fact is asked for in all ways that train; sums are of any small numbers.
"""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import facts, sums
from microturn.scenarios.questions import NUMBERS

# fmt: off
ORDERS = (
    "answer in writing.", "write your answers.", "type, do not speak.", "silent, in writing only.",
    "please answer in text.",
)
# fmt: on
USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
SUMS = 0.25  # of the questions
MOST = 20  # a sum's numbers, and its result
LETTER_MS = 22  # a micro-turn holds 6 pieces, about 15 letters


def question(talk: Talk) -> tuple[str, str]:
    """A question of the talk's split, and its answer."""
    if talk.rng.random() < SUMS:
        return sum_of(talk)
    if talk.split == "eval":
        kinds = facts.KINDS["eval"]
        asked = talk.rng.choice(kinds[talk.rng.choice(tuple(kinds))])
        return asked, facts.ANSWERS[asked]
    return facts.any_way(talk)


def sum_of(talk: Talk) -> tuple[str, str]:
    """Two numbers up to MOST whose sum, difference or product is one too."""
    kind = talk.rng.choice(tuple(sums.PAIRS))
    while True:
        a, b = talk.rng.randint(0, MOST), talk.rng.randint(0, MOST)
        if 0 <= sums.result(kind, a, b) <= MOST:
            break
    ways = (sums.KEPT_WAYS[kind],) if talk.split == "eval" else sums.WAYS[kind]
    asked = talk.rng.choice(ways).format(NUMBERS[a], NUMBERS[b])
    return asked, sums.told(sums.result(kind, a, b))


def play(talk: Talk) -> None:
    """Questions and answers until the time is full."""
    talk.instructions = talk.choose(ORDERS)
    talk.now_ms = talk.rng.randrange(200, 1000)
    while talk.now_ms < talk.duration_ms - 2000:
        asked, answer = question(talk)
        typed = talk.type(asked)
        written = talk.write(answer, typed.onset_ms + 200 * talk.rng.randint(1, 2))
        end_ms = written.onset_ms + 200 + len(answer) * LETTER_MS
        talk.expect("answer", (typed.onset_ms, end_ms + 1000), (answer,), typed.onset_ms)
        talk.now_ms = end_ms + talk.rng.randrange(200, 600)
