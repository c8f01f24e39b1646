"""What is handed over: requests by kind with their queries, and what may come back."""

from __future__ import annotations

# fmt: off
FLIGHTS = (
    ("Berlin", "Sunday"), ("Ankara", "Friday"), ("Bangkok", "Sunday"), ("Beijing", "Monday"),
    ("Berlin", "Monday"), ("Berlin", "Tuesday"), ("Cairo", "Sunday"), ("Copenhagen", "Monday"),
    ("Hanoi", "Friday"), ("Vienna", "Sunday"), ("Havana", "Monday"), ("Lisbon", "Monday"),
    ("Madrid", "Friday"), ("Nairobi", "Tuesday"), ("Paris", "Sunday"), ("Ottawa", "Tuesday"),
    ("Paris", "Friday"), ("Santiago", "Sunday"), ("Stockholm", "Tuesday"), ("Tokyo", "Sunday"),
)
FLIGHT_TEMPLATES = (
    "Is there a flight to {city} on {day}?",
    "I need to fly to {city} on {day}.",
    "Can you look for flights to {city} this {day}?",
    "How do I get to {city} on {day} by plane?",
    "Look up a cheap flight to {city} for {day}.",
)
WEATHER = (
    "Athens", "Bangkok", "Bern", "Cairo", "Copenhagen", "Dublin", "Hanoi", "Havana", "Lima",
    "Lisbon", "Paris", "Reykjavik", "Santiago", "Stockholm",
)
WEATHER_TEMPLATES = (
    "What will the weather be in {city} tomorrow?",
    "Will it rain in {city} tomorrow?",
    "Do I need an umbrella in {city} tomorrow?",
    "How warm does it get in {city} tomorrow?",
    "Check tomorrow's weather in {city} for me.",
)
BOOKS = ("bags", "bottles", "books", "chairs", "hats", "keys", "mirrors", "pens", "phones",
         "tables")
MONTHS = (
    "eighteen", "fifteen", "four", "fourteen", "nine", "nineteen", "seven", "seventeen", "ten",
    "thirty", "three", "twelve", "twenty eight", "twenty four", "twenty", "two",
)
# fmt: on
SUMS = (
    (
        "What is thirty nine times four?",
        "calculate thirty nine times four",
        "That makes one hundred and fifty six.",
    ),
    (
        "How much is ninety seven plus sixty six?",
        "calculate ninety seven plus sixty six",
        "That makes one hundred and sixty three.",
    ),
    (
        "Can you work out thirty eight times five?",
        "calculate thirty eight times five",
        "That makes one hundred and ninety.",
    ),
    (
        "What do I get for forty four times four?",
        "calculate forty four times four",
        "That makes one hundred and seventy six.",
    ),
    (
        "I need the sum of eighty eight and fifty five.",
        "calculate eighty eight plus fifty five",
        "That makes one hundred and forty three.",
    ),
    (
        "Work out two hundred and fifty minus ninety nine plus twelve.",
        "calculate two hundred and fifty minus ninety nine plus twelve",
        "That makes one hundred and sixty three.",
    ),
    (
        "What is eighty five plus thirty four?",
        "calculate eighty five plus thirty four",
        "That makes one hundred and nineteen.",
    ),
    (
        "How much is forty two times three?",
        "calculate forty two times three",
        "That makes one hundred and twenty six.",
    ),
    (
        "What is seventy six plus fifty seven?",
        "calculate seventy six plus fifty seven",
        "That makes one hundred and thirty three.",
    ),
    (
        "Please add sixty seven and seventy six.",
        "calculate sixty seven plus seventy six",
        "That makes one hundred and forty three.",
    ),
)  # fmt: skip
DOCUMENTS = (
    ("Read my notes about the meeting.", "read notes meeting"),
    ("What does my contract say about notice?", "search contract notice"),
    ("How many vacation days does my contract give me?", "search contract vacation days"),
    ("Find the letter from my landlord.", "search letter landlord"),
    ("What did the doctor write in the report?", "search report doctor"),
    ("Look into my documents, when does the insurance end?", "search insurance end"),
    ("Is there anything about pets in my lease?", "search lease pets"),
    ("What does the manual say about cleaning?", "search manual cleaning"),
    ("Open my notes and read me the last page.", "read notes last page"),
    ("Who signed the agreement?", "search agreement signed"),
)
CODE = (
    ("Write a script that renames files.", "write script rename files"),
    ("Run the tests, please.", "run tests"),
    ("Can you fix the build for me?", "fix build"),
    ("Write a program that sorts my photos.", "write program sort photos"),
    ("Make me a small website for my shop.", "write website shop"),
    ("Find the bug in my code.", "find bug code"),
    ("Write a test for the login page.", "write test login page"),
    ("Have the script clean up my folder.", "write script clean folder"),
    ("Can you make a web page with my recipes?", "write website recipes"),
    ("Why is my program so slow?", "profile program slow"),
)
RESULTS = {
    "flight": (
        "There is a flight at nine in the morning for eighty euros.",
        "The cheapest one leaves at noon and costs a hundred and ten euros.",
        "There are two flights that day, one at seven and one at four.",
        "The first plane leaves at six in the morning, with one stop.",
        "There is only one direct flight, and it leaves late in the evening.",
        "You can fly at half past ten for sixty euros.",
        "All flights on that day are full, I am sorry.",
    ),
    "weather": (
        "Tomorrow will be sunny with a light wind.",
        "It will rain all morning, and the sun comes out later.",
        "Expect snow in the night and a cold, clear day.",
        "It stays dry and warm, about twenty five degrees.",
        "There will be clouds and some rain in the afternoon.",
        "It will be very hot, so take enough water with you.",
    ),
    "book": (
        "There is a short one with many pictures, and readers love it.",
        "I found three, and the newest came out in spring.",
        "The best one has two hundred pages and costs twelve euros.",
        "Your library has one, and you can borrow it today.",
        "There is one from last year, written by a teacher.",
    ),
    "chart": (
        "The chart is on your screen.",
        "The numbers go up until summer and then stay the same.",
        "The best month was May, and the worst one was January.",
        "It falls slowly, but the last month was better again.",
        "Nothing much has changed, the line is almost flat.",
    ),
    "document": (
        "It says that you have to tell them three months before.",
        "It ends on the last day of the year, if nobody objects.",
        "There is one page about it, and it allows everything you need.",
        "It was signed by both of you on the fourth of March.",
        "Nothing in there is about that, I read all of it.",
        "You get thirty days, and five more after ten years.",
    ),
    "code": (
        "The script is ready, and it changed forty files.",
        "The build just failed.",
        "The tests are passing now.",
        "It is done, and I put it into your folder.",
        "I found the mistake, it was in the last loop.",
    ),
}


