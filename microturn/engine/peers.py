"""The sides of `bench_peers.py`: one stream of micro-turns, our model and transformers' Inkling.

`transformers` is imported here and in tests only; it comes with the extra [test].

Legend: S positions, A heard positions, M mel bins, V vocabulary.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from microturn.checkpoint import save
from microturn.engine.bench import ROUND
from microturn.model.cache import BackboneState
from microturn.model.model import InteractionModel, lay_out_for_serving
from microturn.sequence import (
    NO_CLOCK,
    Kind,
    Positions,
    TurnFeatures,
    concatenate,
    input_positions,
    text_positions,
)
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

NUM_SAID_TOKENS = 2  # of a speaking micro-turn
CHUNK = 256  # positions at once while a context is built
Run = Sequence[Positions]  # one micro-turn: one forward each


class Ours:
    """Our model as it serves, with one stream."""

    def __init__(self, model: InteractionModel) -> None:
        self.model = model
        self.state = model.transformer.new_state()

    def build(self, positions: Positions) -> None:
        """Append what is not measured."""
        self.model.extend(positions, self.state)

    def micro_turn(self, run: Run) -> Tensor:
        """As the engine does it: while the model speaks, each forward carries the last one along as
        a guess, which is accepted when the text is done. Logits after the last position."""
        return self.through(run, self.state)

    def again(self, before: Positions, run: Run) -> Tensor:
        """All positions from the first on, with nothing remembered."""
        first, *rest = run
        state = self.model.transformer.new_state()
        return self.through([concatenate([before, first]), *rest], state)

    def through(self, run: Run, state: BackboneState) -> Tensor:
        if len(run) == 1:
            return self.model.text_logits(self.model.extend(run[0], state)[-1:])[0]
        *texts, slots = run
        hidden_SD = torch.empty(0)
        for positions in texts:
            both = concatenate([positions, slots])
            hidden_SD = self.model.extend(both, state, len(slots))
            self.model.text_logits(hidden_SD[-1 - len(slots)][None])
        state.accept()
        return self.model.text_logits(hidden_SD[-1:])[0]


class Theirs:
    """transformers' Inkling with its cache."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.cache = self.empty()

    @classmethod
    def load(cls, model: InteractionModel) -> Theirs:
        """The same weights, by way of the disk. Raises ModuleNotFoundError without transformers."""
        from transformers import InklingForConditionalGeneration
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        with tempfile.TemporaryDirectory() as folder:
            save(model, model.config, folder)
            kind: Any = InklingForConditionalGeneration  # its types are only half known
            theirs = kind.from_pretrained(folder, dtype=torch.float32)
        audio_id, image_id = placeholders(model.config.backbone.vocab_size)
        theirs.config.audio_token_id, theirs.config.image_token_id = audio_id, image_id
        return cls(theirs.eval())

    def mixture(self, layer: int) -> Any:
        """Router, routed and shared experts of one layer."""
        return self.model.model.language_model.layers[layer].mlp

    @staticmethod
    def way(mixture: Any, implementation: str) -> Callable[[Tensor], Tensor]:
        """A mixture as a function of rows [N, D], its experts computed as named."""

        def run(x_ND: Tensor) -> Tensor:
            mixture.experts.config._experts_implementation = implementation
            return mixture(x_ND[None])[0]

        return run

    def empty(self) -> Any:
        from transformers.cache_utils import DynamicCache

        return DynamicCache(config=self.model.config.get_text_config())

    def build(self, positions: Positions) -> None:
        self.through(positions, self.cache)

    def micro_turn(self, run: Run) -> Tensor:
        logits_V = torch.empty(0)
        for positions in run:
            logits_V = self.through(positions, self.cache)
        return logits_V

    def through(self, positions: Positions, cache: Any) -> Tensor:
        id_S = positions.id_S.clone()
        id_S[positions.kind_S == Kind.HEARD] = self.model.config.audio_token_id
        given = {"input_ids": id_S[None]}
        if len(positions.heard_AM):
            given["audio_input_ids"] = positions.heard_AM.long()[None]
        output = self.model(**given, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return output.logits[0, -1].float()

    def again(self, before: Positions, run: Run) -> Tensor:
        cache = self.empty()
        first, *rest = run
        logits_V = self.through(concatenate([before, first]), cache)
        for positions in rest:
            logits_V = self.through(positions, cache)
        return logits_V


def placeholders(vocab_size: int) -> tuple[int, int]:
    """Ids that stand for sound and for images in transformers' input: never a word of ours here."""
    return vocab_size - 1, vocab_size - 2


def as_published(model: InteractionModel) -> InteractionModel:
    """The same weights without fine frames; full layers see everything, as transformers' do."""
    config = model.config
    attention = config.backbone.attention
    if attention.full_window not in (None, attention.rel_extent):
        raise ValueError(
            f"full layers with a window of {attention.full_window} have no published form: it must "
            f"be rel_extent ({attention.rel_extent})"
        )
    backbone = replace(config.backbone, attention=replace(attention, full_window=None))
    twin = InteractionModel(replace(config, backbone=backbone, fine_audio=None))
    weights = model.state_dict()
    twin.load_state_dict({name: weights[name] for name in twin.state_dict()})
    lay_out_for_serving(twin.eval())
    return twin


class Stream:
    """Micro-turns of a talk, listening and speaking in turn (`ROUND`), made as they are needed."""

    def __init__(self, vocab_size: int, seed: int, index: int = 0) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        self.num_ids = min(placeholders(vocab_size))
        self.index = index
        self.past: list[Positions] = []
        self.was_silent = False

    def next(self) -> Run:
        """The forwards of the next micro-turn. Slots are text here: transformers has none."""
        speaks = ROUND[self.index % len(ROUND)]
        bins_AM = torch.randint(0, 16, (AUDIO_FRAMES, 80), generator=self.rng).to(torch.uint8)
        heard = input_positions(TurnFeatures(self.index, bins_AM))
        heard = replace(heard, clock_A=torch.full_like(heard.clock_A, NO_CLOCK))
        run: list[Positions] = [concatenate([self.text(1), heard]) if self.was_silent else heard]
        if speaks:
            run += [self.text(1) for _ in range(NUM_SAID_TOKENS)] + [self.text(1 + NUM_SLOTS)]
        self.index, self.was_silent = self.index + 1, not speaks
        self.past += run
        return run

    def text(self, count: int) -> Positions:
        id_N = torch.randint(0, self.num_ids, (count,), generator=self.rng)
        return text_positions([int(one) for one in id_N])

    def before(self, run: Run) -> Positions:
        """Everything that came before this, the latest micro-turn."""
        return concatenate(self.past[: -len(run)])


def bring_to(num_turns: int, stream: Stream, ours: Ours, theirs: Theirs) -> None:
    """Let both sessions live until their context has so many micro-turns; not timed."""
    parts: list[Positions] = []
    while stream.index < num_turns:
        parts += stream.next()
    if not parts:
        return
    for part in pieces(concatenate(parts)):
        ours.build(part)
        theirs.build(part)


def pieces(positions: Positions) -> list[Positions]:
    """The same positions, CHUNK at a time."""
    num_heard_S = (positions.kind_S == Kind.HEARD).cumsum(0)
    result: list[Positions] = []
    for first in range(0, len(positions), CHUNK):
        rows = slice(first, first + CHUNK)
        last = min(first + CHUNK, len(positions)) - 1
        heard = slice(int(num_heard_S[first - 1]) if first else 0, int(num_heard_S[last]))
        taken = {
            one.name: getattr(positions, one.name)[
                rows if one.name in ("kind_S", "id_S") else heard
            ]
            for one in fields(Positions)
            if one.name != "patch_P"
        }
        result.append(replace(positions, **taken))
    return result
