"""What writing shortens, and how it is said: titles, units, money, symbols, capitals."""

from __future__ import annotations

TITLES = {
    "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "drs": "doctors",
    "prof": "professor", "gen": "general", "col": "colonel", "capt": "captain",
    "lt": "lieutenant", "sgt": "sergeant", "maj": "major", "rev": "reverend", "hon": "honorable",
    "gov": "governor", "sen": "senator", "rep": "representative", "mt": "mount", "ft": "fort",
    "st": "saint", "messrs": "messieurs",
}  # fmt: skip
STREETS = {
    "st": "street", "ave": "avenue", "rd": "road", "blvd": "boulevard", "dr": "drive",
    "ln": "lane", "hwy": "highway",
}  # fmt: skip
SHORT = {
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "dept": "department",
    "inc": "incorporated", "ltd": "limited", "corp": "corporation", "co": "company",
    "jr": "junior", "sr": "senior", "bros": "brothers", "vol": "volume", "pp": "pages",
    "govt": "government",
}  # fmt: skip
UNITS = {
    "km/h": "kilometers per hour", "mph": "miles per hour", "km": "kilometers",
    "cm": "centimeters", "mm": "millimeters", "m": "meters", "kg": "kilograms", "mg": "milligrams",
    "g": "grams", "lbs": "pounds", "lb": "pounds", "oz": "ounces", "ft": "feet",
    "ml": "milliliters", "l": "liters", "hrs": "hours", "hr": "hours", "h": "hours",
    "mins": "minutes", "min": "minutes", "secs": "seconds", "sec": "seconds", "s": "seconds",
    "ms": "milliseconds", "GB": "gigabytes", "MB": "megabytes", "KB": "kilobytes",
    "TB": "terabytes", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "W": "watts",
    "kW": "kilowatts", "V": "volts", "°C": "degrees celsius", "°F": "degrees fahrenheit",
    "°": "degrees",
}  # fmt: skip
MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}
SYMBOLS = {
    "&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "\u00d7": "times",
    "÷": "over", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "°": "degrees",
    "#": "number", "<": "less than", ">": "greater than", "~": "about",
}  # fmt: skip
# In capitals for loudness, not letter by letter; longer words of capitals are always read as words.
SHOUTED = frozenset({
    "a", "i", "am", "an", "and", "are", "as", "at", "be", "but", "by", "can", "did", "do", "for",
    "get", "go", "had", "has", "he", "her", "him", "his", "how", "if", "in", "is", "it", "its",
    "just", "let", "like", "me", "my", "no", "not", "now", "of", "off", "oh", "on", "one", "or",
    "our", "out", "over", "put", "so", "stay", "stop", "that", "the", "them", "then", "they",
    "this", "to", "too", "two", "up", "very", "wait", "was", "we", "well", "what", "when", "who",
    "why", "will", "wow", "yes", "you", "your", "all", "any", "new", "old", "big", "hot", "yet",
    "hey", "day", "aids", "nasa", "nato", "opec", "may", "run", "sit", "eat", "dog", "cat", "mom",
    "dad", "god", "see", "say", "bad", "red", "use", "try", "ask", "end", "far", "got", "hit",
    "mad", "sad", "ten", "six",
})  # fmt: skip
SPELLED = frozenset({
    "ucla", "asap", "usda", "naacp", "espn",
})  # fmt: skip
SAID_OTHERWISE = {"ok": "okay"}
PLAIN = str.maketrans({
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2026": "...", "\u2014": " -- ",
    "\u2013": "-", "\u2012": "-", "\u2212": "-", "\u2010": "-", "\u2011": "-", "ß": "ss",
    "½": " 1/2", "¼": " 1/4", "¾": " 3/4",
    "\u2044": "/", "\u201c": '"', "\u201d": '"', "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O",
    "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
})  # fmt: skip
REGNAL_NOUNS = frozenset({
    "war", "chapter", "part", "volume", "act", "scene", "section", "book", "class", "type", "phase",
    "stage", "article", "level", "grade", "super", "bowl", "title", "appendix", "figure", "rocky",
    "model", "mark", "apollo", "gemini",
})  # fmt: skip
KINGS = frozenset({
    "henry", "george", "edward", "charles", "philip", "paul", "pius", "leo", "benedict", "louis",
    "gustav", "frederick",
})  # fmt: skip
