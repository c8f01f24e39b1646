"""On request, the model puts wrong facts and mispronounced words right while the user goes on."""

from __future__ import annotations

from microturn.data.moments import LAST_MS, need_cue, set_rule, speak_on
from microturn.data.talk import Talk
from microturn.scenarios import questions

FACT_ORDERS = (
    "Correct me when I get a fact wrong.",
    "Tell me right away when I say something wrong.",
    "If I get something wrong, just say the right word.",
    "Stop me when a fact is wrong, and give me the right one.",
    "Listen to my report and correct every mistake.",
    "Whenever I mix up a fact, tell me the right one.",
    "I am practicing for school, correct me when I am wrong.",
    "Jump in with the right answer if I say something false.",
    "Please correct my facts while I talk.",
    "Fix my mistakes as I speak.",
)
WORD_ORDERS = (
    "Correct me when I mispronounce a word.",
    "Tell me when I say a word wrong.",
    "If I pronounce something badly, say it right for me.",
    "Say the word correctly whenever I get it wrong.",
    "Help me with my pronunciation while I talk.",
    "Listen to how I speak and correct my pronunciation.",
    "Each time I mispronounce something, say it the right way.",
    "Please fix my pronunciation as I go.",
    "I want to speak better, so correct the words I say wrong.",
    "Whenever a word comes out wrong, say it properly.",
)
# fmt: off
CAPITAL_TEMPLATES = (
    "The capital of {country} is {city}, and I would love to go there some day.",
    "We learned that {city} is the capital of {country}, and I wrote it down twice.",
    "My aunt moved to {country}, where the capital is {city}, and she likes it a lot.",
    "I am quite sure that the capital of {country} is {city}, at least it was at school.",
    "As you know, in {country} the capital is {city}, which is a very old and lively place.",
)
WRONG = (
    ("France", "Rome"), ("Italy", "Madrid"), ("Spain", "London"), ("Germany", "Vienna"),
    ("Japan", "Beijing"), ("Greece", "Cairo"), ("Austria", "Berlin"), ("Norway", "Dublin"),
    ("Poland", "Moscow"), ("England", "Paris"), ("Ireland", "Lima"), ("Peru", "Tokyo"),
)
# fmt: on
# A sentence, the word that gives its mistake away, and the right word. What evaluation keeps (each
# fifth) are other sentences about the same facts.
FACTS = (
    ("A week has eight days, and I still never have enough time for everything.", "days", "Seven"),
    ("A spider has six legs, which I find a bit scary when they walk.", "legs", "Eight"),
    ("The sun rises in the west, so we should get up early and see it.", "west", "East"),
    ("A year has eleven months, and I like all of them except January.", "months", "Twelve"),
    ("You know that spiders have ten legs, and they can walk up any wall.", "legs", "Eight"),
    ("A triangle has four sides, so it is easy to draw with a ruler.", "sides", "Three"),
    ("Snow is black, and that is why the whole valley looks so bright.", "black", "White"),
    ("Grass is blue, and the garden smells wonderful when it is cut.", "blue", "Green"),
    ("Two plus two is five, as everybody learns in the first year at school.", "five", "Four"),
    ("We learned that there are, um, nine months in a year, and four seasons.", "year", "Twelve"),
    ("Milk comes from chickens, and you can make butter and cheese from it.", "chickens", "Cows"),
    ("Every day has thirty hours, but I sleep through eight of them.", "hours", "Twenty four"),
    ("An hour has fifty minutes, so we will be there before lunch.", "minutes", "Sixty"),
    ("Humans have four eyes, and most of them need glasses when they get old.", "eyes", "Two"),
    ("I read that snow is green, and that there is a lot of it up here.", "green", "White"),
    ("Bananas are purple when they are ripe, and then they taste very sweet.", "purple", "Yellow"),
    ("The moon goes around the sun, and we can see it best at night.", "sun", "Earth"),
    ("A bicycle has three wheels, and you need some time to learn it.", "wheels", "Two"),
    ("A cat has five legs, and it always lands on them when it falls.", "legs", "Four"),
    ("As far as I know, a triangle has six sides, like the one on that sign.", "sides", "Three"),
    ("Ice melts when it gets cold, and then it turns into water again.", "cold", "Warm"),
    ("After Monday comes Friday, and then I have my piano lesson.", "friday", "Tuesday"),
    ("We sleep during the day, because that is when it is dark outside.", "day", "Night"),
)
RIGHT = (
    "A week has seven days, and I still never have enough time for everything.",
    "The capital of France is Paris, and I would love to go there some day.",
    "The sun rises in the east, so we should get up early and see it.",
    "A year has twelve months, and I like all of them except January.",
    "Snow is white, and that is why the whole valley looks so bright.",
    "My aunt moved to Italy, where the capital is Rome, and she likes it a lot.",
    "A triangle has three sides, so it is easy to draw with a ruler.",
    "Milk comes from cows, and you can make butter and cheese from it.",
    "A spider has eight legs, which I find a bit scary when they walk.",
    "A bicycle has two wheels, and you need some time to learn it.",
)
# A sentence with a word as some people say it, that word, and how it is said.
MISPRONOUNCED = (
    ("I ordered a double expresso this morning and then I took the train.", "expresso", "Espresso"),
    ("The kids are at the liberry until five, so the house is quiet.", "liberry", "Library"),
    ("My birthday is in Febuary, when it is usually very cold here.", "febuary", "February"),
    ("We had pasketti for dinner and then watched an old movie.", "pasketti", "Spaghetti"),
    ("He wants an expresso machine for the office, and I agree with him.", "expresso", "Espresso"),
    ("They excaped through the window before anybody could see them.", "excaped", "Escaped"),
    ("I love the foilage in October, when the whole forest turns red.", "foilage", "Foliage"),
    ("He bought some jewlery for his wife and hid it in the closet.", "jewlery", "Jewelry"),
    ("The chimley has to be cleaned before we can light a fire again.", "chimley", "Chimney"),
    ("I have to bring these books back to the liberry before it closes.", "liberry", "Library"),
    ("Every athelete has to be at the stadium by nine in the morning.", "athelete", "Athlete"),
    ("They want to build a nucular plant right next to the river.", "nucular", "Nuclear"),
    ("I would like some sherbert with my cake, if there is any left.", "sherbert", "Sherbet"),
    ("We called an ambliance because he had fallen down the stairs.", "ambliance", "Ambulance"),
    ("The chimley on the old house fell down during the storm last night.", "chimley", "Chimney"),
    ("There was a big tornader near the town, but nobody got hurt.", "tornader", "Tornado"),
    ("Let me get my calculader and see how much that would be.", "calculader", "Calculator"),
    ("One athelete carried the flag, and all the others walked behind.", "athelete", "Athlete"),
    ("Her mischievious little brother hid the keys under the carpet.", "mischievious",
     "Mischievous"),
    ("They say Febuary will be warmer than usual, but I do not believe it.", "febuary", "February"),
)  # fmt: skip
CLEAR = (
    "I ordered a double espresso this morning and then I took the train.",
    "The kids are at the library until five, so the house is quiet.",
    "We had spaghetti for dinner and then watched an old movie.",
    "They escaped through the window before anybody could see them.",
    "My birthday is in February, when it is usually very cold here.",
)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Of course.")


