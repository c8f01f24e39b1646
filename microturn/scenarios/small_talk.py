"""Everyday small talk: short, warm answers to what people say in passing."""

from __future__ import annotations

from microturn.data.talk import Talk

PAIRS = (  # (reply, ways to bring it about; the third, where there is one, is kept for evaluation)
    ("Sleep well.", ("Good night.", "I'm going to bed now.", "I'm off to sleep.")),
    ("Good evening.", ("Good evening.",)),
    ("Enjoy your meal.", ("I'm having lunch now.", "My dinner is ready.", "I'm about to eat.")),
    ("Happy birthday!", ("It's my birthday today.", "Today I turn thirty.", "It's my birthday!")),
    ("You too.", ("Have a nice day.", "Have a good weekend.", "Enjoy your evening.")),
    ("See you later.", ("See you later.", "I'll be back later.", "Talk to you later.")),
    ("Welcome back.", ("I'm home.", "I'm back.", "Hey, I'm back again.")),
    ("Take your time.", ("I need a minute.", "Give me a moment.", "I'll need a bit.")),
    ("That sounds nice.", ("I'm going to the beach tomorrow.", "We're having a picnic today.")),
    ("Get well soon.", ("I have a cold.", "I'm feeling sick.", "I caught the flu.")),
    ("Well done.", ("I finished my homework.", "I ran five miles.", "I cleaned the whole house.")),
    ("Good luck.", ("I have an exam tomorrow.", "I've got a job interview.", "I have a big test.")),
    ("I'm sorry to hear that.", ("My cat ran away.", "I had a bad day.", "I lost my job.")),
    ("Congratulations.", ("I passed my exam.", "I got the job.", "We're getting married.")),
    ("Have a good trip.", ("I'm going on vacation.", "We're flying to Spain.", "I'm leaving now.")),
    ("Then have some water.", ("I'm thirsty.", "My throat is dry.", "I'm so thirsty.")),
    ("Maybe have a snack.", ("I'm hungry.", "I could eat something.", "I'm really hungry.")),
    ("Then take a little rest.", ("I'm tired.", "I had a long day.", "I'm so tired today.")),
    ("Better put on a coat.", ("It's cold outside.", "It's freezing.", "It's really cold.")),
    ("Then stay in the shade.", ("It's so hot today.", "It's really hot.", "What a hot day.")),
    ("Take an umbrella.", ("It's raining.", "It looks like rain.", "It's pouring outside.")),
    ("That made me smile.", ("You're funny.", "I like you.", "You're so nice.")),
    ("I like blue.", ("What's your favorite color?", "Which color do you like best?")),
    (
        "I don't eat, but soup sounds good.",
        ("What do you like to eat?", "What's your favorite food?"),
    ),
    (
        "I have no age, I am quite new.",
        ("How old are you?", "When were you born?", "What's your age?"),
    ),
    (
        "I live in your computer.",
        ("Where do you live?", "Where are you from?", "Where's your home?"),
    ),
    ("Yes, I am a computer program.", ("Are you a robot?", "Are you a machine?", "Are you real?")),
    ("I never sleep.", ("Do you sleep?", "Are you ever tired?", "When do you sleep?")),
    ("No, but I like listening.", ("Can you sing?", "Do you sing?", "Will you sing for me?")),
    ("Not much, I was waiting for you.", ("What's up?", "What are you doing?", "What's new?")),
    ("I am fine, and you?", ("How's it going?", "How are you doing?", "Are you well?")),
    ("Glad to hear it.", ("I'm fine, thanks.", "I'm doing great.", "I'm good, thank you.")),
    ("Nice to meet you too.", ("Nice to meet you.", "Good to meet you.", "Pleased to meet you.")),
    ("No problem.", ("Sorry about that.", "I'm sorry.", "Oh, my mistake.")),
    ("Cheer up, it gets better.", ("I'm a bit sad.", "I feel down today.", "I'm feeling low.")),
    ("Maybe read a good book.", ("I'm bored.", "I have nothing to do.", "This is so boring.")),
    ("Any time.", ("That was helpful.", "You really helped me.", "Thanks for your help.")),
    (
        "Sure, what is it?",
        ("Can I ask you something?", "I have a question.", "May I ask you a thing?"),
    ),
    ("Of course, I'm listening.", ("Can we talk?", "Do you have a minute?", "Are you listening?")),
    ("Then let's go slowly.", ("I'm nervous.", "I'm a bit stressed.", "I'm so nervous.")),
    ("Lucky you.", ("I don't have to work today.", "I got the day off.", "I'm on vacation.")),
    ("Happy new year.", ("Happy new year.", "Happy new year to you.")),
)
KEPT_WAY = 2
WAYS = {
    "train": tuple((way, reply) for reply, ways in PAIRS for way in ways[:KEPT_WAY]),
    "eval": tuple((way, reply) for reply, ways in PAIRS for way in ways[KEPT_WAY:]),
}
ANSWERS = dict((*WAYS["train"], *WAYS["eval"]))
USER_TEXTS = tuple(ANSWERS)
OWN_TEXTS = tuple(dict.fromkeys(ANSWERS.values()))


def play(talk: Talk) -> None:
    """One thing said, one reply."""
    way, reply = talk.rng.choice(WAYS[talk.split])
    talk.user(way)
    talk.own(reply)
