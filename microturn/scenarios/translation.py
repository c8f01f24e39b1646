"""Live translation: the user tells a story in Spanish, or says everyday phrases in Spanish, German
or French, and the model says each phrase in English while the next one goes on.

Foreign phrases are written without accents, which the vocabulary does not know.
"""

from __future__ import annotations

from microturn.data.moments import LAST_MS
from microturn.data.phrases import LANGUAGES, Phrase, phrases
from microturn.data.phrasing import options
from microturn.data.split import SPLITS
from microturn.data.talk import ANSWER_WINDOW_MS, RESPONSE_MS, Talk
from microturn.data.timeline import Event
from microturn.signal.text import normalise

# One list a story: (Spanish, English) phrase by phrase.
STORIES = (
    (
        ("Hola a todos,", "Hello everyone,"),
        ("hoy quiero contarles una historia", "today I want to tell you a story"),
        ("sobre mi abuela y su gato.", "about my grandmother and her cat."),
        ("El gato se llama Luna.", "The cat is called Luna."),
    ),
    (
        ("Mi hermana vive en Madrid", "My sister lives in Madrid"),
        ("y trabaja en un hospital.", "and works in a hospital."),
        ("Por la noche estudia", "At night she studies"),
        ("porque quiere ser doctora.", "because she wants to be a doctor."),
    ),
    (
        ("Ayer fui al mercado", "Yesterday I went to the market"),
        ("para comprar pan y queso.", "to buy bread and cheese."),
        ("La gente era muy amable", "The people were very kind"),
        ("y todo era muy barato.", "and everything was very cheap."),
    ),
    (
        ("Cuando llueve mucho", "When it rains a lot"),
        ("me quedo en casa", "I stay at home"),
        ("y leo un libro viejo", "and read an old book"),
        ("con una taza de leche.", "with a cup of milk."),
    ),
    (
        ("El tren sale a las ocho", "The train leaves at eight"),
        ("y llega por la tarde.", "and arrives in the afternoon."),
        ("Vamos a la playa", "We are going to the beach"),
        ("con toda la familia.", "with the whole family."),
    ),
    (
        ("Mi padre tiene un perro grande", "My father has a big dog"),
        ("que come todo el tiempo.", "that eats all the time."),
        ("Los domingos caminan juntos", "On Sundays they walk together"),
        ("hasta el puente viejo.", "to the old bridge."),
    ),
    (
        ("Perdone, busco la farmacia.", "Excuse me, I am looking for the pharmacy."),
        ("Me duele la cabeza", "My head hurts"),
        ("desde esta tarde", "since this afternoon"),
        ("y no puedo dormir.", "and I cannot sleep."),
    ),
    (
        ("En verano hace mucho calor", "In summer it is very hot"),
        ("y todos beben agua fresca.", "and everyone drinks cold water."),
        ("Por la noche cantamos", "At night we sing"),
        ("en la plaza del pueblo.", "in the village square."),
    ),
    (
        ("La puerta estaba abierta", "The door was open"),
        ("y la luz estaba encendida,", "and the light was on,"),
        ("pero en la casa", "but in the house"),
        ("no estaba nadie.", "there was nobody."),
    ),
    (
        ("Necesito una mesa para dos", "I need a table for two"),
        ("cerca de la ventana.", "near the window."),
        ("Mi amiga no come carne,", "My friend does not eat meat,"),
        ("pero le gusta mucho el pescado.", "but she likes fish very much."),
    ),
)
ORDERS = (
    "Translate what I say into English while I am talking.",
    "I will speak Spanish, and you say it in English.",
    "Please put my Spanish into English as I go.",
    "Translate for my friends, they only speak English.",
    "Say everything I tell you in English, right away.",
    "Be my translator, from Spanish to English.",
    "Help me out, say in English what I say in Spanish.",
    "Translate along with me, into English please.",
    "Interpret for me into English while I speak.",
    "Follow my Spanish and say it in English.",
)
TYPED = (
    "translate spanish into english while the user speaks.",
    "interpret live from spanish to english.",
    "say in english what you hear in spanish.",
    "you are an interpreter, spanish to english.",
    "speak english for everything said in spanish.",
)
ORDERS_IN = {
    name: tuple(order.replace("Spanish", name.capitalize()) for order in ORDERS)
    for name in LANGUAGES
}
TYPED_IN = {name: tuple(rule.replace("spanish", name) for rule in TYPED) for name in LANGUAGES}
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Of course.")
SPANISH_VOICES = ("ef_dora", "em_santa", "em_alex")
EVERYDAY = tuple(phrase for split in SPLITS for phrase in phrases(split=split))
FOREIGN = {spanish: ("spanish", spanish) for story in STORIES for spanish, _ in story}
FOREIGN |= {phrase.text: (phrase.language, phrase.foreign) for phrase in EVERYDAY}
ENGLISH = {phrase: phrase.english[0].upper() + phrase.english[1:] for phrase in EVERYDAY}
STORY_SHARE = 0.4  # of the talks in Spanish
WHOLE_EPISODE = True
TYPED_SHARE = 0.4
BEHIND_MS = 600  # how much earlier than the English of a phrase the next phrase may begin
USER_TEXTS = tuple(
    dict.fromkeys((*(order for orders in ORDERS_IN.values() for order in orders), *FOREIGN))
)
OWN_TEXTS = tuple(
    dict.fromkeys(
        (*(english for story in STORIES for _, english in story),
         *ENGLISH.values(), *ACKNOWLEDGED)
    )
)  # fmt: skip


