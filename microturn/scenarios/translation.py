"""Live translation: the user tells a story in Spanish, phrase by phrase, and the model says each
phrase in English while the next one goes on.

The Spanish phrases are written without accents, which the vocabulary does not know.
"""

from __future__ import annotations

from microturn.data.moments import LAST_MS
from microturn.data.phrasing import options
from microturn.data.talk import ANSWER_WINDOW_MS, RESPONSE_MS, Talk
from microturn.data.timeline import Event

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
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Of course.")
SPANISH_VOICES = ("ef_dora", "em_santa", "em_alex")
LANGUAGES = {spanish: "es" for story in STORIES for spanish, _ in story}
WHOLE_EPISODE = True
TYPED_SHARE = 0.4
BEHIND_MS = 600  # how much earlier than the English of a phrase the next phrase may begin
USER_TEXTS = (*ORDERS, *LANGUAGES)
OWN_TEXTS = (*(english for story in STORIES for _, english in story), *ACKNOWLEDGED)


def interpret(talk: Talk, spanish: Event, english: str) -> Event:
    """One phrase said in English, while the user may already go on."""
    own = talk.say("own", english, spanish.end_ms + RESPONSE_MS)
    window_ms = (spanish.end_ms, max(spanish.end_ms + ANSWER_WINDOW_MS, own.onset_ms))
    talk.expect("say", window_ms, (english,), spanish.onset_ms)
    return own


def play(talk: Talk) -> None:
    """A rule, and one story after the other until the time is full.

    Raises KeyError where the bank has no Spanish.
    """
    stories = options(talk, STORIES)
    talk.rng.shuffle(stories)
    voices = sorted({clip.voice for clip in talk.bank.choices("user", stories[0][0][0])})
    talk.user_voice = talk.rng.choice([v for v in voices if v in SPANISH_VOICES] or voices)
    if talk.rng.random() < TYPED_SHARE:
        talk.instructions = talk.choose(TYPED)
    else:
        talk.user(talk.choose(ORDERS))
        talk.own(talk.rng.choice(ACKNOWLEDGED))
    next_ms = talk.now_ms + talk.rng.randrange(500, 1500)
    for spanish, english in (phrase for story in stories for phrase in story):
        if next_ms > talk.duration_ms - LAST_MS:
            break
        said = talk.say("user", spanish, next_ms)
        own = interpret(talk, said, english)
        # the speaker does not run away from the interpreter
        pause_ms = talk.rng.randrange(100, 500)
        next_ms = max(said.end_ms + pause_ms, own.onset_ms - BEHIND_MS)
