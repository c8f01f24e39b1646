"""The user asks, the model answers: capitals, small sums, everyday talk."""

from __future__ import annotations

from microturn.data.talk import Talk

# fmt: off
NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty",
)
# fmt: on
CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "England": "London",
    "Greece": "Athens",
    "Russia": "Moscow",
    "Japan": "Tokyo",
    "China": "Beijing",
    "India": "New Delhi",
    "Egypt": "Cairo",
    "Kenya": "Nairobi",
    "Cuba": "Havana",
    "Peru": "Lima",
    "Canada": "Ottawa",
    "Mexico": "Mexico City",
    "Norway": "Oslo",
    "Poland": "Warsaw",
    "Austria": "Vienna",
    "Ireland": "Dublin",
}
# fmt: off
SUMS = (
    (1, 1), (2, 1), (2, 2), (3, 1), (2, 3), (3, 3), (4, 2), (4, 3), (5, 2), (4, 4), (5, 4),
    (3, 6), (5, 5), (6, 4), (7, 3), (6, 5), (7, 4), (8, 2), (6, 6), (8, 4), (7, 6), (9, 4),
    (7, 7), (8, 6), (9, 6), (8, 8), (10, 7), (9, 9), (10, 9), (10, 10),
)
# fmt: on
TALK = {
    "Hello.": "Hello, how can I help?",
    "Hi there.": "Hello, how can I help?",
    "Good morning.": "Good morning.",
    "How are you?": "I am well, thank you.",
    "What is your name?": "I am nano.",
    "Can you hear me?": "Yes, I can hear you.",
    "Are you there?": "Yes, I am here.",
    "Thank you so much.": "You are welcome.",
    "Thanks.": "You are welcome.",
    "What can you do?": "I can answer, remind and stop.",
    "Tell me a joke.": "I only know short ones.",
    "Goodbye.": "Goodbye.",
}


def questions() -> dict[str, str]:
    """Every question with its answer."""
    known = {
        f"What is the capital of {country}?": f"It is {city}." for country, city in CAPITALS.items()
    }
    known |= {
        f"Tell me the capital of {country}.": f"It is {city}." for country, city in CAPITALS.items()
    }
    known |= {
        f"What is {NUMBERS[a]} plus {NUMBERS[b]}?": f"That is {NUMBERS[a + b]}." for a, b in SUMS
    }
    return known | TALK


ANSWERS = questions()
USER_TEXTS = tuple(ANSWERS)
OWN_TEXTS = tuple(dict.fromkeys(ANSWERS.values()))


def pick_question(talk: Talk) -> str:
    """Capitals, sums and talk equally often."""
    kind = talk.rng.choice(("capital", "plus", "talk"))
    fits = {
        "capital": lambda text: "capital" in text,
        "plus": lambda text: " plus " in text,
        "talk": lambda text: text in TALK,
    }[kind]
    return talk.rng.choice([text for text in USER_TEXTS if fits(text)])


def play(talk: Talk) -> None:
    """One question, one answer."""
    question = pick_question(talk)
    talk.user(question)
    talk.own(ANSWERS[question])
