"""A cue set by the user: each time a word comes up in running speech, the model says another.

In training the rule is often typed, with any word of the bank's open sentences, which are then
spoken: a rule that was only met with these twenty words and their sentences is known by heart, not
understood.
"""

from __future__ import annotations

import re
from collections import defaultdict

from microturn.data import further_ways
from microturn.data.bank import Clip
from microturn.data.cued import KEPT_WORDS
from microturn.data.moments import (
    LAST_MS,
    WAIT_MS,
    need_cue,
    play_clip,
    set_rule,
    speak_on,
)
from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.scenarios.listening import sentence_of
from microturn.scenarios.timer_once import OBJECTS
from microturn.signal.text import normalise

# fmt: off
READY = (
    ("book", "orange"), ("bottle", "green"), ("bottle", "purple"), ("clock", "purple"),
    ("clock", "white"), ("cup", "yellow"), ("key", "gold"), ("key", "green"), ("key", "grey"),
    ("lamp", "brown"), ("lamp", "green"), ("lamp", "silver"), 
    
    ("shoe", "black"), ("spoon", "purple"), ("stone", "pink"),
)
COLORS = (
    "red", "blue", "green", "yellow", "black", "white", "brown", "grey", "pink", "purple",
    "orange", "silver", "gold",
)
# fmt: on
ORDERS = (
    "Whenever you hear {word}, say {color}.",
    "If I say {word}, you say {color}.",
    "Say {color} each time I say {word}.",
    "As soon as I say {word}, say {color}.",
    "Say {color} when you hear the word {word}.",
    "Please answer {color} whenever I mention a {word}.",
    "Let us play, I say {word} and you say {color}.",
    "When the word {word} comes up, say {color}.",
    "Your word is {color}, say it whenever I say {word}.",
)
SPEECH = {
    "bag": (
        "I carried the bag up the stairs and then I had to sit down.",
        "My sister forgot her bag in the car, so we drove back to get it.",
    ),
    "ball": (
        "The dog ran after the ball and came back with a wet stick.",
        "They kicked the ball over the fence and nobody wanted to get it.",
    ),
    "book": (
        "I was reading a book on the train and almost missed my stop.",
        "She gave me a book for my birthday and I read it in two days.",
    ),
    "bottle": (
        "I put a bottle into the fridge and forgot about it for a week.",
        "There was a bottle on the beach with a letter in it, imagine that.",
    ),
    "box": (
        "We found a box in the attic that was full of old photos.",
        "He packed everything into one box and moved to another town.",
    ),
    "chair": (
        "I need a new chair because my back hurts after a day at work.",
        "The cat sleeps on my chair and looks at me when I want to sit.",
    ),
    "clock": (
        "The clock in the kitchen is always five minutes ahead of time.",
        "I bought an old clock at the market and it still works fine.",
    ),
    "cup": (
        "She held the cup with both hands because it was so cold outside.",
        "I washed the cup twice, but it still tastes a little of soap.",
    ),
    "hat": (
        "The wind took my hat and carried it right into the river.",
        "He never leaves without his hat, even when it is warm outside.",
    ),
    "key": (
        "I gave the key to my neighbor, and now she is on vacation.",
        "You have to turn the key twice and push hard to get in.",
    ),
    "lamp": (
        "I bought a new lamp for the kitchen and it looks really nice.",
        "The lamp next to my bed makes a funny noise since last week.",
    ),
    "leaf": (
        "A leaf landed on my shoulder while I was waiting for the bus.",
        "The kids painted a leaf and pressed it on a piece of paper.",
    ),
    "mirror": (
        "We hung the mirror in the hall so that it looks a bit bigger.",
        "He stood in front of the mirror and practiced his speech again.",
    ),
    "pen": (
        "Can I borrow your pen for a second, because mine is empty again.",
        "I always carry a pen with me in case I have a good idea.",
    ),
    "phone": (
        "My phone fell into the sink and now it does not work anymore.",
        "I put my phone away when I eat with the family, it is better.",
    ),
    "plate": (
        "He filled his plate with rice and sat down next to the window.",
        "The last plate in the cupboard has a small crack in the middle.",
    ),
    "shoe": (
        "There was sand in my shoe after we walked along the beach.",
        "The baby threw her shoe out of the car and laughed about it.",
    ),
    "spoon": (
        "I stirred the soup with a spoon and burned my tongue right away.",
        "She put one spoon of sugar into her tea and then another one.",
    ),
    "stone": (
        "He picked up a stone and threw it as far as he could.",
        "We sat on a stone by the river and looked at the water.",
    ),
    "table": (
        "We carried the table outside because the weather was so nice.",
        "The letter is on the table, right next to the flowers.",
    ),
}
# fmt: off
PAINT = (
    ("bag", "pink"), ("ball", "grey"), ("bottle", "orange"), ("box", "red"), ("chair", "blue"),
    ("clock", "gold"), ("cup", "green"), ("hat", "black"), ("key", "blue"), ("lamp", "pink"),
    ("spoon", "grey"), ("stone", "orange"), ("table", "black"),
)
PASS = (
    ("Anna", "chair"), ("Ben", "clock"), ("Ben", "spoon"), ("David", "ball"), ("Diego", "shoe"),
    ("Fatima", "bottle"), ("Fatima", "box"), ("Felix", "bag"), ("Iris", "leaf"),
    ("Wendy", "stone"),
)
# fmt: on
SAID = {
    word: (
        *texts,
        *(
            f"So I was thinking, well, maybe we could, you know, paint the {word} {color}."
            for painted, color in PAINT
            if painted == word
        ),
        *(f"Hey {name}, can you pass me the {word}?" for name, thing in PASS if thing == word),
    )
    for word, texts in SPEECH.items()
}  # fmt: skip
PAIRS = tuple(
    {"word": word, "color": COLORS[(5 * place + 3) % len(COLORS)]}
    for place, word in enumerate(OBJECTS)
)
READY_CASES = (
    tuple(
        (f"Every time I say {word}, say {color}.", {"word": word, "color": color})
        for word, color in READY
    ),
)
CASES = READY_CASES + asked(ORDERS, PAIRS, 4)
SPOKEN = {color: f"{color.capitalize()}." for color in COLORS}
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
WHOLE_EPISODE = True
MOST_SENTENCES = 20
IN_MIDST = 0.7  # of the cues are far from the end of their sentence
CUE_SHARE = 0.6  # of the sentences have the word in them
OPEN_SHARE = 0.5  # of the talks in training, whose cue may be any word
FURTHER_SHARE = 0.6  # of the open rules are set in further ways
OPEN_WORD = re.compile(r"[a-z]{4,}")
OPEN_CLIPS = (5, 500)  # what fewer have is hardly heard right, what more have is no cue
USER_TEXTS = (*sentences(CASES), *(text for texts in SAID.values() for text in texts))
OWN_TEXTS = (*SPOKEN.values(), *ACKNOWLEDGED)


