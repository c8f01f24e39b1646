"""Embeddings: each kind at its place, two audio tables, the clock, patches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.config import (
    AttentionConfig,
    AudioConfig,
    BackboneConfig,
    FineAudioConfig,
    FlowConfig,
    ModelConfig,
    VisionConfig,
)
from microturn.model.embed import (
    BagOfBins,
    Embedder,
    FineFrames,
    clock_features,
    fold,
    normalise,
    plan_scales,
)
from microturn.sequence import (
    NO_CLOCK,
    Kind,
    Positions,
    TurnFeatures,
    concatenate,
    input_positions,
    text_positions,
)

ATTENTION = AttentionConfig(2, 1, 8, 2, 1, 8, 32)
BACKBONE = BackboneConfig(64, 32, 1, 1, 32, ATTENTION)
CONFIG = ModelConfig(
    BACKBONE, FlowConfig(8, 1, 1), vision=VisionConfig(2), fine_audio=FineAudioConfig(6, 5)
)


def embedder(config: ModelConfig = CONFIG) -> Embedder:
    torch.manual_seed(0)
    return Embedder(config).eval()


def turn(index: int = 3, seed: int = 0, has_said: bool = True, num_patches: int = 2) -> Positions:
    rng = torch.Generator().manual_seed(seed)
    bins = torch.randint(0, 16, (2, 4, 80), generator=rng, dtype=torch.uint8)
    patch_P = torch.randint(0, 256, (num_patches, 2, 40, 40, 3), generator=rng, dtype=torch.uint8)
    fine_AFM = torch.randint(0, 256, (4, 8, 80), generator=rng, dtype=torch.uint8)
    return input_positions(
        TurnFeatures(index, bins[0], bins[1] if has_said else None, patch_P, (5, 6), fine_AFM)
    )


def embedded(model: Embedder, positions: Positions) -> Tensor:
    with torch.no_grad():
        return model(positions)


def test_each_kind_stands_at_its_place() -> None:
    model = embedder()
    positions = turn()
    x_SD = embedded(model, positions)
    assert x_SD.shape == (8, 32)
    with torch.no_grad():
        assert torch.equal(x_SD[:4], model.heard(positions))
        assert torch.equal(x_SD[4:6], model.visual(positions.patch_P))
        assert torch.equal(x_SD[6:], model.text(torch.tensor([5, 6])))


def test_slots_are_learned_vectors() -> None:
    model = embedder()
    kind_S = torch.full((4,), int(Kind.SLOT), dtype=torch.uint8)
    positions = replace(text_positions([0, 1, 2, 3]), kind_S=kind_S)
    assert torch.equal(embedded(model, positions), model.slot)


def test_rows_have_the_same_bits_in_a_micro_turn_and_in_a_conversation() -> None:
    model = embedder()
    parts = [turn(i, seed=i, has_said=i % 2 == 0, num_patches=i % 3) for i in range(9)]
    whole = embedded(model, concatenate([text_positions([1, 2, 3]), *parts]))
    alone = torch.cat([embedded(model, part) for part in [text_positions([1, 2, 3]), *parts]])
    assert torch.equal(whole, alone)


def test_heard_audio_is_the_normed_sum_of_its_bins_rows() -> None:
    bag = BagOfBins(8, AudioConfig(num_mel_bins=3, num_levels=4))
    total_D = bag.encoder.weight[[0 + 1, 4 + 0, 8 + 3]].sum(0)
    with torch.no_grad():
        out_D = bag(torch.tensor([[1, 0, 3]], dtype=torch.uint8))[0]
    torch.testing.assert_close(out_D, bag.final_norm(total_D[None])[0].detach())


def test_fine_frames_are_a_convolution_over_their_own_position() -> None:
    part = FineFrames(16, FineAudioConfig(num_channels=6, kernel=3))
    levels_AFM = turn().fine_AFM
    x_AMF = (levels_AFM.float() / 255 * 9 - 5).mT  # log10 of mel, plus 2
    kernel_CMK = part.conv.weight.view(6, 3, 80).permute(0, 2, 1)
    with torch.no_grad():
        hidden_ACW = functional.gelu(functional.conv1d(x_AMF, kernel_CMK, part.conv.bias))
        expected_AD = part.final_norm(part.linear(hidden_ACW.mT.flatten(1)))
        torch.testing.assert_close(part(levels_AFM), expected_AD)
        backwards_AD = part(levels_AFM.flip(1))  # the order of the frames counts
    assert not torch.allclose(backwards_AD, expected_AD, atol=1e-2)


def test_a_model_without_fine_frames_does_not_see_them() -> None:
    coarse, positions = embedder(replace(CONFIG, fine_audio=None)), turn()
    other = replace(positions, fine_AFM=255 - positions.fine_AFM)
    assert coarse.fine is None
    assert torch.equal(embedded(coarse, positions), embedded(coarse, other))
    same = (embedded(embedder(), positions) == embedded(embedder(), other)).all(-1)
    assert same.tolist() == [False] * 4 + [True] * 4  # with them: the heard positions, no other


def test_said_audio_counts_only_where_it_was_audible() -> None:
    model = embedder()
    heard_only, both = turn(has_said=False), turn(has_said=True)
    assert not torch.equal(embedded(model, heard_only)[:4], embedded(model, both)[:4])
    silenced = replace(both, is_said_A=torch.zeros(4, dtype=torch.bool))
    assert torch.equal(embedded(model, silenced), embedded(model, heard_only))
    partly = replace(both, is_said_A=torch.tensor([True, False, True, False]))
    same = (embedded(model, partly) == embedded(model, both)).all(-1)
    assert same.tolist() == [True, False, True, False] + [True] * 4


def test_the_clock_rides_on_the_first_heard_position() -> None:
    model = embedder()
    early, late = embedded(model, turn(3)), embedded(model, turn(4))
    assert (early != late).any(-1).tolist() == [True] + [False] * 7
    positions = turn(3)
    unclocked = replace(positions, clock_A=torch.full((4,), NO_CLOCK))
    with torch.no_grad():
        expected = embedded(model, unclocked)[0] + model.clock(clock_features(torch.tensor([3])))[0]
    torch.testing.assert_close(early[0], expected)


def test_clock_features_tell_neighbours_apart_even_after_a_day() -> None:
    for start in (0, 10_000, 431_990):
        features = clock_features(torch.arange(start, start + 3))
        assert float((features[1] - features[0]).norm()) > 1.0
        assert float((features[2] - features[1]).norm()) > 1.0
    day = clock_features(torch.tensor([0, 216_000]))  # half a day is told by the longest period
    assert float((day[1] - day[0]).abs()[31]) < 1e-6
    assert float((day[1] - day[0]).abs()[63]) == pytest.approx(2.0)


def test_gradients_reach_every_table() -> None:
    model = embedder().train()
    kinds = torch.full((4,), int(Kind.SLOT), dtype=torch.uint8)
    slots = replace(text_positions([0, 1, 2, 3]), kind_S=kinds)
    model(concatenate([turn(), slots])).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("bad", [-1, 64])
def test_ids_outside_the_vocabulary_are_refused(bad: int) -> None:
    with pytest.raises(ValueError, match="token ids must be 0 to 63"):
        embedder()(text_positions([3, bad]))


def test_a_model_that_does_not_see_refuses_patches() -> None:
    model = embedder(replace(CONFIG, vision=None))
    assert embedded(model, turn(num_patches=0)).shape == (6, 32)
    with pytest.raises(ValueError, match="no vision part"):
        model(turn(num_patches=1))


def test_pixels_are_normalised_as_published() -> None:
    white = normalise(torch.full((1, 2, 4, 4, 3), 255, dtype=torch.uint8))
    expected = (1.0 - torch.tensor([0.4815, 0.4578, 0.4082])) / torch.tensor(
        [0.2686, 0.2613, 0.2758]
    )
    torch.testing.assert_close(white[0, 0, 0, 0], expected, atol=1e-3, rtol=1e-3)


def test_folding_keeps_every_pixel_of_a_cell_together() -> None:
    x = torch.arange(2 * 4 * 4 * 3).view(1, 2, 4, 4, 3)
    folded = fold(x, 2, 2)
    assert folded.shape == (1, 1, 2, 2, 24)
    assert torch.equal(folded[0, 0, 1, 0], x[0, :, 2:4, 0:2].flatten())


@pytest.mark.parametrize(
    ("layers", "plan"),
    [
        (4, [(1, 1, 3), (1, 5, 128), (1, 10, 320), (1, 40, 4800), (2, 40)]),
        (2, [(1, 1, 3), (1, 10, 320), (2, 40)]),
        (1, [(1, 1, 3), (2, 40)]),
    ],
)
def test_patches_of_40_fold_as_published(layers: int, plan: list[tuple[int, ...]]) -> None:
    scales = plan_scales(VisionConfig(layers))
    assert scales[:-1] == plan[:-1] and scales[-1][:2] == plan[-1]
