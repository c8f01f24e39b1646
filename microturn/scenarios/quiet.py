"""Nothing to say for a long time, at most words of the user to itself; then a question, which is
answered at once."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import facts

# fmt: off
MUTTERED = (
    "Where did I put my keys?", "Hmm, let's see.", "Okay, what else.", "There we go.", "Oh well.",
    "Come on, come on.", "Now where was I?", "That goes here, and that goes there.",
    "What a mess.", "Right, first the dishes.", "Oh, it's late already.", "Almost done.",
    "Why is this thing so heavy?", "La la la, la la.", "One more, and then I'm done.",
    "Where is that pen again?", "Okay, that didn't work.", "I really should clean this up.",
    "Hm hm hm.", "Oops.",
)
# fmt: on
USER_TEXTS = MUTTERED
OWN_TEXTS: tuple[str, ...] = ()
SILENCE_MS = (5000, 14_000)
MUTTERING = 0.6  # of the silences
GAIN_DB = (-14.0, -8.0)  # people mutter more softly than they ask
EDGE_MS = 1200  # of silence before and after what is muttered


def play(talk: Talk) -> None:
    """A long silence, in which the user may mutter, and a question."""
    start_ms = talk.now_ms
    end_ms = start_ms + talk.rng.randrange(*SILENCE_MS)
    now_ms = start_ms + talk.rng.randrange(EDGE_MS, 4000)
    if talk.rng.random() < MUTTERING:
        while now_ms < end_ms - 2 * EDGE_MS:
            gain_db = round(talk.rng.uniform(*GAIN_DB), 1)
            event = talk.user(
                talk.choose(MUTTERED), wait_ms=now_ms - talk.now_ms, kind="aside", gain_db=gain_db
            )
            talk.expect("ignore", (event.onset_ms, event.end_ms + EDGE_MS), on_ms=event.onset_ms)
            now_ms = event.end_ms + talk.rng.randrange(EDGE_MS, 5000)
    talk.now_ms = max(end_ms, talk.now_ms + EDGE_MS)
    talk.expect("silent", (start_ms, talk.now_ms))
    facts.play(talk)
