"""Text beyond the window: a stream gives the bits of whole rows, and only text is remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from microturn.engine.bench_tiny import random_model
from microturn.model.banded import Skew
from microturn.model.cache import KEY_BLOCK
from microturn.model.config import AttentionConfig, ModelConfig, RetentionConfig
from microturn.model.model import InteractionModel
from microturn.model.retention import NOWHERE, Choice, attend_with_text, latest
from microturn.model.together import extend_together
from microturn.published import config_from_dict, config_to_dict
from microturn.sequence import NO_CLOCK, NUM_FINE_FRAMES, Kind, Positions
from tests.tiny import VOCAB, tiny_config

PASSING = (9, 10)
RETENTION = RetentionConfig(num_text=32, num_first=8, passing_ids=PASSING)
WINDOW = 48
LENGTH = 900
EARLY = 300  # no window of any layer reaches from LENGTH to here


def config_with(retention: RetentionConfig | None) -> ModelConfig:
    config = tiny_config()
    attention = replace(config.backbone.attention, full_window=WINDOW, retention=retention)
    return replace(config, backbone=replace(config.backbone, attention=attention))


def model_with(retention: RetentionConfig | None) -> InteractionModel:
    return random_model(config_with(retention))


MODEL = model_with(RETENTION)


def positions(text_at: tuple[int, ...], length: int = LENGTH, seed: int = 0) -> Positions:
    """Sound everywhere, but text at these places."""
    rng = torch.Generator().manual_seed(seed)
    kind_S = torch.full((length,), Kind.HEARD, dtype=torch.uint8)
    kind_S[list(text_at)] = Kind.TEXT
    id_S = torch.randint(20, VOCAB, (length,), generator=rng) * (kind_S == Kind.TEXT)
    num_heard = int((kind_S == Kind.HEARD).sum())
    bins_AM = torch.randint(0, 16, (num_heard, 80), generator=rng).to(torch.uint8)
    return Positions(
        kind_S,
        id_S,
        bins_AM,
        torch.zeros_like(bins_AM),
        torch.zeros(num_heard, dtype=torch.bool),
        torch.full((num_heard,), NO_CLOCK),
        torch.zeros(0, 2, 40, 40, 3, dtype=torch.uint8),
        torch.zeros(num_heard, NUM_FINE_FRAMES, 80, dtype=torch.uint8),
    )


def part(whole: Positions, first: int, last: int) -> Positions:
    before = int((whole.kind_S[:first] == Kind.HEARD).sum())
    count = int((whole.kind_S[first:last] == Kind.HEARD).sum())
    heard = slice(before, before + count)
    return Positions(
        whole.kind_S[first:last],
        whole.id_S[first:last],
        whole.heard_AM[heard],
        whole.said_AM[heard],
        whole.is_said_A[heard],
        whole.clock_A[heard],
        whole.patch_P,
        whole.fine_AFM[heard],
    )


def hidden(model: InteractionModel, given: Positions) -> Tensor:
    with torch.no_grad():
        return model(given, 1)[0]


def streamed(model: InteractionModel, given: Positions, chunks: tuple[int, ...]) -> Tensor:
    state, parts, first = model.transformer.new_state(), [], 0
    with torch.no_grad():
        while first < len(given):
            count = min(chunks[len(parts) % len(chunks)], len(given) - first)
            parts.append(model.extend(part(given, first, first + count), state))
            first += count
    return torch.cat(parts)


SOME_TEXT = (*range(3), 40, *range(200, 230), 300, 301, *range(500, 520), 700, 890)


@pytest.mark.parametrize("chunks", [(5, 1, 16, 60), (400, 37), (LENGTH,)])
def test_a_stream_gives_the_bits_of_whole_rows(chunks: tuple[int, ...]) -> None:
    given = positions(SOME_TEXT)
    assert torch.equal(streamed(MODEL, given, chunks), hidden(MODEL, given))


def effect(model: InteractionModel, text_at: tuple[int, ...], where: int) -> bool:
    """Whether a change at one place changes the last position."""
    given = positions(text_at)
    other = replace(given, id_S=given.id_S.clone(), heard_AM=given.heard_AM.clone())
    if given.kind_S[where] == Kind.TEXT:
        other.id_S[where] = 20 + (given.id_S[where] + 7 - 20) % (VOCAB - 20)
    else:
        row = int((given.kind_S[:where] == Kind.HEARD).sum())
        other.heard_AM[row] = 15 - other.heard_AM[row]
    return not torch.equal(hidden(model, given)[-1], hidden(model, other)[-1])


def test_text_is_remembered_and_sound_is_not() -> None:
    assert effect(MODEL, (EARLY,), EARLY)
    assert not effect(MODEL, (EARLY,), EARLY + 100)
    assert effect(MODEL, (EARLY,), LENGTH - 2)
    # Negative control: without retention nothing that old is seen.
    assert not effect(model_with(None), (EARLY,), EARLY)


def test_old_text_rolls_out_but_the_first_stays() -> None:
    first, alone, last = tuple(range(8)), 150, tuple(range(EARLY, EARLY + 26))
    many = (*first, alone, *last)
    assert effect(MODEL, many, 0)
    assert not effect(MODEL, many, alone)  # neither among the first 8 nor the last 24
    assert effect(MODEL, many, last[-1])
    assert effect(MODEL, (*first, alone), alone)  # there is room for it


def test_the_floor_passes() -> None:
    given = positions((EARLY,))
    given.id_S[EARLY] = PASSING[0]
    other = replace(given, id_S=given.id_S.clone())
    other.id_S[EARLY] = PASSING[1]
    assert torch.equal(hidden(MODEL, given)[-1], hidden(MODEL, other)[-1])


def test_gradients_reach_remembered_text() -> None:
    model, given = model_with(RETENTION), positions((EARLY,))
    (grad,) = torch.autograd.grad(model(given, 1)[0, -1].sum(), [model.embedder.embed.weight])
    assert grad[int(given.id_S[EARLY])].abs().max() > 0


def test_gradients_are_those_of_the_function() -> None:
    rng = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64).requires_grad_()

    q, rel, profile = noise(16, 2, 4), noise(16, 2, 3), noise(3, WINDOW)
    keys, old = (noise(1, 512, 4), noise(1, 512, 4)), (noise(1, 32, 4), noise(1, 32, 4))
    choice = Choice.of(torch.arange(0, 250, 10), 1, 1, RETENTION)
    mask_RM = choice.mask(256, 16, WINDOW)
    skew = Skew.of(0, 512, WINDOW, True)

    def attend(*given: Tensor) -> Tensor:
        q, rel, profile, k, v, old_k, old_v = given
        near = profile[:, : skew.near].flip(1)
        return attend_with_text((q, rel), (k, v), (old_k, old_v, mask_RM), near, skew)

    assert torch.autograd.gradcheck(attend, (q, rel, profile, *keys, *old), fast_mode=True)


def test_streams_side_by_side_give_the_same_bits() -> None:
    ones = [positions(SOME_TEXT, seed=seed) for seed in range(2)]
    states = [MODEL.transformer.new_state() for _ in ones]
    parts: list[list[Tensor]] = [[], []]
    with torch.no_grad():
        for first in range(0, LENGTH, 100):
            runs = [part(one, first, first + 100) for one in ones]
            for place, rows in enumerate(extend_together(MODEL, runs, states, [0, 0])):
                parts[place].append(rows)
    for one, rows in zip(ones, parts, strict=True):
        assert torch.equal(torch.cat(rows), hidden(MODEL, one))


def test_going_back_forgets_text() -> None:
    given = positions(SOME_TEXT)
    state = MODEL.transformer.new_state()
    with torch.no_grad():
        MODEL.extend(part(given, 0, 600), state)
        mark = state.mark()
        MODEL.extend(positions(tuple(range(50)), 50, seed=5), state)
        state.rollback(mark)
        again = MODEL.extend(part(given, 600, LENGTH), state)
    assert torch.equal(again, hidden(MODEL, given)[600:])


def test_memory_stays_bounded() -> None:
    given = positions(tuple(range(0, LENGTH, 2)))
    state = MODEL.transformer.new_state()
    with torch.no_grad():
        for first in range(0, LENGTH, 60):
            MODEL.extend(part(given, first, min(first + 60, LENGTH)), state)
    (text,) = [layer.text for layer in state.layers if layer.text is not None]
    still_at_hand = 4 * KEY_BLOCK  # of its blocks
    assert len(text.position) <= RETENTION.num_text + still_at_hand
    assert state.clone().num_bytes() == state.num_bytes()


def test_a_choice_is_of_blocks_out_of_the_window() -> None:
    position = torch.tensor([3, 200, 260, 700])
    window = 253
    reach = -(-(window - 1) // KEY_BLOCK)
    choice = Choice.of(position, 512 // KEY_BLOCK, reach, RETENTION)
    assert choice.position_M[:4].tolist() == [3, 200, 260, NOWHERE]
    mask_RM = choice.mask(512, 16, window)
    assert mask_RM[0, :4].tolist() == [0.0, 0.0, float("-inf"), float("-inf")]
    assert mask_RM[1, 2] == 0.0  # 513 - 260 is out of the window
    assert Choice.of(position, 0, 1, RETENTION).position_M.max() == NOWHERE
    assert latest(torch.arange(40), RETENTION).tolist() == [*range(8), *range(16, 40)]


def test_configs_are_checked_and_saved() -> None:
    config = config_with(RETENTION)
    assert config_from_dict(config_to_dict(config)) == config
    with pytest.raises(ValueError, match="multiple of 16"):
        RetentionConfig(20, 4, ())
    with pytest.raises(ValueError, match="num_first"):
        RetentionConfig(32, 32, ())
    with pytest.raises(ValueError, match="give full_window"):
        AttentionConfig(4, 2, 16, 4, 2, 16, window=32, retention=RETENTION)
