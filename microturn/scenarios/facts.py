"""A closed list of facts, asked for and told: what a small model can know by heart.

Every fact is asked for in two of the first four ways of its kind; every third also in the fifth,
which is kept for evaluation: the same facts, other phrasings. In training some questions are put
together from words that the voice has said elsewhere, in any of the first four ways or in further
ones, of which no bank has a recording.
"""

from __future__ import annotations

from microturn.data.assemble import assembled
from microturn.data.split import split_of
from microturn.data.talk import Talk
from microturn.scenarios import questions

KEPT_WAY = 4  # of the ways to ask, kept for evaluation
KEPT_EVERY = 3  # of the facts are asked for in the kept way
TRIES = 12  # questions looked at before the bank is taken to have none
ANEW = 0.3  # of training's questions are put together from words

# fmt: off
WAYS = {
    "capital": (
        "What is the capital of {}?", "Tell me the capital of {}.",
        "Which city is the capital of {}?", "What's the capital of {}?",
        "Do you know the capital of {}?",
    ),
    "opposite": (
        "What is the opposite of {}?", "What's the opposite of {}?",
        "Tell me the opposite of {}.", "Give me the opposite of {}.",
        "Which word is the opposite of {}?",
    ),
    "color": (
        "What color is {}?", "Tell me the color of {}.", "What's the color of {}?",
        "Which color is {}?", "Do you know what color {} is?",
    ),
    "sound": (
        "What sound does {} make?", "What does {} say?", "What noise does {} make?",
        "Which sound does {} make?", "Do you know what {} says?",
    ),
    "young": (
        "What is a baby {} called?", "What do you call a baby {}?", "What's a baby {} called?",
        "What do you call a young {}?", "What is the word for a baby {}?",
    ),
    "next": (
        "What comes after {}?", "What comes right after {}?", "Tell me what comes after {}.",
        "What's after {}?", "What follows {}?",
    ),
    "how_many": (
        "How many {}?", "Quick question, how many {}?", "And how many {}?",
        "Tell me, how many {}?", "So how many {}?",
    ),
    "symbol": (
        "What is the chemical symbol for {}?", "What's the symbol for {}?",
        "Tell me the chemical symbol for {}.", "How do chemists write {}?",
        "Which symbol stands for {}?",
    ),
    "author": (
        "Who wrote {}?", "Who is the author of {}?", "Tell me who wrote {}.",
        "Which author wrote {}?", "Who was {} written by?",
    ),
    "currency": (
        "What is the currency of {}?", "What money do they use in {}?",
        "Which currency does {} use?", "Tell me the currency of {}.",
        "What do people pay with in {}?",
    ),
    "language": (
        "What language do they speak in {}?", "Which language is spoken in {}?",
        "What do people speak in {}?", "Tell me the language of {}.",
        "What is the main language of {}?",
    ),
    "continent": (
        "Which continent is {} in?", "What continent is {} in?",
        "Tell me which continent {} is in.", "On which continent is {}?",
        "What part of the world is {} in?",
    ),
}
FURTHER_WAYS = {
    "capital": (
        "{}'s capital?", "Name the capital of {}.", "The capital of {} is which city?",
        "I want to know the capital of {}.", "The capital city of {}, please.",
    ),
    "opposite": (
        "Opposite of {}?", "The opposite of {} is what?", "Name the opposite of {}.",
        "I need the opposite of {}.",
    ),
    "color": ("{} has which color?", "Name the color of {}.", "The color of {}, please."),
    "sound": ("What does {} sound like?", "{} makes which sound?", "The sound of {}?"),
    "young": ("A baby {} is called what?", "Name for a baby {}?", "A young {} is what?"),
    "next": ("Name what comes after {}.", "After {} comes what?", "What is next after {}?"),
    "how_many": ("Tell me how many {}.", "Do you know how many {}?", "I wonder how many {}."),
    "symbol": ("Symbol for {}?", "{} has which symbol?", "The chemical symbol of {}, please."),
    "author": ("The author of {}?", "{} is by whom?", "Name the author of {}."),
    "currency": ("Currency of {}?", "The money of {} is called what?", "How do you pay in {}?"),
    "language": ("Language of {}?", "They speak what in {}?", "Name the language of {}."),
    "continent": ("{} is on which continent?", "The continent of {}?", "Name {}'s continent."),
}
TABLES = {
    "capital": {
        **{country: f"It is {city}." for country, city in questions.CAPITALS.items()},
        "Belgium": "Brussels.", "Portugal": "Lisbon.", "Switzerland": "Bern.",
        "Sweden": "Stockholm.", "Denmark": "Copenhagen.", "Finland": "Helsinki.",
        "Iceland": "Reykjavik.", "Hungary": "Budapest.", "Turkey": "Ankara.",
        "Australia": "Canberra.", "Brazil": "Brasilia.", "Argentina": "Buenos Aires.",
        "Chile": "Santiago.", "Thailand": "Bangkok.", "Vietnam": "Hanoi.", "Morocco": "Rabat.",
        "the Netherlands": "Amsterdam.", "the Czech Republic": "Prague.",
        "Slovakia": "Bratislava.", "Slovenia": "Ljubljana.", "Croatia": "Zagreb.",
        "Serbia": "Belgrade.", "Bulgaria": "Sofia.", "Romania": "Bucharest.", "Ukraine": "Kyiv.",
        "Estonia": "Tallinn.", "Latvia": "Riga.", "Lithuania": "Vilnius.",
        "Scotland": "Edinburgh.", "Wales": "Cardiff.", "Malta": "Valletta.", "Cyprus": "Nicosia.",
        "the United States": "Washington.", "Colombia": "Bogota.", "Venezuela": "Caracas.",
        "Ecuador": "Quito.", "Uruguay": "Montevideo.", "Bangladesh": "Dhaka.",
        "Jamaica": "Kingston.", "Panama": "Panama City.", "Costa Rica": "San Jose.",
        "Nigeria": "Abuja.", "Ghana": "Accra.", "Ethiopia": "Addis Ababa.", "Tunisia": "Tunis.",
        "Algeria": "Algiers.", "Senegal": "Dakar.", "Uganda": "Kampala.", "Iran": "Tehran.",
        "Iraq": "Baghdad.", "Jordan": "Amman.", "Lebanon": "Beirut.", "Saudi Arabia": "Riyadh.",
        "Pakistan": "Islamabad.", "Nepal": "Kathmandu.", "Mongolia": "Ulaanbaatar.",
        "South Korea": "Seoul.", "Indonesia": "Jakarta.", "the Philippines": "Manila.",
        "New Zealand": "Wellington.",
    },
    "opposite": {
        "hot": "Cold.", "big": "Small.", "up": "Down.", "left": "Right.", "day": "Night.",
        "black": "White.", "fast": "Slow.", "old": "Young.", "happy": "Sad.", "open": "Closed.",
        "full": "Empty.", "wet": "Dry.", "hard": "Soft.", "high": "Low.", "long": "Short.",
        "loud": "Quiet.", "rich": "Poor.", "strong": "Weak.", "thick": "Thin.", "clean": "Dirty.",
        "easy": "Difficult.", "early": "Late.", "first": "Last.", "good": "Bad.",
        "heavy": "Light.", "inside": "Outside.", "near": "Far.", "push": "Pull.",
        "true": "False.", "wide": "Narrow.", "sweet": "Sour.", "brave": "Afraid.",
        "sharp": "Dull.", "deep": "Shallow.", "rough": "Smooth.", "love": "Hate.",
        "begin": "End.", "win": "Lose.", "buy": "Sell.", "give": "Take.", "yes": "No.",
        "always": "Never.", "north": "South.", "east": "West.", "summer": "Winter.",
        "question": "Answer.", "front": "Back.",
    },
    "color": {
        "grass": "It is green.", "snow": "It is white.", "a banana": "It is yellow.",
        "a tomato": "It is red.", "the sky": "It is blue.", "coal": "It is black.",
        "a lemon": "It is yellow.", "milk": "It is white.", "chocolate": "It is brown.",
        "a carrot": "It is orange.", "a frog": "It is green.", "an elephant": "It is grey.",
        "a flamingo": "It is pink.", "an eggplant": "It is purple.", "a pumpkin": "It is orange.",
        "a strawberry": "It is red.", "a crow": "It is black.", "the sea": "It is blue.",
    },
    "sound": {
        "a cow": "Moo.", "a dog": "Woof.", "a cat": "Meow.", "a duck": "Quack.",
        "a sheep": "Baa.", "a pig": "Oink.", "a lion": "Roar.", "a bee": "Buzz.",
        "a snake": "Hiss.", "an owl": "Hoot.", "a rooster": "Cock-a-doodle-doo.",
        "a horse": "Neigh.", "a mouse": "Squeak.", "a wolf": "Howl.", "a bird": "Tweet.",
    },
    "young": {
        "dog": "A puppy.", "cat": "A kitten.", "cow": "A calf.", "horse": "A foal.",
        "sheep": "A lamb.", "duck": "A duckling.", "pig": "A piglet.", "lion": "A cub.",
        "chicken": "A chick.", "frog": "A tadpole.", "goat": "A kid.", "deer": "A fawn.",
        "swan": "A cygnet.", "kangaroo": "A joey.", "goose": "A gosling.",
    },
    "next": {
        "Monday": "Tuesday.", "Tuesday": "Wednesday.", "Wednesday": "Thursday.",
        "Thursday": "Friday.", "Friday": "Saturday.", "Saturday": "Sunday.", "Sunday": "Monday.",
        "January": "February.", "February": "March.", "March": "April.", "April": "May.",
        "May": "June.", "June": "July.", "July": "August.", "August": "September.",
        "September": "October.", "October": "November.", "November": "December.",
        "December": "January.",
    },
    "how_many": {
        "legs does a dog have": "Four.", "legs does a spider have": "Eight.",
        "legs does an ant have": "Six.", "legs does a bird have": "Two.",
        "arms does an octopus have": "Eight.", "sides does a triangle have": "Three.",
        "sides does a square have": "Four.", "sides does a hexagon have": "Six.",
        "sides does a cube have": "Six.", "days does a week have": "Seven.",
        "days does a year have": "Three hundred sixty five.",
        "months does a year have": "Twelve.", "hours does a day have": "Twenty four.",
        "minutes does an hour have": "Sixty.", "seconds does a minute have": "Sixty.",
        "seasons does a year have": "Four.", "letters does the alphabet have": "Twenty six.",
        "fingers does a hand have": "Five.", "wheels does a bicycle have": "Two.",
        "wheels does a car have": "Four.", "strings does a guitar have": "Six.",
        "strings does a violin have": "Four.", "players does a soccer team have": "Eleven.",
        "colors does a rainbow have": "Seven.", "planets does the sun have": "Eight.",
    },
    "symbol": {
        "oxygen": "O.", "hydrogen": "H.", "carbon": "C.", "nitrogen": "N.", "gold": "A U.",
        "silver": "A G.", "iron": "F E.", "copper": "C U.", "lead": "P B.", "tin": "S N.",
        "sodium": "N A.", "potassium": "K.", "calcium": "C A.", "helium": "H E.", "neon": "N E.",
        "zinc": "Z N.", "sulfur": "S.", "iodine": "I.",
    },
    "author": {
        "Hamlet": "Shakespeare.", "War and Peace": "Tolstoy.", "Oliver Twist": "Charles Dickens.",
        "Pride and Prejudice": "Jane Austen.", "Frankenstein": "Mary Shelley.",
        "Dracula": "Bram Stoker.", "Moby Dick": "Herman Melville.", "The Odyssey": "Homer.",
        "Don Quixote": "Cervantes.", "Faust": "Goethe.", "Crime and Punishment": "Dostoevsky.",
        "Tom Sawyer": "Mark Twain.", "Treasure Island": "Robert Louis Stevenson.",
        "Jane Eyre": "Charlotte Bronte.", "The Time Machine": "H G Wells.",
        "The Jungle Book": "Kipling.",
    },
    "currency": {
        "Japan": "The yen.", "India": "The rupee.", "China": "The yuan.", "Mexico": "The peso.",
        "Russia": "The ruble.", "Sweden": "The krona.", "Denmark": "The krone.",
        "Switzerland": "The franc.", "Poland": "The zloty.", "Turkey": "The lira.",
        "Germany": "The euro.", "Canada": "The dollar.", "Britain": "The pound.",
        "South Africa": "The rand.", "Brazil": "The real.",
    },
    "language": {
        "France": "French.", "Spain": "Spanish.", "Brazil": "Portuguese.", "Germany": "German.",
        "Italy": "Italian.", "Japan": "Japanese.", "Mexico": "Spanish.", "Russia": "Russian.",
        "Egypt": "Arabic.", "Greece": "Greek.", "Poland": "Polish.", "Austria": "German.",
        "Turkey": "Turkish.", "Sweden": "Swedish.", "Hungary": "Hungarian.",
        "Argentina": "Spanish.",
    },
    "continent": {
        "France": "Europe.", "Norway": "Europe.", "Greece": "Europe.", "Egypt": "Africa.",
        "Kenya": "Africa.", "Morocco": "Africa.", "Japan": "Asia.", "India": "Asia.",
        "Vietnam": "Asia.", "Nepal": "Asia.", "Canada": "North America.",
        "Mexico": "North America.", "Cuba": "North America.", "Brazil": "South America.",
        "Peru": "South America.", "Chile": "South America.",
    },
}
# fmt: on


