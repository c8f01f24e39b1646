"""A paired trial of hearing: bins of 50 ms alone, as published, against fine frames with them.

    python -m microturn.train.hearing_trial --bank DIR [DIR ...] --seconds 600

Each arm is a small backbone that says, 200 ms late, which of the commonest words sounds in each
position of 50 ms. All arms begin with the same weights where shapes agree, and get the same clips
in the same order until the same processor time is spent (making features is not counted). Tests
are clips in voices, and of sentences, that did not train: the share of words that are the likeliest
over their last three positions, with a 95 % interval of the difference to the first arm over clips.

Legend: B rows, S positions of 50 ms, D width, V words, C clips.
"""

from __future__ import annotations

import json
import random
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from microturn.data.bank import Bank, Clip, Utterance
from microturn.data.splice import spelled
from microturn.model.config import (
    FineAudioConfig,
    FlowConfig,
    ModelConfig,
)
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET, Positions, TurnFeatures, concatenate, input_positions
from microturn.signal.mel import HeardState, fine_bins, heard_bins
from microturn.train.trial import begin_alike, held_voices, rate, small_backbone, training_clips
from microturn.turns import AUDIO_FRAMES, INPUT_RATE_HZ, MICRO_TURN_MS

ARMS: dict[str, FineAudioConfig | None] = {
    "published": None,
    "fine": FineAudioConfig(),
    "fine, kernel 3": FineAudioConfig(192, 3),
}
FRAME_MS = MICRO_TURN_MS // AUDIO_FRAMES
LAG_FRAMES = 4  # a word is said so long after it sounds
NO_WORD = 0


@dataclass(frozen=True)
class TrialConfig:
    """seconds: processor time of training for each arm. num_words: the commonest, the others are no
    targets. held_voices: user voices that only test; one sentence in `held_sentences` only tests.
    arms: some of `ARMS`; the first is compared with.
    """

    bank: tuple[Path, ...]
    seconds: float = 600.0
    seed: int = 0
    num_words: int = 1500
    held_voices: int = 4
    held_sentences: int = 10
    num_rows: int = 8
    row_seconds: float = 10.0
    lr: float = 1.5e-3
    width: int = 192
    num_layers: int = 4
    test_clips: int = 300
    arms: tuple[str, ...] = tuple(ARMS)

    def __post_init__(self) -> None:
        if not self.arms or not set(self.arms) <= set(ARMS):
            raise ValueError(f"arms are some of {list(ARMS)}, got {list(self.arms)}")
        if self.row_seconds * 1000 < MICRO_TURN_MS:
            raise ValueError(
                f"a row has at least one micro-turn of {MICRO_TURN_MS} ms, got {self.row_seconds} s"
            )


@dataclass(frozen=True)
class Data:
    """Clips that train and clips that test; `ids`: words and their classes, from 1 on."""

    bank: Bank
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    ids: dict[str, int]


def is_held(text: str, one_in: int) -> bool:
    """Does a sentence only test? The same answer in every run."""
    return zlib.crc32(spelled(text).encode()) % one_in == 0


def split(clips: Sequence[Clip], config: TrialConfig) -> Data:
    """Clips of known voices and sentences, and clips of neither.

    Raises ValueError where there are too few voices, or no clip is left on one side.
    """
    clips = [clip for clip in clips if clip.words and not clip.is_own]
    held = held_voices(clips, config.held_voices)
    train = [c for c in clips if c.voice not in held and not is_held(c.text, config.held_sentences)]
    test = [c for c in clips if c.voice in held and is_held(c.text, config.held_sentences)]
    if not train or not test:
        raise ValueError(
            f"{len(train)} clips to train and {len(test)} to test with: give more speech"
        )
    random.Random(config.seed).shuffle(test)
    counts = Counter(spelled(word.text) for clip in train for word in clip.words)
    words = [word for word, _ in counts.most_common(config.num_words) if word]
    ids = {word: place for place, word in enumerate(words, 1)}
    return Data(Bank(clips), tuple(train), tuple(test[: config.test_clips]), ids)


