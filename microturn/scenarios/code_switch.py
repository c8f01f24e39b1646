"""A Spanish, German or French word in English speech, and the model says the English one while the
user goes on."""

from __future__ import annotations

import random
from dataclasses import dataclass

from microturn.data.moments import LAST_MS, need_cue, set_rule, speak_on
from microturn.data.phrases import LANGUAGES, Mixed, mixed
from microturn.data.phrasing import options
from microturn.data.split import SPLITS
from microturn.data.talk import Talk
from microturn.signal.text import normalise

SPANISH = {
    "manzana": "apple",
    "mesa": "table",
    "silla": "chair",
    "libro": "book",
    "casa": "house",
    "puerta": "door",
    "gato": "cat",
    "perro": "dog",
    "agua": "water",
    "leche": "milk",
    "llave": "key",
    "reloj": "clock",
    "espejo": "mirror",
    "caja": "box",
    "zapato": "shoe",
    "plato": "plate",
    "cuchara": "spoon",
    "piedra": "stone",
    "botella": "bottle",
    "flor": "flower",
    "sombrero": "hat",
    "pelota": "ball",
    "hoja": "leaf",
    "queso": "cheese",
    "bolsa": "bag",
    "taza": "cup",
}
ORDERS = (
    "Every time I use a Spanish word, tell me the English one.",
    "When I say something in Spanish, give me the English word.",
    "Whenever I slip into Spanish, say it in English.",
    "If a Spanish word comes up, tell me what it is in English.",
    "Help me with my English, say the right word when I use a Spanish one.",
    "Please put every Spanish word I use into English.",
    "As soon as you hear a Spanish word, say it in English.",
    "Say the English word each time I use a Spanish one.",
    "I mix in Spanish words, so tell me the English ones.",
    "Jump in with the English word when I use Spanish.",
)
MIXED = (
    "I put the manzana on the table and then I went out to call my brother.",
    "We sat around the mesa for an hour and talked about the summer.",
    "She pulled up a silla so that everybody could sit down and eat.",
    "I left my libro on the train and nobody has found it so far.",
    "Their casa is close to the river and it has a very nice garden.",
    "Somebody knocked on the puerta while I was in the shower this morning.",
    "The gato was asleep in the sun and did not want to move at all.",
    "I walked the perro in the park before it started to rain again.",
    "Can I have some agua with that, because it is really hot in here today.",
    "I poured the leche into a glass and then I forgot to drink it.",
    "I cannot find the llave and my friends are already waiting outside.",
    "The reloj on the wall has stopped and so I came much too late.",
    "I looked into the espejo and saw that my hair was completely wet.",
    "There was a caja in front of the house and nobody knew who sent it.",
    "I lost a zapato in the mud when we walked along the river.",
    "He dropped the plato on the floor and everybody turned around to look.",
    "I need a cuchara for the soup, and maybe some bread to go with it.",
    "She found a piedra on the beach and took it all the way home.",
    "We opened a botella and sat outside until it was completely dark.",
    "He gave her a flor and she put it right next to the window.",
    "I bought a sombrero at the market because the sun was so strong.",
    "The kids lost the pelota in the garden and looked for it all day.",
    "A hoja fell into my tea while we were sitting under the tree.",
    "We had some queso with bread and then we went for a long walk.",
    "My bolsa is still in the car, and I think my phone is in it.",
    "I broke my taza this morning and now I have to buy a new one.",
    "The gato jumped on the mesa and ate what was left of the fish.",
    "I put the libro in the caja and carried it up to the attic.",
    "She filled the taza with agua and gave it to the man outside.",
    "The perro took my zapato and ran around the whole house with it.",
)
PLAIN = (
    "Yesterday we went to the market and it was much too crowded for me.",
    "My sister will visit us next week and I still have to clean up.",
    "It rained the whole afternoon, so we stayed inside and played cards.",
    "I think I will cook something simple tonight and go to bed early.",
    "The bus was late again and I had to walk the last part of the way.",
    "We are planning a trip to the mountains as soon as it gets warmer.",
    "My neighbor plays the piano every evening and I like to listen to it.",
    "I have to finish this letter today, but I do not know how to end it.",
    "There was a lot of snow when we woke up, and everything was quiet.",
    "I met an old friend in town and we talked for almost two hours.",
)
HOW = tuple(
    f"How do you say {word} in Spanish?"
    for word in (
        "bag", "ball", "book", "bottle", "box", "chair", "clock", "cup", "key", "leaf", "mirror",
        "plate", "shoe", "spoon", "stone", "table",
    )
)  # fmt: skip
WHAT = (
    "What is house in Spanish?",
    "What is the Spanish word for flower?",
    "Tell me the Spanish word for water.",
    "What do they call a cat in Spanish?",
    "And door, what is that in Spanish?",
    "What is chair in Spanish?",
    "What is the Spanish word for book?",
    "Tell me the Spanish word for apple.",
    "What do they call a dog in Spanish?",
    "And table, what is that in Spanish?",
)
ORDERS_IN = {
    name: tuple(order.replace("Spanish", name.capitalize()) for order in ORDERS)
    for name in LANGUAGES
}
GOES_ON = (  # what follows an everyday sentence in the same breath
    "and that is really all i wanted to tell you about it.",
    "but let us talk about something else before we go home.",
    "and after that we can sit down and have a cup of tea.",
    "so i will call you again as soon as i know more.",
    "and nobody in the whole family believes me when i say so.",
    "because that is how we have always done it around here.",
    "and then i have to leave, since my train goes at noon.",
    "although i am not sure that it matters very much today.",
    "so please remind me of it when we meet again next week.",
    "and i hope that the weather stays like this until sunday.",
)
EVERYDAY_MIXED = {"train": 40, "eval": 10}  # sentences in each language
EVERYDAY_SHARE = 0.5  # of running speech, where the bank has any
ASKED = 0.25  # of the exchanges are a question for a word; the others are running speech
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Of course.")
ENGLISH = {word: f"{english.capitalize()}." for word, english in SPANISH.items()}
ANSWERS = {english: f"In Spanish, that is {word}." for word, english in SPANISH.items()}
MIXED_SHARE = 0.7
WHOLE_EPISODE = True