def requests() -> dict[str, tuple[tuple[tuple[str, str], ...], ...]]:
    """By kind, lists of (request, query): a list is a phrasing."""
    flights = tuple(
        (f"Find me a flight to {city} on {day}.", f"search flights {city} {day}".lower())
        for city, day in FLIGHTS
    )
    spoken_flights = tuple(
        tuple(
            (template.format(city=city, day=day), f"search flights {city} {day}".lower())
            for city, day in (FLIGHTS[(4 * number + k) % len(FLIGHTS)] for k in range(4))
        )
        for number, template in enumerate(FLIGHT_TEMPLATES)
    )
    weather = tuple(
        (f"Look up the weather in {city}.", f"weather {city} today".lower()) for city in WEATHER
    )
    spoken_weather = tuple(
        tuple(
            (template.format(city=city), f"weather {city} tomorrow".lower())
            for city in (WEATHER[(3 * number + k) % len(WEATHER)] for k in range(4))
        )
        for number, template in enumerate(WEATHER_TEMPLATES)
    )
    charts = (
        *((f"Plot the sales for the last {n} months.", f"plot sales last {n} months")
          for n in MONTHS),
        ("Make a bar chart of my expenses.", "bar chart expenses"),
        ("Draw me a chart of last week's orders.", "chart orders last week"),
        ("Show me a chart of my steps this month.", "chart steps this month"),
        ("Can you plot how much power I used?", "plot power used"),
    )  # fmt: skip
    books = tuple(
        (f"Search for a good book about {what}.", f"search book {what}") for what in BOOKS
    )
    return {
        "flight": (flights, *spoken_flights),
        "weather": (weather, *spoken_weather),
        "chart": tuple((chart,) for chart in charts),
        "book": tuple((book,) for book in books),
        "document": tuple((document,) for document in DOCUMENTS),
        "code": tuple((code,) for code in CODE),
        "sum": tuple((case[:2],) for case in SUMS),
    }


REQUESTS = requests()
