"""The model speaks text that is given to it in writing: by the user to read aloud, or by the
background model to pass on. In training some texts are no sentences, but words of the own voice put
together anew (`data/splice.py`)."""

from __future__ import annotations

from microturn.data.assemble import own_to_splice
from microturn.data.bank import Clip
from microturn.data.splice import OWN_RUN_WORDS, splice
from microturn.data.split import split_of
from microturn.data.talk import Talk

USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
ORDERS = ("read aloud.", "say this.", "read this to me.", "please read.", "speak this text.")
FURTHER_ORDERS = (  # in training: an order that is known in four ways only is known in no fifth
    "read this.",
    "say it aloud.",
    "read out loud.",
    "speak these words.",
    "say the following.",
    "read the following aloud.",
    "tell me this.",
    "voice this.",
    "pronounce this.",
    "please say.",
    "say this for me.",
    "read it to me.",
    "please read this aloud.",
    "speak the words.",
    "read this text.",
    "say this text.",
    "say this sentence.",
    "read this sentence to me.",
    "speak out this sentence.",
    "can you say this?",
    "could you speak this?",
    "say out loud.",
    "speak it.",
    "let me hear this.",
    "let me hear you say this.",
    "read:",
    "say:",
    "speak:",
    "aloud:",
    "read the text.",
    "say these words to me.",
    "speak the sentence.",
    "repeat aloud.",
    "repeat this aloud.",
    "use your voice.",
)
FROM_BACKGROUND = 0.3  # of the texts; the others are typed by the user
REACH_MS = 21_000  # speech takes more room in a row than silence
SPLICED = 0.35  # of training's texts
SPLICED_WORDS = (4, 12)


def clip_of(talk: Talk, texts: tuple[str, ...]) -> Clip:
    """One of the texts as the model says it, or a splice."""
    if talk.split == "train" and talk.rng.random() < SPLICED:
        stock = own_to_splice(talk)
        if stock is not None:
            num_words = talk.rng.randint(*SPLICED_WORDS)
            clip = splice(stock, num_words, talk.rng, talk.bank, OWN_RUN_WORDS)
            if split_of(clip.text) == talk.split:
                return clip
    return talk.rng.choice(talk.bank.own[talk.rng.choice(texts)])


def play(talk: Talk) -> None:
    """One text after another, each spoken word for word.

    Raises KeyError where the bank has none that fits.
    """
    texts = talk.open_texts("own")
    if not texts:
        raise KeyError("the bank has nothing to read aloud")
    talk.now_ms = talk.rng.randrange(200, 1500)
    while talk.now_ms < min(talk.duration_ms, REACH_MS) - 1500:
        clip = clip_of(talk, texts)
        if talk.rng.random() < FROM_BACKGROUND:
            typed = talk.type(clip.text, "tool")
        else:
            typed = talk.type(f"{talk.choose_way(ORDERS, FURTHER_ORDERS)} {clip.text}")
        event = talk.say_clip("own", clip, talk.now_ms + 200, kind="reading")
        window_ms = (typed.onset_ms, event.onset_ms + 2000)
        talk.expect("say", window_ms, (clip.text,), typed.onset_ms)
        talk.now_ms = event.end_ms + talk.rng.randrange(200, 1200)
