"""Which language a text is in, by its letters and its most common words. A rule, not a model."""

from __future__ import annotations

import re

SCRIPTS = {  # of languages that need no look at the words
    "ko": r"[\uac00-\ud7af]",
    "ja": r"[\u3040-\u30ff]",
    "zh": r"[\u4e00-\u9fff]",
    "th": r"[\u0e00-\u0e7f]",
    "bn": r"[\u0980-\u09ff]",
    "pa": r"[\u0a00-\u0a7f]",
    "gu": r"[\u0a80-\u0aff]",
    "ta": r"[\u0b80-\u0bff]",
    "te": r"[\u0c00-\u0c7f]",
    "kn": r"[\u0c80-\u0cff]",
    "ml": r"[\u0d00-\u0d7f]",
    "he": r"[\u0590-\u05ff]",
    "el": r"[\u0370-\u03ff]",
    "devanagari": r"[\u0900-\u097f]",
    "arabic": r"[\u0600-\u06ff]",
    "cyrillic": r"[\u0400-\u04ff]",
}
COMMON = {  # words that other languages of the same script do not have
    "devanagari": {
        "hi": "है हैं और का की के में को से नहीं यह पर था कि",
        "mr": "आहे आहेत आणि चा ची चे मध्ये ला नाही हे होते की तो",
        "ne": "छ छन् र को मा लाई हुन्छ यो पनि थियो गर्न भएको",
    },
    "arabic": {
        "ar": "في من على إلى هذا هذه التي الذي أن لا ما مع كان",
        "fa": "است در از به که را این با برای آن می های",
        "ur": "ہے ہیں اور کا کی کے میں کو سے نہیں یہ پر",
    },
    "cyrillic": {
        "ru": "и не на что это как по но он она они для был",
        "bg": "на да не за от това във към които",
        "uk": "не на що це як та але він вона для був є",
    },
    "latin": {
        "en": "the and of to is that it in for with you are was this have not be on",
        "de": "der die und das ist nicht ein eine ich zu mit den von für auf es sie dem",
        "es": "el la los las que de y en un una es por con para no se del su",
        "fr": "le les la et des est que un une dans pour qui pas sur avec ce il du",
        "it": "il che di e la per un una è non con sono del della le gli come",
        "pt": "o que de e do da em um uma é não para com os as por mais no",
        "nl": "de het een en van is dat niet in op te zijn voor met aan ik",
        "fi": "ja on ei että se oli hän mutta kun niin myös ovat tai jos",
        "sv": "och att det är en som på inte för med av jag den till ett har",
        "vi": "là của và có không được cho một người các trong những này với",
        "sw": "na ya wa kwa ni katika la za hii kuwa yake hiyo lakini sana",
        "pl": "i w nie na się jest że do z to jak ale po za co",
        "tr": "ve bir bu için ile da de çok ne olarak daha gibi var",
        "id": "yang dan di dengan untuk tidak ini dari adalah itu pada dalam",
    },
}
MIN_SHARE = 0.3  # of the letters, for a script to decide


def language_of(text: str) -> str:
    """Two-letter code, or "" where the text is too short or strange to tell."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return ""
    script = "latin"
    for name, pattern in SCRIPTS.items():
        if len(re.findall(pattern, text)) >= MIN_SHARE * len(letters):
            script = name
            break
    if script not in COMMON:
        return script
    words = re.findall(r"[^\s\d.,;:!?()\"'*<>\[\]।،؟]+", text.lower())
    hits = {
        code: sum(word in common.split() for word in words)
        for code, common in COMMON[script].items()
    }
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] else ""
