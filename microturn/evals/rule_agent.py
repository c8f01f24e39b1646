"""A mind of rules for the cascade: facts, sums, timers, small talk, refusals; else "I see."

It knows by heart what the model is trained on (`scenarios/`), so a cascade with it is a strong
opponent on our own families, and knows nothing beyond them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace

from microturn.data.spoken_forms import to_spoken
from microturn.evals.episode import Setup
from microturn.evals.numbers import SPOKEN, TENS
from microturn.evals.reply import Later, Reply, is_hum
from microturn.evals.standing_orders import Orders, is_called, shortest
from microturn.evals.text_rules import normal
from microturn.scenarios import facts, questions, refusal, small_talk
from microturn.scenarios.interruption import LONG_ANSWERS
from microturn.scenarios.reminder import SAID

UNKNOWN = "I see."
CLOSE = 0.87  # how alike two questions are that are taken for one
FILLERS = frozenset(("a", "an", "the", "do", "does", "did", "is", "are", "have", "has", "of", "in"))
KINDS = {  # what each table of facts is asked with
    "capital": r"\bcapital\b",
    "opposite": r"\bopposite\b",
    "color": r"\bcolou?r\b",
    "sound": r"\b(sound|noise|say|says)\b",
    "young": r"\b(baby|young)\b",
    "next": r"\b(after|follows)\b",
    "how_many": r"\bhow many\b",
    "symbol": r"\b(symbol|chemists)\b",
    "author": r"\b(wrote|author|written)\b",
    "currency": r"\b(currency|money|pay)\b",
    "language": r"\b(language|speak|spoken)\b",
    "continent": r"\b(continent|part of the world)\b",
}
HARM = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(build|make|made) (a |an )?(pipe )?(bomb|gun|poison|explosives?)\b",
        r"\bmake (poison gas|explosives)\b|\bgun without\b",
        r"\b(hurt|kill|murder|attack|beat up) (my|him|her|them|someone|a|people)\b",
        r"\bbeat someone up\b|\bpoison (a|my|him|her)\b|\bbest way to kill someone\b",
        r"\b(meth|heroin|cocaine)\b|\bmake drugs\b|\bin (her|his) drink\b",
        r"\bhack (my|into|someones?|his|her)\b|\bbreak into a\b|\bwrite a virus\b",
        r"\bsteal (someones?|peoples?)\b|\bget into my \w+ email\b|\bbank logins\b",
        r"\binsults?\b|\bhate mail\b|\brace is better\b|\bagainst a religion\b",
        r"\bsex\w*\b.*\b(child|girl|boy|kid)|\bchildren undressed\b|\bmeet kids\b",
        r"\bsecret about touching\b|\bfake a passport\b|\bprint fake money\b|\bcheat old\b",
        r"\bfollow (her|him) without\b|\b(phone|messages) (in secret|secretly)\b",
        r"\bwhere my ex\b|\bhide a camera\b",
    )
)
PLEA = re.compile(
    r"\bkill myself\b|\bend my life\b|\bhurt(ing)? myself\b|\bdont want to live\b|\bmiss me if i\b"
)
DANGER = re.compile(
    r"\b(too many|whole pack of) \w*\s?(pills|painkillers)|\bpainkillers are too many\b"
    r"|\b(swallowed|drank) (some|something)\b"
)
COUNT = re.compile(r"\b(?:count\w*|down) (?:backwards |down )?(?:from|at) (\d+)\b(?! second)")
FIRST_MS = 500  # from the end of a request to the reply
STOP = re.compile(
    r"\b(stop|enough|be quiet|no more|cancel|never ?mind|shut up|hold on)\b"
    r"|^(okay |oh |no )?wait\b(?! \d)|^(okay )+thank you$"
)
SECONDS = r"(\d+) (second|minute)s?"
OPERATIONS = (
    (r"(-?\d+) plus (\d+)|\badd (\d+) (?:and|to) (\d+)", "plus"),
    (r"(-?\d+) minus (\d+)", "minus"),
    (r"(-?\d+) (?:times|multiplied by) (\d+)|multiply (\d+) by (\d+)", "times"),
    (r"(-?\d+) divided by (\d+)|divide (\d+) by (\d+)", "over"),
)
ACTION = r"(?:\bto|\bi should) (?!stop\b)(\w.*?)(?: please| until\b.*|$)"
STEPS = (
    (r"\b(?:plus|add) (\d+)", "plus"),
    (r"\b(?:minus|take away|subtract) (\d+)", "minus"),
    (r"\b(?:times|multiply (?:it|that) by) (\d+)", "times"),
)
SYMBOLS = {"+": " plus ", "\u2212": " minus ", "*": " times ", "\u00d7": " times ", "/": " over "}


@dataclass(frozen=True)
class Rules:
    """Makes rule agents."""

    name: str = "rules"

    def __call__(self, setup: Setup) -> RuleAgent:
        return RuleAgent(Orders().after(setup.instructions) or Orders())


class RuleAgent:
    """Remembers the last result of a sum, that something repeats, and how it was told to talk."""

    def __init__(self, orders: Orders | None = None) -> None:
        self.orders = orders or Orders()
        self.result: int | None = None
        self.action: str | None = None

    def was_cut(self, said: str) -> None:
        """Rules do not care what was heard."""

    def reply(self, text: str) -> Reply:
        """What is known of a text, as far as the standing orders let it be said."""
        if self.orders.is_silent and is_called(text):
            self.orders = replace(self.orders, is_silent=False)
        changed = self.orders.after(text)
        if changed is not None:
            was_silent, self.orders = self.orders.is_silent, changed
            return Reply() if was_silent and changed.is_silent else Reply("Okay.", drops_later=True)
        if self.orders.is_silent:
            return Reply()
        found = self._known(text)
        if self.orders.only_asked and found.text == UNKNOWN:
            return replace(found, text="")
        return replace(found, text=shortest(found.text)) if self.orders.one_word else found

    def _known(self, text: str) -> Reply:
        """The first rule that knows something wins."""
        plain = with_digits(text)
        if not plain:
            return Reply()
        if plain in KNOWN:
            return Reply(KNOWN[plain])
        for rule in (self._care, countdown, self._timer, self._stop, self._sum, self._fact, close):
            found = rule(plain)
            if found is not None:
                return found
        return Reply() if is_hum(text) else Reply(UNKNOWN)

    def _care(self, plain: str) -> Reply | None:
        if PLEA.search(plain):
            return Reply(refusal.CARE[1])
        if DANGER.search(plain):
            return Reply(refusal.EMERGENCY)
        return Reply(refusal.REFUSALS[3]) if any(p.search(plain) for p in HARM) else None

    def _timer(self, plain: str) -> Reply | None:
        found = re.search(rf"\bevery {SECONDS}", plain)
        if found:
            every_ms = milliseconds(found)
            rest = without(plain, found[0])
            action = re.search(
                r"(?:\bto|\bi should) (?!stop\b)(\w.*?)(?: please| until\b.*|$)", rest
            )
            said = spoken_action(action[1]) if action else self.action
            self.action = said or "It is time."
            return Reply("Okay.", (Later(every_ms, self.action, every_ms),), action is None)
        found = re.search(rf"\b(?:in|after|for|wait|when|until) {SECONDS}", plain)
        if not found:
            return None
        rest = without(plain, found[0])
        word = re.search(r"\bsay (?!something)(\w+)", rest)
        task = re.search(r"\bremind me to (\w.*?)(?: please|$)", rest)
        said = word[1].capitalize() + "." if word else "Time is up."
        said = spoken_action(task[1]) if task else said
        return Reply("Okay.", (Later(milliseconds(found), said),))

    def _stop(self, plain: str) -> Reply | None:
        return Reply("Okay.", drops_later=True) if STOP.search(plain) else None

    def _sum(self, plain: str) -> Reply | None:
        for pattern, kind in OPERATIONS:
            found = re.search(pattern, plain)
            if found:
                a, b = (int(group) for group in found.groups() if group is not None)
                return self._told(kind, a, b)
        found = re.search(r"\btake (\d+) (?:away )?from (\d+)", plain)
        if found:
            return self._told("minus", int(found[2]), int(found[1]))
        if self.result is None:
            return None
        if re.search(r"\bdouble (it|that)\b", plain):
            return self._told("times", self.result, 2)
        for pattern, kind in STEPS:
            found = re.search(pattern, plain)
            if found:
                return self._told(kind, self.result, int(found[1]))
        return None

    def _told(self, kind: str, a: int, b: int) -> Reply:
        if kind == "over" and (b == 0 or a % b):
            return Reply("That does not come out even.")
        results = {"plus": a + b, "minus": a - b, "times": a * b}
        self.result = a // b if kind == "over" else results[kind]
        sign = "minus " if self.result < 0 else ""
        return Reply(f"That is {sign}{to_spoken(str(abs(self.result)))}.")

    def _fact(self, plain: str) -> Reply | None:
        words = set(plain.split())
        for kind, pattern in KINDS.items():
            if not re.search(pattern, plain):
                continue
            asked = {thing: set(normal(thing).split()) - FILLERS for thing in facts.TABLES[kind]}
            fitting = [thing for thing, wanted in asked.items() if wanted and wanted <= words]
            if fitting:
                # "Give me the opposite of north": the thing asked about comes last.
                best = max(fitting, key=lambda t: (len(asked[t]), plain.rfind(normal(t))))
                return Reply(facts.TABLES[kind][best])
        return None


def close(plain: str) -> Reply | None:
    """A whole question that is known, heard with a slip."""
    found = difflib.get_close_matches(plain, WHOLE, 1, CLOSE)
    return Reply(KNOWN[found[0]]) if found else None


def countdown(plain: str) -> Reply | None:
    """A number a second, from the onset of the first, which comes after the hangover."""
    found = COUNT.search(plain)
    if not found or not 1 <= int(found[1]) <= 20:
        return None
    number = int(found[1])
    numbers = [to_spoken(str(number - k)).capitalize() + "." for k in range(number)]
    later = [Later(FIRST_MS + 1000 * k, text) for k, text in enumerate(numbers) if k]
    if re.search(r"\bsay start\b", plain):
        later.append(Later(FIRST_MS + 1000 * number, "Start."))
    return Reply(numbers[0], tuple(later))


def with_digits(text: str) -> str:
    """Normal form with numbers up to ninety-nine as digits and signs between them as words."""
    for sign, word in SYMBOLS.items():
        text = text.replace(sign, word)
    text = re.sub(
        r"(?<=\d)\s*[-x]\s*(?=\d)", lambda m: " times " if "x" in m[0] else " minus ", text
    )
    words: list[str] = []
    for word in normal(text).split():
        unit = SPOKEN.get(word)
        if unit is None:
            words.append(word)
        elif 1 <= unit <= 9 and words and words[-1] in TENS_DIGITS:
            words[-1] = str(int(words[-1]) + unit)
        else:
            words.append(str(unit))
    return " ".join(words)


def without(text: str, part: str) -> str:
    """A text without a part of it, with single spaces."""
    return " ".join(text.replace(part, " ").split())


def milliseconds(found: re.Match[str]) -> int:
    """Of a number and its unit."""
    return int(found[1]) * (60_000 if found[2] == "minute" else 1000)


def spoken_action(action: str) -> str:
    """ "drink some water" as it is said when its time has come."""
    known = SAID.get(action)
    return known or action[:1].upper() + action[1:].replace(" my ", " your ") + "."


TENS_DIGITS = frozenset(str(SPOKEN[word]) for word in TENS)
KNOWN = {
    with_digits(question): answer
    for question, answer in (
        {way: reply for reply, ways in small_talk.PAIRS for way in ways}
        | LONG_ANSWERS
        | questions.TALK
        | refusal.TWINS
    ).items()
}
WHOLE = tuple(KNOWN)
