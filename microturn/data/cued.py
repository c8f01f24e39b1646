"""A written cue in what is listened to: the order names a word, any that comes up, and another that
the model writes each time it has heard it. In training only.

`cue_word` asks for the same aloud, with few words and voices, and was known by heart. Here every
voice of the bank says the words, and no reply needs a clip.
"""

from __future__ import annotations

import re
from collections import defaultdict

from microturn.data.corpus import vocabulary
from microturn.data.render import HEARD_LAG_MS
from microturn.data.talk import Talk
from microturn.data.timeline import to_grid, utterance_of
from microturn.signal.text import normalise
from microturn.turns import MICRO_TURN_MS

KEPT_WORDS = ("mirror", "pen", "phone", "plate")  # cues of evaluation
ORDERS = (
    "write {reply} whenever you hear {word}.",
    "at every {word}, write {reply}.",
    "{word} comes up, you write {reply}.",
    "note {reply} each time somebody says {word}.",
    "for every {word} put down {reply}.",
    "hear {word}, write {reply}.",
    "type {reply} if {word} is said.",
    "{word} means {reply}, write it.",
    "write {reply} after {word}.",
    "mark each {word} with {reply}.",
)
WORD = re.compile(r"[a-z]{3,}")
LEAST_COMMON = 3  # how often a reply stands in the open sentences
LATEST_MS = 2 * MICRO_TURN_MS  # before the end of a talk


def words_heard(talk: Talk) -> dict[str, list[int]]:
    """When each word that can be a cue has been said, in ms, by word."""
    found: dict[str, list[int]] = defaultdict(list)
    for event in talk.events:
        for word in utterance_of(event, talk.bank).words:
            spelled = normalise(word.text).strip(".,?!-")
            if WORD.fullmatch(spelled) and spelled not in KEPT_WORDS:
                found[spelled].append(event.onset_ms + word.end_ms)
    return found


def set_cue(talk: Talk) -> None:
    """The order names one of the words of a talk, most often one that comes up again, and what to
    write each time; nothing where no word can be one."""
    found = words_heard(talk)
    if not found:
        return
    word = talk.rng.choices(tuple(found), [len(ends_ms) ** 2 for ends_ms in found.values()])[0]
    reply = talk.rng.choice(vocabulary(least=LEAST_COMMON)).lower()
    cue = talk.rng.choice(ORDERS).format(word=word, reply=reply)
    talk.instructions = f"{talk.instructions} {cue}" if talk.instructions else cue
    for end_ms in sorted(found[word]):
        if end_ms < talk.duration_ms - LATEST_MS:
            talk.write(reply, to_grid(end_ms + HEARD_LAG_MS))  # the micro-turn after the word's
