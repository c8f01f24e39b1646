"""How long something took: asked at its end, or told as soon as it takes longer than last time.

A span runs from the end of "I start now." to the onset of "Done."
"""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import questions
from microturn.scenarios.questions import NUMBERS

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
AGAIN = ("Second round, go.", "Once more, I start now.", "Again, and go.", "Now the second one, go.",
         "Next round, here I go.")  # fmt: skip
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
USER_TEXTS = (*STARTS, *ENDS, *ASIDES, *LONGER, *AGAIN, *FINISHED, *LEAVES, *RETURNS)
OWN_TEXTS = (*TOOK.values(), STARTED, SLOWER, FASTER, WAITS)


def play(talk: Talk) -> None:
    questions.play(talk)
