"""The turn ends only when it is really over.

Pauses within a question, hesitations, self-corrections and half sentences are waited through; after
a half sentence that nobody goes on with, the model asks gently.
"""

from __future__ import annotations

from collections.abc import Sequence

from microturn.data.talk import Talk
from microturn.data.timeline import Event, utterance_of
from microturn.scenarios import facts

# fmt: off
HESITANT = {
    "What is the capital of, um, Spain?": "It is Madrid.",
    "What is, uh, nine plus four?": "That is thirteen.",
    "So, um, what is the capital of Japan?": "It is Tokyo.",
    "What's the opposite of, uh, let me think, hot?": "Cold.",
    "Well, uh, who wrote, um, Hamlet?": "Shakespeare.",
    "What is the capital of, what was it, Norway?": "It is Oslo.",
    "I wanted to ask, um, what color is snow?": "It is white.",
    "How many legs, uh, does a spider have?": "Eight.",
    "What is, hmm, six plus five?": "That is eleven.",
    "What comes after, um, March?": "April.",
    "Can you tell me, um, the capital of Egypt?": "It is Cairo.",
    "What language do they, you know, speak in Brazil?": "Portuguese.",
    "What is the, um, the capital of Poland?": "It is Warsaw.",
    "Okay, so, what is, um, eight plus two?": "That is ten.",
    "What sound does a, uh, a cow make?": "Moo.",
    "What's the capital of, oh, what's it called, Greece?": "It is Athens.",
    "Who, um, who wrote Dracula?": "Bram Stoker.",
    "What is the currency of, uh, India?": "The rupee.",
    "And, um, which continent is Kenya in?": "Africa.",
    "What do you call, um, a baby cat?": "A kitten.",
}
CORRECTED = {
    "What is the capital of Italy, no, of Spain?": "It is Madrid.",
    "What is two plus two, sorry, two plus three?": "That is five.",
    "What's the opposite of big, I mean, of hot?": "Cold.",
    "Tell me the capital of France, no wait, of Germany.": "It is Berlin.",
    "How many legs does a dog, sorry, a spider have?": "Eight.",
    "What comes after Monday, I mean, after Friday?": "Saturday.",
    "Who wrote Faust, no, who wrote Hamlet?": "Shakespeare.",
    "What color is snow, uh, I mean, coal?": "It is black.",
    "What is seven plus six, no, seven plus seven?": "That is fourteen.",
    "What language do they speak in Greece, sorry, in Egypt?": "Arabic.",
    "What is the capital of China, no, of Japan?": "It is Tokyo.",
    "What is eight plus two, wait, eight plus four?": "That is twelve.",
    "What sound does a cat, no, a cow make?": "Moo.",
    "Which continent is India, I mean, Egypt in?": "Africa.",
    "What is the capital of Canada, actually, of Mexico?": "It is Mexico City.",
    "What do you call a baby dog, sorry, a baby horse?": "A foal.",
    "What is ten plus ten, I mean, ten minus ten?": "That is zero.",
    "What is the currency of India, no, of China?": "The yuan.",
    "What comes after May, wait, after June?": "July.",
    "Tell me the capital of Cuba, sorry, of Peru.": "It is Lima.",
}
FILLERS = (
    "Um.", "Uh.", "Hmm.", "Let me think.", "Um, wait.", "How do I say this?", "Well, um.",
    "Let me see.", "Oh, what was it?", "Uh, hang on.",
)
NUDGES = ("Yes?", "Go on.", "I'm listening.", "Take your time.", "Sorry, go ahead.")
GIVEN_UP = (
    "Actually, never mind.", "Oh, forget it.", "Never mind.", "It's nothing.", "Ah, no matter.",
)
# fmt: on
LET_BE = "Okay."
PAUSE_MS = (500, 1600)  # within an utterance; the median of people's is about 870
OPEN_MS = 2500  # of silence after a half sentence, before the model asks
USER_TEXTS = (*HESITANT, *CORRECTED, *FILLERS, *GIVEN_UP)
OWN_TEXTS = (*dict.fromkeys((*HESITANT.values(), *CORRECTED.values())), *NUDGES, LET_BE)


