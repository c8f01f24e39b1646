"""How long something took: asked at its end, or told as soon as it takes longer than last time.

A span runs from the end of "I start now." to the onset of "Done."
"""

from __future__ import annotations

from microturn.data.moments import nearest_s, need_room
from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.data.timeline import Event, to_grid
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import EARLY_MS, LATE_MS

STARTS = (
    "I start now.",
    "Start the stopwatch.",
    "Okay, I am starting now.",
    "Time me from now.",
    "Ready, go.",
    "Here I go, please time me.",
    "Start timing me now.",
    "I begin right now.",
    "Take my time from here.",
    "And off I go.",
)
ENDS = (
    "Done. How long did that take me?",
    "Okay, finished. How long was that?",
    "Stop. How many seconds was that?",
    "There, how long did I take?",
    "I am done, what is my time?",
    "And stop. How long did it take?",
    "That is it. How much time did I need?",
    "Done, tell me how long that was.",
    "Finished. What does the stopwatch say?",
    "Ready. How long was I at it?",
)
ASIDES = ("Almost there.", "This is harder than I thought.", "One more.", "Where is it, hm.")
LONGER = (
    "Tell me when I take longer than last time.",
    "Tell me if this takes longer than the last one.",
    "Say something when I am slower than before.",
    "Warn me if this round takes longer than the last one.",
    "Let me know as soon as I pass my last time.",
    "Speak up when I am over the time of the first round.",
)
AGAIN = (
    "Second round, go.",
    "Once more, I start now.",
    "Again, and go.",
    "Now the second one, go.",
    "Next round, here I go.",
)
FINISHED = ("Done.", "Finished.", "And done.", "There, ready.", "Okay, that was it.")
LEAVES = (
    "I will be right back.",
    "Wait here for a moment.",
    "Hold on, somebody is at the door.",
    "Give me a moment, I need to get my keys.",
    "One moment, the phone is ringing.",
)
RETURNS = (
    "I am back. How long was I gone?",
    "Back again. How long was that?",
    "Sorry about that. How long was I away?",
    "Here I am again. How many seconds did you wait?",
    "Okay, I am here. How long did I leave you alone?",
)
SPAN_S = range(3, 26)
TOOK = {seconds: f"About {word} seconds." for seconds, word in enumerate(
    (*NUMBERS, "twenty one", "twenty two", "twenty three", "twenty four", "twenty five")
) if seconds in SPAN_S}  # fmt: skip
STARTED = "Okay."
SLOWER = "That is longer than last time."
FASTER = "You were faster this time."
WAITS = "Of course."
MARGIN_MS = 7000  # what is said around a span
SURE_MS = 350  # a span this far from a whole second may be told as either
ASIDE_SHARE = 0.3
FASTER_SHARE = 0.35
USER_TEXTS = (*STARTS, *ENDS, *ASIDES, *LONGER, *AGAIN, *FINISHED, *LEAVES, *RETURNS)
OWN_TEXTS = (*TOOK.values(), STARTED, SLOWER, FASTER, WAITS)


def tell_span(talk: Talk, question: Event, span_ms: int) -> None:
    """The answer to "how long was that?", to the nearest second, within the talk's range."""
    seconds = min(max(nearest_s(span_ms), SPAN_S[0]), SPAN_S[-1])
    talk.own(TOOK[seconds], do=None)
    off_ms = span_ms - 1000 * seconds
    near = (seconds, seconds + (1 if off_ms > 0 else -1))
    accept = tuple(TOOK[n] for n in near[: 2 if abs(off_ms) > SURE_MS else 1] if n in TOOK)
    window_ms = (question.end_ms, question.end_ms + ANSWER_WINDOW_MS)
    talk.expect("answer", window_ms, accept, question.onset_ms, span_ms=span_ms)