def whole_turns(utterance: Utterance) -> np.ndarray[Any, Any]:
    """Samples of a clip with silence up to the end of a micro-turn, and a micro-turn of it more, so
    that its last word can be told."""
    length = INPUT_RATE_HZ * MICRO_TURN_MS // 1000
    missing = -len(utterance.audio) % length + length
    return np.concatenate([utterance.audio, np.zeros(missing, np.float32)])


def targets(utterance: Utterance, num_positions: int, ids: dict[str, int]) -> Tensor:
    """The word of each position [S], `LAG_FRAMES` late; NO_TARGET where it is none of the words."""
    found_S = torch.full((num_positions,), NO_WORD)
    for word in utterance.words:
        first, last = (round(ms / FRAME_MS) + LAG_FRAMES for ms in (word.start_ms, word.end_ms))
        found_S[first : max(last, first + 1)] = ids.get(spelled(word.text), NO_TARGET)
    return found_S


def features(utterances: Sequence[Utterance]) -> Positions:
    """Heard positions of clips one after the other."""
    audio_N = torch.from_numpy(np.concatenate([whole_turns(u) for u in utterances]))
    bins_AM, _ = heard_bins(audio_N, HeardState())
    fine_AFM = fine_bins(audio_N, HeardState())
    turns = [
        TurnFeatures(i, bins_AM[frames], fine_AFM=fine_AFM[frames])
        for i in range(len(bins_AM) // AUDIO_FRAMES)
        for frames in [slice(i * AUDIO_FRAMES, (i + 1) * AUDIO_FRAMES)]
    ]
    return concatenate([input_positions(turn) for turn in turns])


def row(data: Data, config: TrialConfig, rng: random.Random) -> tuple[Positions, Tensor]:
    """One row of training: clips at random loudness, cut to its length; target_S."""
    num_turns = int(config.row_seconds * 1000) // MICRO_TURN_MS
    chosen: list[Utterance] = []
    seconds = 0.0
    while seconds < config.row_seconds:
        utterance = data.bank.utterance(rng.choice(data.train))
        loud = utterance.audio * np.float32(10 ** rng.uniform(-0.5, 0.3))
        chosen.append(Utterance(utterance.clip, loud, utterance.words))
        seconds += len(whole_turns(utterance)) / INPUT_RATE_HZ
    length = num_turns * AUDIO_FRAMES
    per_frame = INPUT_RATE_HZ * FRAME_MS // 1000
    parts = [targets(u, len(whole_turns(u)) // per_frame, data.ids) for u in chosen]
    positions = features(chosen)
    cut = Positions(
        *(
            values if name == "patch_P" else values[:length]
            for name, values in vars(positions).items()
        )
    )
    return cut, torch.cat(parts)[:length]


# ---- models


class Recogniser(nn.Module):
    """A small backbone, and a linear over the words."""

    def __init__(self, fine_audio: FineAudioConfig | None, num_words: int, config: TrialConfig):
        super().__init__()
        width = config.width
        backbone = small_backbone(32, width, config.num_layers, 4 * width, (32, 32))
        flow = FlowConfig(8, 1, 1)
        self.model = InteractionModel(
            ModelConfig(backbone, flow, vision=None, fine_audio=fine_audio)
        )
        self.words = nn.Linear(config.width, 1 + num_words)

    def forward(self, positions: Positions, num_rows: int = 1) -> Tensor:
        """Logits [S, V] of all rows."""
        return self.words(self.model(positions, num_rows).flatten(0, 1)).float()


def begin(config: TrialConfig, num_words: int) -> dict[str, Recogniser]:
    """One recogniser an arm; they begin alike wherever their shapes agree."""
    arms: dict[str, Recogniser] = {}
    for name in config.arms:
        torch.manual_seed(config.seed)
        arms[name] = Recogniser(ARMS[name], num_words, config)
    begin_alike(list(arms.values()))
    return arms


def train_arm(arm: Recogniser, data: Data, config: TrialConfig, name: str) -> dict[str, float]:
    """Train until the time is spent; how many steps, and the loss of the last 50."""
    rng, optimizer = random.Random(config.seed), torch.optim.AdamW(arm.parameters(), config.lr)
    losses: list[float] = []
    spent_s = 0.0
    with tqdm(total=config.seconds, unit="s", desc=name, disable=None) as bar:
        while spent_s < config.seconds:
            rows = [row(data, config, rng) for _ in range(config.num_rows)]
            started_s = time.process_time()
            for group in optimizer.param_groups:
                group["lr"] = config.lr * rate(spent_s / config.seconds)
            logits_SV = arm(concatenate([positions for positions, _ in rows]), config.num_rows)
            target_S = torch.cat([target for _, target in rows])
            loss = functional.cross_entropy(logits_SV, target_S, ignore_index=NO_TARGET)
            loss.backward()
            nn.utils.clip_grad_norm_(arm.parameters(), 1.0)
            optimizer.step()
            arm.zero_grad(set_to_none=True)
            losses.append(loss.item())
            bar.update(min(config.seconds - bar.n, time.process_time() - started_s))
            spent_s += time.process_time() - started_s
    return {"steps": len(losses), "loss": round(float(np.mean(losses[-50:])), 4)}


@torch.no_grad()
def right(arm: nn.Module, utterance: Utterance, ids: dict[str, int]) -> tuple[int, int]:
    """How many of a clip's known words are told, of how many; `arm`: positions -> logits [S, V]."""
    logits_SV = arm(features([utterance])).log_softmax(-1)
    logits_SV[:, NO_WORD] = -torch.inf
    num_right = num_known = 0
    for word in utterance.words:
        if (known := ids.get(spelled(word.text))) is None:
            continue
        last = round(word.end_ms / FRAME_MS) + LAG_FRAMES
        first = max(round(word.start_ms / FRAME_MS) + LAG_FRAMES, last - 3)
        guess = int(logits_SV[min(first, last - 1) : last].sum(0).argmax())
        num_right, num_known = num_right + (guess == known), num_known + 1
    return num_right, num_known


def gap(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> list[float]:
    """Difference of shares and its 95 % bootstrap interval over clips."""
    pairs_C3 = np.array([(a, b, n) for (a, n), (b, _) in zip(ours, theirs, strict=True)])
    rng = np.random.default_rng(0)
    sums = [pairs_C3.sum(0)]
    sums += [pairs_C3[rng.integers(len(pairs_C3), size=len(pairs_C3))].sum(0) for _ in range(1000)]
    shares = [(a - b) / max(1, n) for a, b, n in sums]
    low, high = np.percentile(shares[1:], [2.5, 97.5])
    return [round(float(value), 4) for value in (shares[0], low, high)]


def run(config: TrialConfig) -> dict[str, Any]:
    """Train and test all arms.

    Raises ValueError where the banks hold too little.
    """
    data = split(training_clips(config.bank), config)
    tests = [data.bank.utterance(clip) for clip in data.test]
    found: dict[str, Any] = {}
    scores: dict[str, list[tuple[int, int]]] = {}
    for name, arm in begin(config, len(data.ids)).items():
        trained = train_arm(arm.train(), data, config, name)
        scores[name] = [right(arm.eval(), utterance, data.ids) for utterance in tests]
        told, known = (sum(score[k] for score in scores[name]) for k in (0, 1))
        found[name] = trained | {
            "words_right": round(told / max(1, known), 4),
            "words": known,
            "less_first": gap(scores[name], scores[next(iter(scores))]),
        }
    return found


def main(config: TrialConfig) -> None:
    """Print one JSON line."""
    torch.set_num_threads(1)
    print(json.dumps({"seed": config.seed, "arms": run(config)}), flush=True)


if __name__ == "__main__":
    main(tyro.cli(TrialConfig))