def pause_ms(talk: Talk) -> int:
    """A pause as people make it: most often short, at times long."""
    return round(talk.rng.triangular(*PAUSE_MS, 750))


def after_commas(text: str) -> list[int]:
    """Numbers of words after which a comma stands."""
    words = text.split()
    return [n for n, word in enumerate(words[:-1], 1) if word.endswith(",")]


def expect_wait(talk: Talk, start_ms: int, end_ms: int) -> None:
    """Nobody answers into this pause."""
    talk.mark("pause", "pause", start_ms, end_ms)
    talk.expect("wait", (start_ms, end_ms), on_ms=start_ms)


def with_pause(talk: Talk, text: str, places: Sequence[int]) -> Event:
    """The text with one or two pauses, after any of these numbers of words."""
    clip = talk.clip("user", text)
    places = [place for place in places if place < len(talk.bank.utterance(clip).words)]
    chosen = sorted(talk.rng.sample(places, min(len(places), talk.rng.choice((1, 1, 2)))))
    pauses = tuple((place, pause_ms(talk)) for place in chosen)
    event = talk.say_clip("user", clip, talk.now_ms, pauses=pauses)
    words = utterance_of(event, talk.bank).words
    for place in chosen:
        start_ms, end_ms = words[place - 1].end_ms, words[place].start_ms
        expect_wait(talk, event.onset_ms + start_ms, event.onset_ms + end_ms)
    return event


def half(talk: Talk, text: str) -> Event:
    """The user breaks off after the second word or later, and before the last.

    Raises KeyError where the bank's clip has too few words.
    """
    clip = talk.clip("user", text)
    words = talk.bank.utterance(clip).words
    if len(words) < 3:
        raise KeyError(f"too short to break off: {text!r}")
    place = talk.rng.randrange(2, len(words))
    end_ms = (words[place - 1].end_ms + words[place].start_ms) // 2
    return talk.say_clip("user", clip, talk.now_ms, cut_ms=talk.now_ms + end_ms)


def paused(talk: Talk) -> None:
    """A question with pauses in it."""
    question, answer = facts.pick(talk)
    with_pause(talk, question, range(1, len(question.split())))
    talk.own(answer)


def hesitant(talk: Talk) -> None:
    """A question with sounds of thinking and a pause at each, or put right in the middle."""
    wordings = talk.rng.choice((HESITANT, CORRECTED))
    text = talk.choose(tuple(wordings))
    # before a correction the question sounds complete, so the pause comes after "no,"
    places = after_commas(text)[1:] if wordings is CORRECTED else after_commas(text)
    with_pause(talk, text, places)
    talk.own(wordings[text])


def half_then_whole(talk: Talk) -> None:
    """A half sentence, a pause that a filler may fill, and the whole question."""
    question, answer = facts.pick(talk)
    first = half(talk, question)
    if talk.rng.random() < 0.6:
        filler = talk.user(talk.choose(FILLERS), wait_ms=pause_ms(talk), kind="filler")
        expect_wait(talk, first.audible_end_ms, filler.onset_ms)
        first = filler
    whole = talk.user(question, wait_ms=pause_ms(talk))
    expect_wait(talk, first.audible_end_ms, whole.onset_ms)
    talk.own(answer)


def left_open(talk: Talk) -> None:
    """A half sentence and then nothing: the model asks, and the user asks whole or gives up."""
    question, answer = facts.pick(talk)
    first = half(talk, question)
    end_ms = first.audible_end_ms
    expect_wait(talk, end_ms, end_ms + OPEN_MS - 500)
    event = talk.say("own", talk.rng.choice(NUDGES), end_ms + OPEN_MS)
    talk.expect("say", (end_ms + OPEN_MS - 500, event.onset_ms + 1500), NUDGES, first.onset_ms)
    talk.now_ms += talk.rng.randrange(300, 1500)
    if talk.rng.random() < 0.7:
        talk.user(question)
        talk.own(answer)
    else:
        talk.user(talk.choose(GIVEN_UP))
        talk.own(LET_BE)


def play(talk: Talk) -> None:
    """One question whose end is not where a silence is."""
    talk.rng.choice((paused, paused, hesitant, hesitant, half_then_whole, left_open))(talk)
