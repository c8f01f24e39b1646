"""A paired trial of tokenizer sizes on hearing and on speaking, with equal compute.

    python -m microturn.train.tokenizer_trial --bank DIR [DIR ...] --seconds 150

Each size trains a small model of its own: the same first weights where shapes agree, the same
conversations in the same order, the same learning rate, until the same processor time is spent
(making the data is not counted). A row is 1,024 positions, so a finer tokenizer hears less of each
conversation. Tests are conversations in voices and of sentences that did not train, with the true
past: cross-entropy of each lane by letter, so that sizes compare; words of which every piece is the
likeliest; the loss of the flow head. Differences to the first size come with 95 % intervals over
conversations, which say nothing about other initial weights: look at the seeds for that.

Legend: B rows, S positions, D width, U speaking micro-turns.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from tqdm import tqdm

from microturn.data.balance import share
from microturn.data.bank import Bank
from microturn.data.checks import LATEST_TURNS, transcript_delays
from microturn.data.corpus import training_text
from microturn.data.loader import plan, weights
from microturn.data.pack import PackConfig, pack
from microturn.data.render import Episode, lanes, render, typed_by_turn
from microturn.data.timeline import Timeline
from microturn.model.config import FlowConfig, ModelConfig
from microturn.model.model import InteractionModel
from microturn.sequence import Markers, typed_message
from microturn.signal.text import ALPHABET, Text
from microturn.train.trial import begin_alike, held_voices, rate, small_backbone, training_clips
from microturn.train.trial_score import differences, entropies, figures, flow_losses, sums_of

MIXTURE = {  # both lanes, no pictures
    "listening": 3.0, "questions": 2.0, "facts": 1.0, "small_talk": 1.0, "sums": 1.0,
    "reading": 3.0,
}  # fmt: skip
CHARACTERS = len(Markers.names()) + len(ALPHABET) + 1
TEST_PACK = PackConfig(2048, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # whole conversations, nothing disturbed
TEST_START = 1_000_000  # numbers of test conversations


@dataclass(frozen=True)
class TrialConfig:
    """sizes: ids of each tokenizer, markers included; 0 for characters. The first is compared with.

    seconds: processor time of training for each size and seed. held_voices: user voices that only
    test.
    """

    bank: tuple[Path, ...]
    sizes: tuple[int, ...] = (512, 0, 1024, 4096)
    seconds: float = 150.0
    seeds: tuple[int, ...] = (0, 1)
    num_rows: int = 2
    row_length: int = 1024
    lr: float = 2e-3
    test_episodes: int = 24
    held_voices: int = 4
    width: int = 192
    num_layers: int = 4

    def __post_init__(self) -> None:
        for size in self.sizes:
            if size and size < CHARACTERS:
                raise ValueError(f"a tokenizer has at least {CHARACTERS} ids (0), got {size}")
        if len(set(self.sizes)) < 2:
            raise ValueError("a trial compares at least two sizes")


# ---- data


@dataclass
class Data:
    """Training and test clips, by voice; conversations are rendered once for all sizes."""

    train: Bank
    test: Bank
    texts: dict[int, Text]
    rendered: dict[tuple[bool, int, int], Episode] = field(
        default_factory=dict[tuple[bool, int, int], Episode]
    )

    def episode(self, seed: int, number: int, is_test: bool = False) -> Episode:
        """A rendered conversation, with the words of any tokenizer."""
        key = (is_test, seed, number)
        if key not in self.rendered:
            bank, split = (self.test, "eval") if is_test else (self.train, "train")
            timeline, sound = plan(seed, number, bank, weights(MIXTURE), split=split)
            self.rendered[key] = render(timeline, bank, next(iter(self.texts.values())), sound)
        return self.rendered[key]

    def of_size(self, episode: Episode, size: int, is_test: bool) -> Episode:
        """The same sound and pictures, with the words of one tokenizer."""
        text, timeline = self.texts[size], episode.timeline
        lines, _ = lanes(timeline, self.test if is_test else self.train, text)
        typed = typed_by_turn(timeline, text)
        turns = [
            (
                replace(features, text_ids=typed.get(features.index, ())),
                replace(decision, text_ids=lines[features.index]),
            )
            for features, decision in episode.turns
        ]
        return replace(episode, turns=turns, prefix_ids=prefix(timeline, text))


def prefix(timeline: Timeline, text: Text) -> tuple[int, ...]:
    """Instructions before the first micro-turn."""
    if not timeline.instructions:
        return ()
    ids = text.encode(timeline.instructions)
    return typed_message(text.markers.message_system, ids, text.markers)


def load(config: TrialConfig) -> Data:
    """Banks split by voice, and a tokenizer of each size, learned from the training sentences.

    Raises ValueError where the banks have too few voices.
    """
    clips = training_clips(config.bank)
    held = held_voices(clips, config.held_voices)
    train = [clip for clip in clips if clip.is_own or clip.voice not in held]
    test = [clip for clip in clips if clip.is_own or clip.voice in held]
    corpus = list(training_text())
    texts = {size: Text.train(corpus, size or CHARACTERS) for size in config.sizes}
    return Data(Bank(train), Bank(test), texts)


# ---- models


def small(vocab_size: int, config: TrialConfig) -> ModelConfig:
    """About the shape of nano, smaller and without experts and eyes."""
    width = config.width
    backbone = small_backbone(vocab_size, width, config.num_layers, 2 * width, (256, 1024))
    return ModelConfig(backbone, FlowConfig(96, 2, 2), vision=None)


@dataclass
class Arm:
    """One size: its model, and what it has spent and heard."""

    size: int
    text: Text
    model: InteractionModel
    optimizer: torch.optim.Optimizer
    seconds: float = 0.0
    steps: int = 0
    heard_seconds: float = 0.0


def arms_of(config: TrialConfig, data: Data, seed: int) -> list[Arm]:
    """Models that begin alike wherever their shapes agree."""
    arms: list[Arm] = []
    for size in config.sizes:
        torch.manual_seed(seed)
        model = InteractionModel(small(data.texts[size].vocab_size, config))
        optimizer = torch.optim.AdamW(
            model.parameters(), config.lr, betas=(0.9, 0.95), weight_decay=0.02, fused=True
        )
        arms.append(Arm(size, data.texts[size], model, optimizer))
    begin_alike([arm.model for arm in arms])
    return arms


def train_arm(arm: Arm, config: TrialConfig, data: Data, seed: int) -> None:
    """One step; only the step itself is on the clock."""
    numbers = range(arm.steps * config.num_rows, (arm.steps + 1) * config.num_rows)
    chosen = [data.of_size(data.episode(seed, n), arm.size, is_test=False) for n in numbers]
    rows = pack(chosen, arm.text.markers, PackConfig(config.row_length), seed=numbers.start)
    started = time.process_time()
    for group in arm.optimizer.param_groups:
        group["lr"] = config.lr * rate(arm.seconds / config.seconds)
    hidden_BSD = arm.model(rows.positions, rows.num_rows)
    loss = entropies(arm.model, hidden_BSD, rows)[1].mean()
    flow_U = flow_losses(arm.model, hidden_BSD, rows, numbers.start)
    if len(flow_U):
        loss = loss + flow_U.mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(arm.model.parameters(), 1.0)
    arm.optimizer.step()
    arm.model.zero_grad(set_to_none=True)
    arm.seconds += time.process_time() - started
    arm.steps += 1
    arm.heard_seconds += rows.audio_seconds


# ---- tests


def score(arm: Arm, data: Data, seed: int, number: int) -> dict[str, float]:
    """Sums and counts of one test conversation."""
    episode = data.of_size(data.episode(seed, number, is_test=True), arm.size, is_test=True)
    rows = pack([episode], arm.text.markers, TEST_PACK, seed=number)
    return sums_of(arm.model, arm.text, rows, number)


def laid_out(data: Data, size: int, seed: int, count: int) -> dict[str, float]:
    """What a tokenizer makes of the test conversations before any model: pieces, room, delays."""
    text = data.texts[size]
    positions = seconds = late = words = 0.0
    for number in range(TEST_START, TEST_START + count):
        episode = data.of_size(data.episode(seed, number, is_test=True), size, is_test=True)
        timeline = episode.timeline
        lines = [decision.text_ids for _, decision in episode.turns]
        delays, lost = transcript_delays(timeline, data.test, text, lines)
        late += sum(turns > LATEST_TURNS for turns in delays) + len(lost)
        words += len(delays) + len(lost)
        rows = pack([episode], text.markers, TEST_PACK, seed=0)
        positions += float((rows.positions.id_S != text.markers.pad).sum())
        seconds += timeline.duration_ms / 1000
    sentences = list(training_text())[::50]
    pieces = sum(len(text.encode(sentence)) for sentence in sentences)
    return {
        "pieces_per_word": round(pieces / sum(len(s.split()) for s in sentences), 2),
        "positions_per_second": round(positions / seconds, 1),
        "late_or_lost_words": share(late, words),
    }


def run_seed(config: TrialConfig, data: Data, seed: int) -> dict[str, Any]:
    """Train all sizes side by side, the one that has spent least first; then test them."""
    arms = arms_of(config, data, seed)
    total = config.seconds * len(arms)
    with tqdm(total=total, unit="s", desc=f"seed {seed}", disable=None) as bar:
        while (arm := min(arms, key=lambda arm: arm.seconds)).seconds < config.seconds:
            before = arm.seconds
            train_arm(arm, config, data, seed)
            bar.update(min(total - bar.n, arm.seconds - before))
            done = min(arm.steps for arm in arms) * config.num_rows
            data.rendered = {k: v for k, v in data.rendered.items() if k[0] or k[2] >= done}
    tests = range(TEST_START, TEST_START + config.test_episodes)
    scores = {arm.size: [score(arm, data, seed, number) for number in tests] for arm in arms}
    first = scores[config.sizes[0]]
    return {
        str(arm.size or "characters"): {
            "steps": arm.steps,
            "heard_hours": round(arm.heard_seconds / 3600, 2),
            **{name: round(value, 4) for name, value in figures(scores[arm.size]).items()},
            "less_first": {
                name: [round(number, 4) for number in gap]
                for name, gap in differences(scores[arm.size], first).items()
            },
            **laid_out(data, arm.size, seed, config.test_episodes),
        }
        for arm in arms
    }


def main(config: TrialConfig) -> None:
    """Print one JSON line for each seed."""
    torch.set_num_threads(1)
    data = load(config)
    for seed in config.seeds:
        print(json.dumps({"seed": seed, "sizes": run_seed(config, data, seed)}), flush=True)


if __name__ == "__main__":
    main(tyro.cli(TrialConfig))