def asked() -> dict[str, dict[str, str]]:
    """{split: {question: answer}}."""
    found: dict[str, dict[str, str]] = {"train": {}, "eval": {}}
    for kind, facts in TABLES.items():
        ways = WAYS[kind]
        for number, (thing, answer) in enumerate(facts.items()):
            for step in (0, 1):
                way = ways[(number + step) % KEPT_WAY]
                found["train"][way.format(thing)] = answer
            if number % KEPT_EVERY == 0:
                found["eval"][ways[KEPT_WAY].format(thing)] = answer
    return found


ASKED = asked()
ANSWERS = ASKED["train"] | ASKED["eval"]
KINDS = {
    split: {
        kind: tuple(q for q in known if any(q == w.format(t) for w in WAYS[kind] for t in facts))
        for kind, facts in TABLES.items()
    }
    for split, known in ASKED.items()
}
USER_TEXTS = tuple(ANSWERS)
OWN_TEXTS = tuple(dict.fromkeys(ANSWERS.values()))


def pick(talk: Talk) -> tuple[str, str]:
    """A question of the talk's split and its answer, both in the bank; every kind equally often.

    Raises KeyError where the bank has none.
    """
    kinds = KINDS[talk.split]
    for _ in range(TRIES):
        question = talk.rng.choice(kinds[talk.rng.choice(tuple(kinds))])
        if talk.has("user", question) and talk.has("own", ANSWERS[question]):
            return question, ANSWERS[question]
    raise KeyError("the bank has no question about a fact")


