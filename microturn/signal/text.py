"""Text <-> token ids: a small BPE over lower-case words, with the marker tokens first.

Every word carries its leading space, so that pieces written in different micro-turns join exactly.
Pieces are short (at most 6 characters with the space): what is said is laid out in time piece by
piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from microturn.sequence import Markers

SPACE = "\u2581"
MAX_PIECE_LETTERS = 6
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'.,?!-"
REPLACEMENTS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2014": "-", "\u2013": "-", ";": ",", ":": ","}
)


def normalise(text: str) -> str:
    """Lower case, known punctuation, single spaces: what survives encoding."""
    text = text.translate(REPLACEMENTS).lower()
    text = "".join(letter if letter in ALPHABET else " " for letter in text)
    return re.sub(r"\s+", " ", text).strip()


class Text:
    """A trained vocabulary."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        names = Markers.names()
        known = tokenizer.get_vocab()
        missing = [name for name in names if name not in known]
        if missing:
            raise ValueError(f"the tokenizer lacks the marker tokens {', '.join(missing)}")
        self.tokenizer = tokenizer
        self.markers = Markers(*(known[name] for name in names))
        self.vocab_size: int = tokenizer.get_vocab_size()

    @classmethod
    def load(cls, path: Path | str) -> Text:
        """Read `tokenizer.json`.

        Raises ValueError naming the file when it is missing or damaged.
        """
        if not Path(path).is_file():
            raise ValueError(f"no tokenizer at {path}")
        try:
            return cls(Tokenizer.from_file(str(path)))
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"{path} is not a tokenizer file: {error}") from error

    @classmethod
    def train(cls, sentences: Iterable[str], vocab_size: int = 512) -> Text:
        """Learn a vocabulary of `vocab_size` ids, markers included."""
        tokenizer = Tokenizer(models.BPE(unk_token=None))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement=SPACE, prepend_scheme="always"
        )
        tokenizer.decoder = decoders.Fuse()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(Markers.names()),
            initial_alphabet=[*ALPHABET, SPACE],
            max_token_length=MAX_PIECE_LETTERS,
            show_progress=False,
        )
        tokenizer.train_from_iterator((normalise(sentence) for sentence in sentences), trainer)
        return cls(tokenizer)

    def save(self, path: Path | str) -> None:
        self.tokenizer.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Ids of normalised text; markers written out in it are plain letters, never markers."""
        words = normalise(text)
        return self.tokenizer.encode(words, add_special_tokens=False).ids if words else []

    def word_starts(self) -> list[bool]:
        """Which ids begin a word, by id."""
        pieces = [self.tokenizer.id_to_token(i) or "" for i in range(self.vocab_size)]
        return [piece.startswith(SPACE) for piece in pieces]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of pieces, each word with its leading space; markers are left out."""
        num_markers = len(Markers.names())
        pieces = [self.tokenizer.id_to_token(i) or "" for i in ids if i >= num_markers]
        return "".join(pieces).replace(SPACE, " ")
