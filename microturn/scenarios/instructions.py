"""Instructions at the start of a conversation, or given in its course, aloud or in writing: the
same words of the user are then met in another way.

    eager   the default: questions are answered, small remarks get a small reply
    asked   only questions are answered
    word    answers of one word
    silent  nothing is said until the user says its name, nano
    pirate, butler  a manner of speaking
"""

from __future__ import annotations

from microturn.data.talk import ANSWER_WINDOW_MS, RESPONSE_MS, Talk
from microturn.data.timeline import Event, to_grid
from microturn.scenarios import facts, questions

WHOLE_EPISODE = True
# fmt: off
REMARKS = {  # the user says something in passing: how an eager model replies
    "I had soup for lunch.": "Soup is always good.",
    "The sun is out today.": "Then open a window.",
    "I bought a new lamp.": "I hope it is a nice one.",
    "My tea is cold again.": "Time for a fresh cup.",
    "The neighbors are moving out.": "Maybe the new ones are nice.",
    "I watched a movie last night.": "I hope it was a good one.",
    "The bus was late today.": "At least you made it.",
    "My brother called me.": "It is good to stay in touch.",
    "There is snow on the roof.": "That must look pretty.",
    "I found five dollars.": "Lucky day.",
}
PIRATE = {
    "Hello.": "Ahoy there, sailor!",
    "How are you?": "Fine as a fair wind, matey.",
    "What is your name?": "They call me Captain Nano.",
    "Thanks.": "Aye, any time, matey.",
    "Can you hear me?": "Aye, loud and clear.",
    "Goodbye.": "Fair winds to you, sailor!",
}
BUTLER = {
    "Hello.": "Good day, at your service.",
    "How are you?": "Very well indeed, thank you for asking.",
    "What is your name?": "You may call me Nano, if you please.",
    "Thanks.": "It is my pleasure entirely.",
    "Can you hear me?": "Perfectly, if I may say so.",
    "Goodbye.": "I wish you a most pleasant day.",
}
PERSONAS = {"pirate": PIRATE, "butler": BUTLER}
SPOKEN = {
    "asked": (
        "Talk less, please.", "Only speak when I ask you something.", "Please speak less.",
        "Don't comment on everything.", "You don't have to answer everything.",
        "Just answer my questions, please.", "Be a bit quieter, please.", "Less talking, please.",
        "Only answer when I ask.", "Don't speak unless I ask.",
    ),
    "eager": (
        "You may speak again.", "You can talk more again.", "Okay, you can chat with me again.",
        "You can comment again.", "Talk to me as before.", "Speak as much as you like again.",
        "Feel free to talk again.", "You don't have to be so quiet.", "Talk normally again.",
        "Okay, back to normal.",
    ),
    "word": (
        "Only answer in one word.", "One word answers, please.", "Answer in just one word.",
        "Keep it to one word.", "Use one word only.", "Please answer with a single word.",
        "Short answers, one word each.", "Just one word from now on.", "Give me one word answers.",
        "From now on, one word only.",
    ),
    "silent": (
        "Be quiet until I say your name.", "Don't speak until I call you.",
        "Say nothing until you hear your name.", "Stay silent until I say nano.",
        "No talking until I call your name.", "Please be silent until I call you.",
        "Wait quietly until I say your name.", "Not a word until I say nano.",
        "Be silent until you hear nano.", "Keep quiet until I call.",
    ),
    "pirate": (
        "Talk like a pirate.", "Be a pirate, please.", "Can you speak like a pirate?",
        "From now on you are a pirate.", "Play a pirate for me.",
    ),
    "butler": (
        "Talk like a butler.", "Be my butler, please.", "Can you speak like a butler?",
        "From now on you are my butler.", "Play a butler for me.",
    ),
}
IN_WRITING = {  # before the conversation, or in its course by whoever runs it
    "asked": ("speak only when asked.", "answer questions, nothing else.", "do not chat.",
              "only speak when the user asks something.", "never comment, only answer."),
    "eager": ("be friendly and chat.", "comment on what the user says.", "be talkative.",
              "reply to everything.", "keep the conversation going."),
    "word": ("answer in one word.", "use single word answers.", "one word only.",
             "be extremely brief, one word.", "every answer has one word."),
    "silent": ("be silent until the user says nano.", "do not speak before your name, nano.",
               "wait for the word nano.", "stay quiet until you are called nano.",
               "say nothing until called by name."),
    "pirate": ("you are a pirate.", "talk like a pirate.", "speak as a pirate would.",
               "play a pirate captain.", "answer like an old pirate."),
    "butler": ("you are a butler.", "talk like a butler.", "speak as a butler would.",
               "play a polite butler.", "answer like an old butler."),
}
AGREED = {
    "asked": "Okay.", "eager": "Gladly.", "word": "Okay.", "silent": "", "pirate": "Aye, matey!",
    "butler": "As you wish.",
}
CALLS = ("Nano?", "Hey nano.", "Nano, are you there?", "Nano, you can talk now.", "Hi nano.")
# fmt: on
CALLED = "Yes, I am here."
WORDS = {  # one word where the usual answer has more
    **{f"What is the capital of {c}?": f"{city}." for c, city in questions.CAPITALS.items()},
    **{
        f"What is {questions.NUMBERS[a]} plus {questions.NUMBERS[b]}?": (
            f"{questions.NUMBERS[a + b].capitalize()}."
        )
        for a, b in questions.SUMS
    },
}
WORDS = {text: word for text, word in WORDS.items() if len(word.split()) == 1}
USER_TEXTS = (*REMARKS, *(text for wordings in SPOKEN.values() for text in wordings), *CALLS)
OWN_TEXTS = tuple(
    dict.fromkeys(
        (
            *REMARKS.values(),
            *PIRATE.values(),
            *BUTLER.values(),
            *(text for text in AGREED.values() if text),
            CALLED,
            *WORDS.values(),
        )
    )
)
EXCHANGES_MS = (1000, 3000)  # between exchanges
UNANSWERED_MS = (2500, 4000)  # of silence after what gets no answer
LEFT_MS = 5000  # of the conversation, in which no new exchange begins
CHANGED = 0.35  # of the steps, a new instruction


