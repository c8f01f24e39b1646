"""The model counts how often the user says a word: aloud at each, or silently until it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from microturn.data import further_ways
from microturn.data.moments import LAST_MS, call_out, set_rule, word_ends_ms
from microturn.data.phrasing import asked, options, sentences
from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.scenarios.questions import NUMBERS

WORDS = ("apple", "coffee", "garden", "music", "water")
ALOUD = (
    "Count how often I say {word}.",
    "Count out loud every time I say {word}.",
    "Each time you hear {word}, say the next number.",
    "Say the number each time I say {word}.",
    "Whenever I say {word}, count one up and say it.",
    "Please count the word {word} out loud.",
    "Count along when I say {word}.",
    "Keep a running count of the word {word} for me, out loud.",
    "I want to hear a number whenever I use the word {word}.",
    "Number every {word} I mention, out loud.",
)
SILENT = (
    "Count how often I say {word}, and tell me at the end.",
    "Quietly count how many times I say {word}.",
    "Keep track of how often I say {word}, I will ask you later.",
    "Listen and count the word {word}, but stay silent.",
    "Without saying anything, count how often I use the word {word}.",
)
ENDS = (
    "So, how often did I say it?",
    "How many times was that?",
    "Okay, how many did you count?",
    "What is the count now?",
    "And how often was it?",
)
# Ten sentences a word; a word comes up once or twice.
SENTENCES = {
    "apple": (
        "I had an apple for breakfast and then I cleaned the kitchen.",
        "The apple on the table is for you, so please take it.",
        "She cut the apple in half and gave me the bigger part.",
        "An apple fell from the tree while we were sitting under it.",
        "I like apple cake, especially when it comes right out of the oven.",
        "He ate one apple after the other until he felt sick.",
        "A red apple or a green apple, I really like both of them.",
        "You can bake an apple with sugar, and it smells wonderful.",
        "There was only one apple left in the basket this morning.",
        "My horse gets an apple every time that I visit her.",
    ),
    "coffee": (
        "I need a coffee before I can talk to anybody in the morning.",
        "The coffee at the station is better than you would think.",
        "We met for coffee and stayed until they closed the place.",
        "He spilled his coffee over the letter and had to start again.",
        "Coffee keeps me awake, so I never drink it in the evening.",
        "My grandmother made coffee with a little salt in it.",
        "First a coffee, then the paper, then another coffee and off we go.",
        "She brought me coffee when I was working late last night.",
        "The smell of coffee woke me up before the alarm did.",
        "There is fresh coffee in the kitchen if you want some.",
    ),
    "garden": (
        "We spent the whole day in the garden and planted some roses.",
        "The garden behind the house is small, but it gets a lot of sun.",
        "My father works in the garden whenever the weather is good.",
        "There is a rabbit in the garden, and it eats all the salad.",
        "I can see the garden from my window when I am at my desk.",
        "In winter the garden sleeps, and nobody has to do anything.",
        "Her garden is next to my garden, so we talk over the fence.",
        "We had dinner in the garden because it was such a warm night.",
        "The old garden was full of flowers that nobody had planted.",
        "I lost my ring in the garden and never found it again.",
    ),
    "music": (
        "The music was so loud that we could not hear each other.",
        "I listen to music when I am cooking or cleaning the house.",
        "She studied music for a year before she became a doctor.",
        "There was music in the street and everybody started to dance.",
        "My brother writes music for films, but nobody knows his name.",
        "Without music the long drive would have been really boring.",
        "Old music or new music, he plays all of it on the piano.",
        "We turned off the music and went to bed quite early.",
        "The music stopped suddenly and the lights went out.",
        "I like the music they play in the small shop around the corner.",
    ),
    "water": (
        "The water in the lake was so cold that we stayed outside.",
        "He drank a glass of water and went back to his work.",
        "There was water on the floor when I came home last night.",
        "You should give the plants some water before you leave.",
        "The water was boiling, but I had forgotten to buy rice.",
        "We carried water from the river up to the old cabin.",
        "Warm water or cold water, the stain just does not come out.",
        "I fell into the water with all my clothes on, can you imagine.",
        "They turned off the water in our street for two days.",
        "She looked at the water for a long time and said nothing.",
    ),
}
CONTENTS = tuple({"word": word} for word in WORDS)
ALOUD_CASES, SILENT_CASES = asked(ALOUD, CONTENTS, 3), asked(SILENT, CONTENTS, 3)
SPOKEN = {number: f"{word.capitalize()}." for number, word in enumerate(NUMBERS[:13]) if number}
TOTALS = {0: "Not once.", 1: "Once.", 2: "Twice."} | {
    number: f"{word.capitalize()} times." for number, word in enumerate(NUMBERS[:11]) if number > 2
}
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
WHOLE_EPISODE = True
ALOUD_SHARE = 0.65
WANTED_SHARE = 0.6  # of the sentences have the word
ASKED_SHARE = 0.3  # of the counts aloud end with a question for the total
USER_TEXTS = (
    *sentences(ALOUD_CASES, SILENT_CASES),
    *ENDS,
    *(text for texts in SENTENCES.values() for text in texts),
)
OWN_TEXTS = (*SPOKEN.values(), *TOTALS.values(), *ACKNOWLEDGED)


def speech(talk: Talk, word: str) -> Iterator[tuple[str, bool]]:
    """Sentences of the talk's split in any order: (sentence, whether the word is in it)."""
    wanted = options(talk, SENTENCES[word])
    others = [
        text for other in WORDS if other != word for text in options(talk, SENTENCES[other])
        if f" {word}" not in f" {text}".lower()
    ]  # fmt: skip
    talk.rng.shuffle(wanted)
    talk.rng.shuffle(others)
    while wanted and others:
        is_wanted = talk.rng.random() < WANTED_SHARE
        yield (wanted.pop() if is_wanted else others.pop()), is_wanted


def ask_total(talk: Talk, total: int) -> None:
    """The user wants to know the total."""
    talk.user(talk.choose(ENDS), wait_ms=talk.rng.randrange(500, 1500))
    question, answer = talk.events[-1], talk.own(TOTALS[total], do=None)
    window_ms = (question.end_ms, question.end_ms + ANSWER_WINDOW_MS)
    talk.expect("count", window_ms, (answer.text,), question.onset_ms, value=total)


def play(talk: Talk) -> None:
    """A rule, sentences with the word in some of them, each counted; the total when asked."""
    is_aloud = talk.rng.random() < ALOUD_SHARE
    text, content = talk.rng.choice(talk.choose(ALOUD_CASES if is_aloud else SILENT_CASES))
    word = str(content["word"])
    further = further_ways.COUNT_WORD if is_aloud else further_ways.COUNT_WORD_QUIETLY
    set_rule(talk, text, talk.rng.choice(ACKNOWLEDGED), further, word=word)
    total, start_ms = 0, talk.now_ms
    for sentence, _ in speech(talk, word):
        if talk.now_ms > talk.duration_ms - LAST_MS - 3000 or total > max(TOTALS) - 2:
            break
        event = talk.user(sentence, wait_ms=talk.rng.randrange(250, 1200))
        for end_ms in word_ends_ms(talk, event, word):
            total += 1
            if is_aloud:
                call_out(talk, event, word, end_ms, SPOKEN[total], "count", value=total)
            else:
                talk.mark("cue", word, event.onset_ms, end_ms)
    if not is_aloud:
        talk.expect("silent", (start_ms, talk.now_ms))
    if not is_aloud or talk.rng.random() < ASKED_SHARE:
        ask_total(talk, total)
