"""The user types instead of speaking: the model answers aloud, or in writing where it is asked to
write. Any common word of the corpus may have to be spelled in writing."""

from __future__ import annotations

from microturn.data.corpus import spelled_word
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import to_grid
from microturn.scenarios import facts

# fmt: off
ALOUD = ("{}", "{}", "please tell me: {}", "say it: {}", "{} tell me aloud.", "question: {}",
         "{} just say it.", "answer aloud: {}", "hi, {}", "quick question: {}")
WRITTEN = ("write it: {}", "{} write the answer.", "in writing please: {}", "{} don't speak.",
           "{} write it, please.", "write, do not speak: {}", "answer in writing: {}",
           "{} type your answer.", "please write: {}", "silently: {}")
SPOKEN = (  # asks for the next answer in writing
    "Write your next answer, please.", "Please write the answer to this.",
    "Write it, don't say it.", "Write the next one down.",
    "Can you write this one?", "The next answer in writing, please.",
    "Just type your answer this time.", "Answer this one in writing.",
    "Write it down instead of saying it.", "Next one in writing, please.",
)
SPELL = ("spell {} for me in writing.", "write {} letter by letter.",
         "how do you spell {}? write it.", "type the letters of {}.",
         "in writing, how is {} spelled?")
# fmt: on
AGREED = "Sure thing."
USER_TEXTS = SPOKEN
OWN_TEXTS = (AGREED,)
WORD_MS = 200  # writing takes about this long a word
WINDOW_MS = 3000


def write(talk: Talk, answer: str, on_ms: int) -> None:
    """The model answers in writing, and nothing is heard of it."""
    written = talk.write(answer)
    window_ms = (on_ms, written.onset_ms + WINDOW_MS)
    talk.expect("answer", window_ms, (answer,), on_ms, is_written=True)
    talk.now_ms = to_grid(written.onset_ms + (1 + len(answer.split())) * WORD_MS)
    talk.expect("silent", (on_ms, talk.now_ms))


def in_text(talk: Talk) -> None:
    """A typed question, answered aloud or in writing."""
    question, answer = facts.pick(talk)
    is_written = talk.rng.random() < 0.5
    way = talk.choose(WRITTEN if is_written else ALOUD)
    typed = talk.type(way.format(question[0].lower() + question[1:]))
    if is_written:
        write(talk, answer, typed.onset_ms)
        return
    event = talk.say("own", answer, typed.onset_ms + RESPONSE_MS)
    window_ms = (typed.onset_ms, event.onset_ms + WINDOW_MS)
    talk.expect("respond", window_ms, (answer,), typed.onset_ms)


def in_speech(talk: Talk) -> None:
    """The next answer is asked for in writing, and the question is spoken."""
    talk.user(talk.choose(SPOKEN))
    talk.own(AGREED)
    talk.now_ms += talk.rng.randrange(500, 1500)
    question, answer = facts.pick(talk)
    event = talk.user(question)
    write(talk, answer, event.onset_ms)


def in_letters(talk: Talk) -> None:
    """A word to be spelled in writing."""
    word, letters = spelled_word(talk.rng, split=talk.split)
    typed = talk.type(talk.choose(SPELL).format(word))
    write(talk, letters, typed.onset_ms)


def play(talk: Talk) -> None:
    """One question, typed or to be answered in writing."""
    talk.rng.choice((in_text, in_text, in_speech, in_letters))(talk)
