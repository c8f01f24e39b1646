"""A bent filter hears at one place what another vocal tract makes at another."""

from __future__ import annotations

import random

import pytest
import torch

from microturn.signal.mel import HeardState, fine_bins, heard_bins, mel_filters
from microturn.signal.tract import AT_HZ, Tract, draw_tract

STRAIGHT = Tract(AT_HZ)


def tone(frequency_hz: float) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * frequency_hz * torch.arange(16_000) / 16_000)


def loudest(frequency_hz: float, tract: Tract | None) -> int:
    """The fine bin that hears most of a tone."""
    return int(fine_bins(tone(frequency_hz), HeardState(), tract)[4:].float().mean((0, 1)).argmax())


def test_an_unbent_tract_changes_nothing():
    assert torch.equal(mel_filters(801, 16_000, tract=STRAIGHT), mel_filters(801, 16_000))
    for bins in (lambda *a: heard_bins(*a)[0], fine_bins):
        assert torch.equal(bins(tone(700), HeardState(), STRAIGHT), bins(tone(700), HeardState()))


@pytest.mark.parametrize("frequency_hz", [600.0, 1000.0, 1900.0, 3000.0])
def test_higher_sounds_are_heard_where_lower_ones_were(frequency_hz):
    higher = Tract(tuple(1.12 * hz for hz in AT_HZ))
    assert loudest(1.12 * frequency_hz, higher) == loudest(frequency_hz, None)
    assert loudest(1.12 * frequency_hz, None) > loudest(frequency_hz, None)


def test_one_region_moves_alone():
    second = Tract((500.0, 1300.0, 2200.0, 3500.0))
    assert loudest(1300.0, second) == loudest(1200.0, None)
    assert loudest(400.0, second) == loudest(400.0, None)
    assert loudest(3000.0, second) == loudest(3000.0, None)


def test_gains_are_added():
    louder = Tract(AT_HZ, ((0.3, 0.0),))
    plain, gained = (
        fine_bins(tone(700) + 0.01 * torch.randn(16_000), HeardState(), tract).float()
        for tract in (None, louder)
    )
    assert gained[4:, :, 5].mean() > plain[4:, :, 5].mean() + 4
    assert gained[4:, :, -5].mean() < plain[4:, :, -5].mean() - 4
    assert not STRAIGHT.gains().any()


def test_drawn_ones_differ_and_rise():
    drawn = [draw_tract(random.Random(seed)) for seed in range(200)]
    assert len(set(drawn)) == 200
    assert draw_tract(random.Random(3)) == drawn[3]
    ratios = torch.tensor([[to / at for to, at in zip(d.to_hz, AT_HZ, strict=True)] for d in drawn])
    assert 0.8 < ratios.min() < 0.87 and 1.15 < ratios.max() < 1.23
    assert abs(torch.stack([d.gains() for d in drawn]).std() - 0.14) < 0.03


@pytest.mark.parametrize(
    "to_hz", [(500.0, 400.0, 2200.0, 3500.0), (500.0, 9000.0, 9100.0, 9200.0), (1.0,)]
)
def test_what_does_not_rise_is_refused(to_hz):
    with pytest.raises(ValueError, match="want 4 rising frequencies below 8 kHz"):
        Tract(to_hz)