def any_way(talk: Talk) -> tuple[str, str]:
    """A question in any way that trains, and its answer; no bank needs to have it."""
    kind = talk.rng.choice(tuple(TABLES))
    thing, answer = talk.rng.choice(tuple(TABLES[kind].items()))
    ways = (*WAYS[kind][:KEPT_WAY], *FURTHER_WAYS[kind])
    asked = talk.rng.choice(ways).format(thing)
    return asked[0].upper() + asked[1:], answer


def anew(talk: Talk) -> None:
    """A question put together from words of the conversation's voice, and its answer.

    Raises KeyError where the voice has not said enough of them, or the model has no such answer.
    """
    for _ in range(TRIES):
        question, answer = any_way(talk)
        may_train = question in ASKED["train"] or split_of(question) == "train"
        if not may_train or not talk.has("own", answer):
            continue
        try:
            clip = assembled(talk, question)
        except KeyError:
            continue
        talk.say_clip("user", clip, talk.now_ms)
        talk.own(answer)
        return
    raise KeyError("the conversation's voice has not said the words of a question")


def play(talk: Talk) -> None:
    """One question, one answer."""
    if talk.split == "train" and talk.rng.random() < ANEW and talk.attempt(anew):
        return
    question, answer = pick(talk)
    talk.user(question)
    talk.own(answer)