def case(talk: Talk) -> tuple[str, str, str]:
    """An order and its two words, both of the talk's split."""
    is_kept = talk.split == "eval"
    cases = [c for c in talk.choose(CASES) if (c[1]["word"] in KEPT_WORDS) == is_kept]
    text, content = talk.rng.choice(cases)
    return text, str(content["word"]), str(content["color"])


def speech(talk: Talk) -> dict[str, tuple[str, ...]]:
    """What may be said in this split, by the word in it."""
    is_kept = talk.split == "eval"
    return {word: texts for word, texts in SAID.items() if (word in KEPT_WORDS) == is_kept}


def is_due(talk: Talk, number: int) -> bool:
    """Whether a cue has to come at last: no talk of training is without one. (Those of evaluation
    stay as they were measured.)"""
    has_cue = any(mark.kind == "cue" for mark in talk.marks)
    return talk.split == "train" and number > 1 and not has_cue


def clips_by_word(talk: Talk) -> dict[str, tuple[Clip, ...]]:
    """Clips of open sentences with word times, by the words in them that can be a cue."""

    def find() -> dict[str, tuple[Clip, ...]]:
        found: dict[str, list[Clip]] = defaultdict(list)
        for text in talk.open_texts("user"):
            words = {w.strip(".,?!-") for w in normalise(text).split()} - set(KEPT_WORDS)
            for word in filter(OPEN_WORD.fullmatch, words):
                found[word] += [clip for clip in talk.bank.user[text] if clip.words]
        low, high = OPEN_CLIPS
        return {word: tuple(clips) for word, clips in found.items() if low <= len(clips) <= high}

    return talk.bank.once(("clips by word", talk.split), find)


def play_open(talk: Talk) -> None:
    """A typed rule for any word, and open sentences; raises KeyError where the bank has none."""
    clips = clips_by_word(talk)
    if not clips:
        raise KeyError("the bank has no open sentences with words that come up again")
    order, listed, color = case(talk)
    word = talk.rng.choice(tuple(clips))
    if talk.rng.random() < FURTHER_SHARE:
        talk.instructions = talk.rng.choice(further_ways.CUE).format(word=word, color=color)
    else:
        talk.instructions = re.sub(rf"\b{listed}\b", word, normalise(order))
    for number in range(MOST_SENTENCES):
        if talk.now_ms >= talk.duration_ms - LAST_MS:
            break
        is_cue = talk.rng.random() < CUE_SHARE or is_due(talk, number)
        clip = (
            talk.rng.choice(clips[word]) if is_cue else sentence_of(talk, talk.open_texts("user"))
        )
        play_clip(talk, clip, [(word, SPOKEN[color])], talk.rng.randrange(*WAIT_MS))
    need_cue(talk)


def play(talk: Talk) -> None:
    """A rule, and speech with the word in some sentences until the time is full."""
    if talk.split == "train" and talk.rng.random() < OPEN_SHARE and talk.attempt(play_open):
        return
    order, word, color = case(talk)
    acknowledged = talk.rng.choice(ACKNOWLEDGED)
    set_rule(talk, order, acknowledged, further_ways.CUE, word=word, color=color)
    texts = speech(talk)
    others = [text for other, those in texts.items() if other != word for text in those]
    last = ""
    for number in range(MOST_SENTENCES):
        if talk.now_ms >= talk.duration_ms - LAST_MS:
            break
        is_cue = talk.rng.random() < CUE_SHARE or is_due(talk, number)
        fitting = SPEECH[word] if talk.rng.random() < IN_MIDST else texts[word]
        text = talk.rng.choice([t for t in (fitting if is_cue else others) if t != last])
        speak_on(talk, text, [(word, SPOKEN[color])])
        last = text
    need_cue(talk)
