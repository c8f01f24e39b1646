"""The user talks or reads aloud and wants nothing: the model writes what it hears, and is silent.

Any open sentence of the bank may be heard after an instruction to listen only, or words of any clip
put together anew (`data/splice.py`); without one, long sentences that ask nothing. In training an
engine is drawn as often as the root of the clips that it has: a program in two voices makes speech
by the hundred hours, and what is learned from it alone is those two voices (docs/log.md). In a part
of training's conversations the model writes a word whenever it hears another (`data/cued.py`).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate

from microturn.data.assemble import voices_to_splice
from microturn.data.bank import Clip
from microturn.data.cued import set_cue
from microturn.data.splice import Stock, splice
from microturn.data.split import split_of
from microturn.data.talk import Talk

USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
ORDERS = (
    "listen only.",
    "just listen and stay silent.",
    "write down what you hear, say nothing.",
    "do not speak.",
    "please be quiet and listen.",
)
INSTRUCTED = {"train": 0.7, "eval": 0.5}
SPLICED = 0.5  # of those with an instruction, in training
SPLICED_WORDS = (3, 14)
SHORT_PAUSE_MS, LONG_PAUSE_MS = (150, 800), 1500
SHORT_PER_LONG = {"train": 4, "eval": 1}  # a row that is full of words teaches more
CUED = 0.6  # of training's conversations with an instruction have a cue
LONG_WORDS = 11  # what is shorter may be a question or an order to the model


def long_texts(talk: Talk) -> tuple[str, ...]:
    """Open sentences that nobody would take for a question or an order."""
    return talk.bank.once(
        ("long texts", talk.split),
        lambda: tuple(
            text
            for text in talk.open_texts("user")
            if len(text.split()) >= LONG_WORDS and "?" not in text
        ),
    )


def by_engine(
    talk: Talk, texts: tuple[str, ...]
) -> tuple[tuple[tuple[Clip, ...], ...], list[float]]:
    """Clips of all open texts, or of the long ones, by engine, and cumulated weights."""

    def find() -> tuple[tuple[tuple[Clip, ...], ...], list[float]]:
        found: dict[str, list[Clip]] = defaultdict(list)
        for text in texts:
            for clip in talk.bank.user[text]:
                found[clip.engine].append(clip)
        clips = tuple(tuple(clips) for clips in found.values())
        return clips, list(accumulate(len(each) ** 0.5 for each in clips))

    return talk.bank.once(("clips by engine", texts is long_texts(talk)), find)


def sentence_of(talk: Talk, texts: tuple[str, ...]) -> Clip:
    """Somebody's clip of one of the texts."""
    if talk.split == "eval":
        return talk.rng.choice(talk.bank.user[talk.rng.choice(texts)])
    clips, weights = by_engine(talk, texts)
    return talk.rng.choice(talk.rng.choices(clips, cum_weights=weights)[0])


def splice_of(talk: Talk, voice: Stock) -> Clip:
    """Words of a voice; not such as would be kept if they were a sentence."""
    while True:
        clip = splice(voice, talk.rng.randint(*SPLICED_WORDS), talk.rng, talk.bank)
        if split_of(clip.text) == talk.split:
            return clip


def play(talk: Talk) -> None:
    """Sentences, most often of one voice, with pauses between, until the time is full.

    Raises KeyError where the bank has none that fits.
    """
    is_instructed = talk.rng.random() < INSTRUCTED[talk.split]
    if is_instructed:
        talk.instructions = talk.choose(ORDERS)
    texts = talk.open_texts("user") if is_instructed else long_texts(talk)
    if not texts:
        raise KeyError("the bank has no sentence to listen to")
    is_spliced = is_instructed and talk.split == "train" and talk.rng.random() < SPLICED
    voices = voices_to_splice(talk) if is_spliced else ()
    voice = talk.rng.choice(voices) if voices else None
    start_ms = talk.now_ms
    while talk.now_ms < talk.duration_ms - 1500:
        if voice is not None:
            clip: Clip = splice_of(talk, voice)
        else:
            clip = sentence_of(talk, texts)
        event = talk.say_clip("user", clip, talk.now_ms)
        talk.expect("transcribe", (event.onset_ms, event.end_ms + 1000), (event.text,))
        short_ms = talk.rng.randrange(*SHORT_PAUSE_MS)
        pauses_ms = (short_ms,) * SHORT_PER_LONG[talk.split] + (LONG_PAUSE_MS,)
        talk.now_ms = event.end_ms + talk.rng.choice(pauses_ms)
    talk.expect("silent", (start_ms, talk.duration_ms))
    if is_instructed and talk.split == "train" and talk.rng.random() < CUED:
        set_cue(talk)
