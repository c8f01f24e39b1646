"""The user talks to somebody else, while the model is silent or while it speaks: it does not answer
and goes on. A question to it is answered as ever."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import facts, interruption

# fmt: off
PASSES = (
    ("Anna", "chair"), ("Ben", "clock"), ("Ben", "spoon"), ("David", "ball"), ("David", "mirror"),
    ("Diego", "shoe"), ("Fatima", "bottle"), ("Fatima", "box"), ("Felix", "bag"), ("Iris", "phone"),
    ("Leo", "phone"), ("Maria", "box"), ("Omar", "plate"), ("Oscar", "ball"), ("Oscar", "pen"),
    ("Paul", "chair"), ("Priya", "ball"), ("Rosa", "mirror"), ("Sam", "pen"), ("Tina", "bottle"),
)
DINNERS = ("Anna", "Clara", "Emma", "Fatima", "Felix", "Grace", "Iris", "Karen", "Leo", "Maria")
OTHERS = (
    "I'm on the phone, one second.", "One second, I'm on the phone.",
    "Ben, did you feed the cat?", "Leo, get down from there, please.",
    "Mom, have you seen my blue jacket?", "Can you close the door behind you, Anna?",
    "No thanks, Paul, I've had enough coffee.", "Kids, not so loud, please.",
    "Sorry Maria, I'm talking to my computer.", "Yes, honey, I'll be right there.",
    "Good boy, now go to your basket.", "Tina, the package is on the stairs.",
    "Hi Oscar, come in, the door is open.", "Sam, your shoes are in the hall.",
    "I'll have the soup, please, and a glass of water.", "Grace, could you turn the music down?",
    "Excuse me, is this seat taken?", "Bye Emma, see you tomorrow.",
    "Felix, tell your sister we're leaving soon.", "Oh hi, David, how was the train?",
    "Wendy, whose turn is it to cook?", "Down, Max, down.",
    "Yes, hello, I'll call you back in ten minutes.", "Dad, where is the big ladder?",
    "Nina, do you want milk or lemon?", "Just put it over there, Diego, thanks.",
    "Iris, what time does the movie start?", "Rosa, can I borrow your pen for a second?",
    "Jack, don't touch the oven.", "Thanks, just leave it on the table, Victor.",
)
REPLIES = (  # of the other, from further away
    "Sure, here you go.", "In a minute.", "It's in the kitchen.", "Yes, I did.", "Coming.",
    "Okay, okay.", "I don't know, sorry.", "Not now.", "All right.", "Thanks, I will.",
)
# fmt: on
ASIDES = (
    *(f"Hey {name}, can you pass me the {thing}?" for name, thing in PASSES),
    *(f"{name}, dinner is ready." for name in DINNERS),
    *OTHERS,
)
USER_TEXTS = (*ASIDES, *REPLIES)
OWN_TEXTS: tuple[str, ...] = ()
REPLIED = 0.4  # of asides, by the person spoken to
QUIET_MS = 2000  # after an aside, in which the model would have answered a question
GOES_ON_MS = 1000


def reply(talk: Talk, onset_ms: int) -> int:
    """The person who was spoken to says something, or not; when that is over."""
    text = talk.choose(REPLIES)
    if talk.rng.random() > REPLIED:
        return onset_ms
    try:
        return talk.background(text, onset_ms, round(talk.rng.uniform(-14, -6), 1)).end_ms
    except KeyError:  # no other voice says this
        return onset_ms


def in_silence(talk: Talk) -> None:
    """One or two asides, and silence until a question comes."""
    for _ in range(talk.rng.choice((1, 1, 2))):
        event = talk.user(talk.choose(ASIDES), kind="aside")
        end_ms = reply(talk, event.end_ms + talk.rng.randrange(200, 900))
        end_ms = max(end_ms, event.end_ms + talk.rng.randrange(800, 3000))
        talk.expect("ignore", (event.onset_ms, end_ms), on_ms=event.onset_ms)
        talk.now_ms = end_ms
    if talk.rng.random() < 0.6:
        facts.play(talk)


def over_answer(talk: Talk) -> None:
    """An aside while the model speaks: it goes on."""
    answer = interruption.begin(talk)
    text = talk.choose(ASIDES)
    clip = talk.clip("user", text)
    room_ms = answer.end_ms - answer.onset_ms - talk.bank.utterance(clip).duration_ms - 700
    if room_ms > 1000:
        onset_ms = answer.onset_ms + talk.rng.randrange(900, room_ms)
        event = talk.say_clip("user", clip, onset_ms, kind="aside")
        until_ms = min(event.end_ms + GOES_ON_MS, answer.end_ms)
        talk.expect("continue", (event.onset_ms, until_ms), on_ms=event.onset_ms)
        reply(talk, event.end_ms + talk.rng.randrange(200, 900))


def play(talk: Talk) -> None:
    """Somebody else is spoken to."""
    talk.rng.choice((in_silence, over_answer))(talk)