def capitals() -> tuple[tuple[tuple[str, str, str], ...], ...]:
    """For each phrasing its wrong sentences: (sentence, wrong word, right city)."""
    found = []
    for number, template in enumerate(CAPITAL_TEMPLATES):
        pairs = [WRONG[(5 * number + k) % len(WRONG)] for k in range(6)]
        found.append(
            tuple(
                (
                    template.format(country=country, city=city),
                    # what is wrong shows at the later of the two words
                    max((city, country), key=lambda name: template.format(
                        country=country, city=city).index(name)).lower(),
                    questions.CAPITALS[country],
                )
                for country, city in pairs
            )
        )  # fmt: skip
    return tuple(found)


CAPITALS = capitals()
WHOLE_EPISODE = True
FACTS_SHARE = 0.6  # of the talks; in the others words are mispronounced
CAPITAL_SHARE = 0.5
RIGHT_SHARE = 0.35  # of the sentences have no mistake
MOST_SENTENCES = 9
USER_TEXTS = (
    *FACT_ORDERS,
    *WORD_ORDERS,
    *(text for cases in CAPITALS for text, _, _ in cases),
    *(text for text, _, _ in (*FACTS, *MISPRONOUNCED)),
    *RIGHT,
    *CLEAR,
)
OWN_TEXTS = tuple(
    dict.fromkeys(
        (
            *(f"{right}." for cases in (*CAPITALS, FACTS, MISPRONOUNCED) for _, _, right in cases),
            *ACKNOWLEDGED,
        )
    )
)


def facts(talk: Talk) -> tuple[str, str, str]:
    """A sentence with a wrong fact: (sentence, word that gives it away, right word)."""
    if talk.rng.random() < CAPITAL_SHARE:
        return talk.rng.choice(talk.choose(CAPITALS))
    return talk.choose(FACTS)


def play(talk: Talk) -> None:
    """A rule, and speech with mistakes in some of its sentences until the time is full."""
    is_facts = talk.rng.random() < FACTS_SHARE
    order = talk.choose(FACT_ORDERS if is_facts else WORD_ORDERS)
    set_rule(talk, order, talk.rng.choice(ACKNOWLEDGED))
    used: set[str] = set()
    while talk.now_ms < talk.duration_ms - LAST_MS and len(used) < MOST_SENTENCES:
        if talk.rng.random() < RIGHT_SHARE:
            text, cues = talk.choose(RIGHT if is_facts else CLEAR), []
        else:
            text, wrong, right = facts(talk) if is_facts else talk.choose(MISPRONOUNCED)
            cues = [(wrong, f"{right}.")]
        if text in used and talk.rng.random() < 0.9:
            continue
        used.add(text)
        speak_on(talk, text, cues)
    need_cue(talk)
