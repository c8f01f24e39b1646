"""The user tells a long story: the model listens with small words at the ends of phrases, and says
one thing when the story is over."""

from __future__ import annotations

from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.scenarios.listening import long_texts

# fmt: off
OPENERS = (
    "Let me tell you something.", "You won't believe what happened to me.",
    "I have to tell you a story.", "So, listen to this.", "Guess what happened yesterday.",
    "I want to tell you about my day.", "Something funny happened to me this week.",
    "Do you want to hear a story?", "Okay, so here is what happened.", "Let me tell you a story.",
)
READY = ("Mm-hm.", "Go on.", "Yes?", "I'm listening.")
# fmt: on
STORIES = (  # the last sentence ends it; the remark fits
    (
        "Yesterday morning I missed the bus because I could not find my left shoe.",
        "So I walked to work, and of course it started to rain after five minutes.",
        "I ran into a little bakery to get dry, and there I met my old math teacher.",
        "We had coffee and talked for an hour about everyone from school.",
        "In the end I was two hours late, but it was the best morning of the year.",
        "What a lovely morning.",
    ),
    (
        "Last summer we drove to the coast with a tent and two old bicycles.",
        "On the first night the wind was so strong that the tent simply flew away.",
        "We slept in the car, all four of us, with the dog on top.",
        "A farmer heard about it and let us stay in his barn for the week.",
        "Now we go back to that barn every single summer.",
        "What a story.",
    ),
    (
        "My grandmother wanted to learn how to use a computer when she was eighty.",
        "I showed her how to write a letter, and she wrote down every step on paper.",
        "A week later she had already found three old friends from her village.",
        "Then she began to play chess every night against a man in Canada.",
        "And last month she beat him for the first time.",
        "Good for her.",
    ),
    (
        "I wanted to bake a cake for my brother, because he turned thirty on Sunday.",
        "I mixed everything, put it in the oven, and then the phone rang.",
        "It was my aunt, and you know how long she can talk.",
        "When I smelled the smoke it was far too late, and the cake was black.",
        "So we stuck the candles into a pizza, and that was that.",
        "That sounds like a good party anyway.",
    ),
    (
        "Our cat disappeared on Monday, and we looked for her everywhere.",
        "We put up signs in the whole street and asked all the neighbors.",
        "On the third day I heard a very quiet sound behind the washing machine.",
        "She had made herself a bed there out of my good sweaters.",
        "And next to her were four tiny kittens, all of them grey.",
        "Oh, how sweet.",
    ),
    (
        "On my first day at the new job I took the elevator to the wrong floor.",
        "I sat down in a meeting and nobody asked me who I was.",
        "I even gave them some advice about the colors of their new logo.",
        "After half an hour my real boss called and asked where I was.",
        "The funny thing is that they really changed the logo afterwards.",
        "That is very funny.",
    ),
    (
        "My neighbor plays the trumpet every evening at exactly eight o'clock.",
        "At first it drove me crazy, and I wanted to say something to him.",
        "But then he was away for two weeks, and the house felt so empty.",
        "When he came home I went over and asked him to teach me.",
        "So now there are two of us, and the rest of the house hates us.",
        "At least you have fun together.",
    ),
    (
        "I lost my wallet on the train to the city last Friday.",
        "I called the office, but nobody had seen it, and I gave up.",
        "On Tuesday a letter came, without a name, and the wallet was in it.",
        "All the money was there, and a small note that said have a nice day.",
        "So that is why I still believe in people.",
        "I am glad you got it back.",
    ),
    (
        "We have a very old apple tree in the garden that never had any apples.",
        "Every year my father said that he would cut it down in the fall.",
        "This spring he went out with the saw, and there were flowers all over it.",
        "He put the saw away and did not say a word at dinner.",
        "Yesterday we picked the first basket, and they taste wonderful.",
        "It was worth the wait.",
    ),
    (
        "I took my driving test for the third time this morning.",
        "I was so nervous that I turned on the wipers instead of the lights.",
        "Then a duck crossed the road with seven little ones behind her.",
        "I stopped and waited for all of them, and the man beside me smiled.",
        "He said that was enough for him, and I finally passed.",
        "Congratulations.",
    ),
)
# fmt: off
CLOSERS = (  # after sentences of the bank that end nothing
    "And that was it.", "Well, that was my story.", "So that's what happened.",
    "Anyway, that's all.", "And that's the end of it.", "So, yeah, that was that.",
    "That's the whole story.", "And that's how it was.",
)
REMARKS = ("What a story.", "Thank you for telling me.", "That is quite a story.")
HUMS = ("Mm-hm.", "I see.", "Right.", "Really?", "Oh, wow.", "Yeah.", "Mm.", "Oh no.", "Okay.",
        "Uh huh.")
# fmt: on
USER_TEXTS = (*OPENERS, *(s for story in STORIES for s in story[:-1]), *CLOSERS)
OWN_TEXTS = tuple(dict.fromkeys((*READY, *HUMS, *REMARKS, *(story[-1] for story in STORIES))))
FROM_BANK = 0.3  # of the stories are long sentences of the bank, in a row
HUMMED = 0.7  # of the ends of phrases
OVERLAP_MS = 300  # a hum may begin this long before a phrase ends
GAP_MS = (500, 1300)  # between sentences
LONGEST_HUM_MS = 800


def sentence_of_bank(talk: Talk) -> str | None:
    """A long open sentence of the talk's split that asks nothing; None where there is none."""
    known = long_texts(talk)
    return talk.rng.choice(known) if known else None


def sentences(talk: Talk) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is told, and the remarks that fit it."""
    num_open = 4 if talk.rng.random() < FROM_BANK else 0
    found = dict.fromkeys(text for _ in range(num_open) if (text := sentence_of_bank(talk)))
    if len(found) < 2:
        story = talk.choose(STORIES)
        return story[:-1], (story[-1],)
    return (*found, talk.choose(CLOSERS)), REMARKS


def hum(talk: Talk, end_ms: int, next_ms: int, last: str) -> str:
    """A small word where a phrase ends; which one it was."""
    text = talk.rng.choice([text for text in HUMS if text != last])
    clip = talk.clip("own", text)
    length_ms = talk.bank.utterance(clip).duration_ms
    onset_ms = end_ms - talk.rng.randrange(-200, OVERLAP_MS)
    if length_ms > LONGEST_HUM_MS or onset_ms < 0:
        return last
    event = talk.say_clip("own", clip, onset_ms, kind="backchannel")
    talk.expect("say", (end_ms - 600, next_ms + 800), HUMS, is_backchannel=True)
    return event.text


def play(talk: Talk) -> None:
    """An opener, a story with small words between its sentences, and a remark."""
    story, remarks = sentences(talk)
    event = talk.user(talk.choose(OPENERS))
    talk.own(talk.rng.choice(READY))
    now_ms, last = talk.now_ms + talk.rng.randrange(200, 700), ""
    for number, sentence in enumerate(story):
        event = talk.say("user", sentence, now_ms)
        now_ms = event.end_ms + talk.rng.randrange(*GAP_MS)
        if number < len(story) - 1:
            talk.mark("pause", "between sentences", event.end_ms, now_ms)
            if talk.rng.random() < HUMMED:
                last = hum(talk, event.end_ms, now_ms, last)
    talk.now_ms = event.end_ms
    remark = talk.own(talk.rng.choice(remarks), do=None)  # what it says is free
    window_ms = (event.end_ms, remark.onset_ms + ANSWER_WINDOW_MS)
    talk.expect("respond", window_ms, on_ms=event.onset_ms)