def interpret(talk: Talk, said: Event, english: str) -> Event:
    """One phrase said in English, while the user may already go on."""
    own = talk.say("own", english, said.end_ms + RESPONSE_MS)
    window_ms = (said.end_ms, max(said.end_ms + ANSWER_WINDOW_MS, own.onset_ms))
    talk.expect("say", window_ms, (english,), said.onset_ms)
    return own


def sayable(talk: Talk, language: str) -> tuple[Phrase, ...]:
    """Everyday phrases that the bank has on both sides; none that is the same in English, and in
    evaluation none that trains with another meaning."""
    trained = {phrase.text for phrase in phrases()} if talk.split == "eval" else set[str]()

    def find() -> tuple[Phrase, ...]:
        return tuple(
            phrase
            for phrase in phrases(language, talk.split)
            if talk.has("user", phrase.text)
            and talk.has("own", ENGLISH[phrase])
            and phrase.text not in {normalise(phrase.english), *trained}
        )

    return talk.bank.once(("phrases", language, talk.split), find)


def told(talk: Talk) -> tuple[str, list[tuple[str, str]]]:
    """A language and what is said in it, with its English.

    Raises KeyError where the bank has nothing foreign.
    """
    stories = options(talk, STORIES)
    talk.rng.shuffle(stories)
    story = [phrase for story in stories for phrase in story]
    has_story = talk.has("user", story[0][0])
    known = [name for name in LANGUAGES if sayable(talk, name)]
    if not known and not has_story:
        raise KeyError("the bank has no foreign phrases")
    language = talk.rng.choice(known) if known else "spanish"
    if language == "spanish" and has_story and (not known or talk.rng.random() < STORY_SHARE):
        return language, story
    chosen = [(p.text, ENGLISH[p]) for p in sayable(talk, language)]
    talk.rng.shuffle(chosen)
    return language, chosen


def play(talk: Talk) -> None:
    """A rule, and a story or phrases until the time is full.

    Raises KeyError where the bank has nothing foreign.
    """
    language, parts = told(talk)
    english_voice = talk.user_voice
    if talk.rng.random() < TYPED_SHARE:
        talk.instructions = talk.choose(TYPED_IN[language])
    else:
        talk.user(talk.choose(ORDERS_IN[language]))
        talk.own(talk.rng.choice(ACKNOWLEDGED))
    voices = sorted({clip.voice for clip in talk.bank.choices("user", parts[0][0])})
    preferred = [v for v in voices if v in SPANISH_VOICES or v == english_voice]
    talk.user_voice = talk.rng.choice(preferred or voices)
    next_ms = talk.now_ms + talk.rng.randrange(500, 1500)
    for foreign, english in parts:
        if next_ms > talk.duration_ms - LAST_MS:
            break
        said = talk.say("user", foreign, next_ms)
        own = interpret(talk, said, english)
        # the speaker does not run away from the interpreter
        pause_ms = talk.rng.randrange(100, 500)
        next_ms = max(said.end_ms + pause_ms, own.onset_ms - BEHIND_MS)