@dataclass
class Split:
    """Whose phrasings are wanted."""

    split: str


def everyday(language: str, split: str) -> dict[str, Mixed]:
    """By text, sentences of everyday talk with a foreign word in them: always the same."""
    rng = random.Random(f"everyday/{language}/{split}")
    going_on = options(Split(split), GOES_ON)
    found: dict[str, Mixed] = {}
    while len(found) < EVERYDAY_MIXED[split]:
        one = mixed(rng, language, split)
        found[f"{one.text} {rng.choice(going_on)}"] = one
    return found


EVERYDAY = {(name, split): everyday(name, split) for name in LANGUAGES for split in SPLITS}


def meant(one: Mixed) -> str:
    """The English word, as the model says it."""
    return f"{one.word.english.strip('.').capitalize()}."


def answer_to(question: str) -> str:
    """What a question for a word is answered with."""
    words = normalise(question).strip("?.").replace(",", "").split()
    return next(ANSWERS[word] for word in words if word in ANSWERS)


USER_TEXTS = tuple(
    dict.fromkeys(
        (
            *(order for orders in ORDERS_IN.values() for order in orders),
            *MIXED, *PLAIN, *HOW, *WHAT,
            *(text for table in EVERYDAY.values() for text in table),
        )
    )
)  # fmt: skip
OWN_TEXTS = tuple(
    dict.fromkeys(
        (
            *ENGLISH.values(),
            *(answer_to(question) for question in (*HOW, *WHAT)),
            *ACKNOWLEDGED,
            *(meant(one) for table in EVERYDAY.values() for one in table.values()),
        )
    )
)


def sayable(talk: Talk, language: str) -> dict[str, Mixed]:
    """Everyday sentences that the bank has, with what they are answered with."""

    def find() -> dict[str, Mixed]:
        table = EVERYDAY[language, talk.split]
        return {t: one for t, one in table.items() if talk.has("user", t)
                and talk.has("own", meant(one))}  # fmt: skip

    return talk.bank.once(("code switch", language, talk.split), find)


def ask_words(talk: Talk) -> None:
    """Questions for single words, one after the other."""
    known = (*HOW, *options(talk, WHAT)) if talk.split == "train" else options(talk, WHAT)
    for question in talk.rng.sample(known, min(len(known), talk.rng.randint(2, 4))):
        talk.user(question, wait_ms=talk.rng.randrange(400, 1500))
        talk.own(answer_to(question), do="answer")


def play(talk: Talk) -> None:
    """Words asked for; or a rule, and speech with foreign words in it until the time is full."""
    if talk.rng.random() < ASKED:
        return ask_words(talk)
    known = [name for name in LANGUAGES if sayable(talk, name)]
    is_everyday = bool(known) and talk.rng.random() < EVERYDAY_SHARE
    language = talk.rng.choice(known) if is_everyday else "spanish"
    set_rule(talk, talk.choose(ORDERS_IN[language]), talk.rng.choice(ACKNOWLEDGED))
    sentences = sayable(talk, language) if is_everyday else {}
    mixed_ones, plain = list(sentences) or options(talk, MIXED), options(talk, PLAIN)
    talk.rng.shuffle(mixed_ones)
    talk.rng.shuffle(plain)
    while mixed_ones and talk.now_ms < talk.duration_ms - LAST_MS:
        is_mixed = not plain or talk.rng.random() < MIXED_SHARE
        text = mixed_ones.pop() if is_mixed else plain.pop()
        speak_on(talk, text, cues_of(text, sentences))
    need_cue(talk)


def cues_of(text: str, sentences: dict[str, Mixed]) -> list[tuple[str, str]]:
    """Foreign words of a text, each with its English."""
    if text in sentences:
        return [(sentences[text].word.text, meant(sentences[text]))]
    words = normalise(text).replace(",", "").strip(".").split()
    return [(word, ENGLISH[word]) for word in dict.fromkeys(words) if word in SPANISH]
