"""The user hums along while the model speaks: it goes on undisturbed."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import interruption

# fmt: off
HUMS = (
    "Mm-hm.", "Yeah.", "Right.", "I see.", "Uh huh.", "Okay.", "Mm.", "Really?", "Oh, wow.",
    "Sure.", "Got it.", "Ah, okay.", "Interesting.", "Oh, nice.", "That's true.", "I know.",
    "Yes, yes.", "Oh, really?", "Makes sense.", "Huh.", "Exactly.", "Oh yeah.", "No way.",
    "Ha, okay.", "Good.",
)
# fmt: on
USER_TEXTS = HUMS
OWN_TEXTS: tuple[str, ...] = ()
EARLIEST_MS, LATEST_MS = 900, 700  # after the answer's onset, before its end
STEP_MS = (1800, 4200)  # from hum to hum
GAIN_DB = (-8.0, 0.0)  # hums are softer than speech
GOES_ON_MS = 1000  # after the hum, the model is still heard


def play(talk: Talk) -> None:
    """A request and a long answer, with one to four hums in it."""
    answer = interruption.begin(talk)
    onset_ms = answer.onset_ms + talk.rng.randrange(EARLIEST_MS, 2500)
    for _ in range(talk.rng.randint(1, 4)):
        clip = talk.clip("user", talk.choose(HUMS))
        if onset_ms + talk.bank.utterance(clip).duration_ms > answer.end_ms - LATEST_MS:
            break
        gain_db = round(talk.rng.uniform(*GAIN_DB), 1)
        event = talk.say_clip("user", clip, onset_ms, kind="backchannel", gain_db=gain_db)
        until_ms = min(event.end_ms + GOES_ON_MS, answer.end_ms)
        talk.expect("continue", (event.onset_ms, until_ms), on_ms=event.onset_ms)
        onset_ms = event.end_ms + talk.rng.randrange(*STEP_MS)