def unanswered(talk: Talk, text: str) -> Event:
    """The user says something that gets no reply under the present instruction."""
    event = talk.user(text)
    end_ms = event.end_ms + talk.rng.randrange(*UNANSWERED_MS)
    talk.expect("silent", (event.onset_ms, end_ms), on_ms=event.onset_ms)
    talk.now_ms = end_ms
    return event


def instruct(talk: Talk, mode: str, is_first: bool) -> None:
    """An instruction, before the conversation or in its course, aloud or in writing."""
    way = talk.rng.choice(("prefix", "spoken", "system") if is_first else ("spoken", "system"))
    if way == "prefix":
        talk.instructions = talk.choose(IN_WRITING[mode])
        return
    if way == "system":
        talk.type(talk.choose(IN_WRITING[mode]), "system")
        talk.now_ms = to_grid(talk.now_ms + RESPONSE_MS)
        return
    text = talk.choose(SPOKEN[mode])
    if AGREED[mode]:
        talk.user(text)
        talk.own(AGREED[mode])
    else:
        unanswered(talk, text)


def remark(talk: Talk, mode: str) -> None:
    """The user says something in passing."""
    text = talk.choose(tuple(REMARKS))
    if mode in ("asked", "silent"):
        unanswered(talk, text)
    else:
        event = talk.user(text)
        reply = talk.own(REMARKS[text], do=None)  # what it says is free
        window_ms = (event.end_ms, reply.onset_ms + ANSWER_WINDOW_MS)
        talk.expect("respond", window_ms, on_ms=event.onset_ms)


def question(talk: Talk, mode: str) -> None:
    """The user asks."""
    if mode in PERSONAS:
        text = talk.rng.choice(tuple(PERSONAS[mode]))
        talk.user(text)
        talk.own(PERSONAS[mode][text], do="answer")
    elif mode == "word":
        text = talk.rng.choice(tuple(WORDS))
        talk.user(text)
        talk.own(WORDS[text], do="answer")
    elif mode == "silent":
        unanswered(talk, facts.pick(talk)[0])
    else:
        text, answer = facts.pick(talk)
        talk.user(text)
        talk.own(answer, do="answer")


def step(talk: Talk, mode: str) -> str:
    """One exchange under the present instruction; the mode after it."""
    if mode == "silent" and talk.rng.random() < 0.4:
        talk.user(talk.choose(CALLS))
        talk.own(CALLED)
        return "eager"
    kinds = (question, remark) if mode in ("eager", "asked", "silent") else (question,)
    talk.rng.choice(kinds)(talk, mode)
    return mode


def play(talk: Talk) -> None:
    """A conversation under an instruction that is changed once or twice."""
    mode = talk.rng.choice(tuple(SPOKEN))
    instruct(talk, mode, is_first=True)
    talk.now_ms += talk.rng.randrange(*EXCHANGES_MS)
    num_steps = 0
    while talk.now_ms < talk.duration_ms - LEFT_MS:
        if num_steps >= 2 and talk.rng.random() < CHANGED:
            others = [other for other in SPOKEN if other != mode]
            mode = "eager" if mode == "asked" else talk.rng.choice(others)
            instruct(talk, mode, is_first=False)
            num_steps = 0
        else:
            mode = step(talk, mode)
            num_steps += 1
        talk.now_ms += talk.rng.randrange(*EXCHANGES_MS)