def span_for(talk: Talk, rounds: int = 1) -> int:
    """A span that leaves room for `rounds` like it. Raises KeyError where there is none."""
    left_ms = (talk.duration_ms - talk.now_ms) // rounds - MARGIN_MS
    longest_ms = min(1000 * SPAN_S[-1], left_ms)
    need_room(talk, rounds * (1000 * SPAN_S[0] + MARGIN_MS))
    seconds = talk.rng.randint(SPAN_S[0], longest_ms // 1000)
    return 1000 * seconds + talk.rng.randrange(-300, 301)


def begin(talk: Talk, text: str, acknowledged: str) -> Event:
    """What starts a span, and the acknowledgement."""
    begun = talk.user(text, wait_ms=talk.rng.randrange(300, 1200))
    talk.own(acknowledged)
    return begun


def measured(talk: Talk) -> None:
    """A span that the user begins and ends; perhaps with a word to themselves in between."""
    span_ms = span_for(talk)
    begun = begin(talk, talk.choose(STARTS), STARTED)
    end_ms = begun.end_ms + max(span_ms, talk.now_ms + 500 - begun.end_ms)
    if talk.rng.random() < ASIDE_SHARE and end_ms - talk.now_ms > 6000:
        onset_ms = talk.now_ms + talk.rng.randrange(1000, end_ms - talk.now_ms - 4500)
        aside = talk.say("user", talk.rng.choice(ASIDES), onset_ms, kind="aside")
        talk.expect("ignore", (aside.onset_ms, end_ms), on_ms=aside.onset_ms)
    ended = talk.say("user", talk.choose(ENDS), end_ms)
    tell_span(talk, ended, ended.onset_ms - begun.end_ms)


def away(talk: Talk) -> None:
    """The user leaves, comes back, and asks how long that was."""
    span_ms = span_for(talk)
    left = begin(talk, talk.choose(LEAVES), WAITS)
    back_ms = left.end_ms + max(span_ms, talk.now_ms + 500 - left.end_ms)
    talk.expect("silent", (talk.now_ms, back_ms))
    back = talk.say("user", talk.choose(RETURNS), back_ms)
    tell_span(talk, back, back.onset_ms - left.end_ms)


def longer(talk: Talk) -> None:
    """Two rounds; the model speaks up exactly when the second outlasts the first."""
    span_ms = span_for(talk, rounds=2)
    talk.user(talk.choose(LONGER))
    talk.own(STARTED)
    begun = begin(talk, talk.choose(STARTS), STARTED)
    ends_ms = max(begun.end_ms + span_ms, talk.now_ms + 500)
    ended = talk.say("user", talk.choose(FINISHED), ends_ms)
    first_ms = ended.onset_ms - begun.end_ms
    talk.own(TOOK[min(max(nearest_s(first_ms), SPAN_S[0]), SPAN_S[-1])])
    talk.now_ms += talk.rng.randrange(500, 1500)
    again = begin(talk, talk.choose(AGAIN), STARTED)
    due_ms = to_grid(again.end_ms + first_ms)
    if talk.rng.random() < FASTER_SHARE and due_ms - talk.now_ms > 1500:
        done_ms = talk.rng.randrange(talk.now_ms + 400, due_ms - 900)
        talk.expect("silent", (talk.now_ms, done_ms))
        talk.say("user", talk.choose(FINISHED), done_ms)
        talk.own(FASTER)
        return
    told = talk.say("own", SLOWER, due_ms)
    talk.expect("say", (due_ms - EARLY_MS, due_ms + LATE_MS), (SLOWER,), again.onset_ms,
                span_ms=first_ms)  # fmt: skip
    done_ms = told.end_ms + talk.rng.randrange(300, 2000)
    done = talk.say("user", talk.choose(FINISHED), done_ms)
    second_s = min(max(nearest_s(done.onset_ms - again.end_ms), SPAN_S[0]), SPAN_S[-1])
    talk.own(TOOK[second_s])


def play(talk: Talk) -> None:
    """One or two spans. Raises KeyError where the rest of the talk is too short."""
    talk.rng.choices((measured, longer, away), (3, 3, 2))[0](talk)
