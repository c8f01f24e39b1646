"""Orders about how to talk that hold until the next one, for the cascade's mind of rules.

They are given beforehand or aloud: to be silent until called, to answer only questions, to answer
in one word, to talk as before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from microturn.evals.numbers import SPOKEN, TENS
from microturn.evals.text_rules import normal

NAME = "nano"
SILENT = re.compile(
    r"\b(listen only|just listen|quiet and listen|say nothing|stay silent|be silent|wait quietly"
    r"|no talking|not a word|keep quiet|(be|remain) quiet (until|till)"
    r"|(do not|dont) (speak|talk|say anything)(?! unless))\b"
)
ASKED = re.compile(
    r"\b(less talking|(talk|speak) less|quieter|unless i ask|when i ask|just answer|only answer"
    r"|(never|dont|do not) comment|answer everything)\b"
)
WORD = re.compile(r"\b(one|single) word\b|\bone word only\b")
FREE = re.compile(
    r"\b((speak|talk|comment|chat)\b.* again|talk to me as before|as much as you like"
    r"|back to normal|so quiet|talk normally)\b"
)


@dataclass(frozen=True)
class Orders:
    """is_silent: until it is called by its name. only_asked: what is no known question gets no
    reply. one_word: of every answer, what it is about."""

    is_silent: bool = False
    only_asked: bool = False
    one_word: bool = False

    def after(self, text: str) -> Orders | None:
        """The orders that hold after a text that is one, or None."""
        plain = normal(text)
        if FREE.search(plain):
            return Orders()
        if WORD.search(plain):
            return replace(self, one_word=True, is_silent=False)
        if ASKED.search(plain):
            return replace(self, only_asked=True, is_silent=False)
        return replace(self, is_silent=True) if SILENT.search(plain) else None


def is_called(text: str) -> bool:
    return NAME in normal(text).split()


def shortest(answer: str) -> str:
    """An answer in one word, its last; a number is one."""
    words = answer.rstrip(".!?").split()
    num = 1
    while num < len(words) and words[-1].lower() in SPOKEN and words[-num - 1].lower() in TENS:
        num += 1
    return " ".join(words[-num:]).capitalize() + "." if words else answer
