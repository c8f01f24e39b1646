"""Numbers that engine and trainer share: a row's bits do not depend on how many rows there are."""

from __future__ import annotations

import pytest
import torch

from microturn.sampled import Sampled, SampledFlow, check_whole, log_probs, p_speak
from microturn.sequence import TurnDecision, TurnFeatures
from tests.tiny import TinyText

MARKERS = TinyText.markers


def logits(num_rows: int = 500) -> torch.Tensor:
    return 3 * torch.randn(num_rows, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("eagerness", [0.0, 1.5])
def test_the_floor_decision_alone_and_among_others(eagerness: float) -> None:
    logits_NV = logits()
    together_N = p_speak(logits_NV, MARKERS, eagerness)
    alone = [p_speak(logits_V, MARKERS, eagerness) for logits_V in logits_NV]
    assert torch.equal(torch.stack(alone), together_N)
    difference_N = logits_NV[:, MARKERS.speak] + eagerness - logits_NV[:, MARKERS.silent]
    sigmoid_N = torch.sigmoid(difference_N)
    torch.testing.assert_close(together_N, sigmoid_N)
    plain = [torch.sigmoid(difference) for difference in difference_N]  # control
    assert not torch.equal(torch.stack(plain), sigmoid_N)


def test_log_probabilities_alone_and_among_others() -> None:
    logits_NV = logits()
    together_NV = log_probs(logits_NV)
    assert all(torch.equal(log_probs(row[None])[0], log_probs(row)) for row in logits_NV[:50])
    assert torch.equal(torch.stack([log_probs(row) for row in logits_NV]), together_NV)
    torch.testing.assert_close(together_NV.exp().sum(-1), torch.ones(500))


def test_the_path_of_a_flow_is_where_its_steps_stood() -> None:
    noise_FM, velocity_EFM = torch.ones(2, 3), torch.full((4, 2, 3), 8.0)
    flow = SampledFlow(noise_FM, noise_FM, velocity_EFM)
    assert flow.times() == [0.0, 0.25, 0.5, 0.75]
    assert flow.path_EFM()[:, 0, 0].tolist() == [1.0, 3.0, 5.0, 7.0]


def turn(index: int) -> Sampled:
    features = TurnFeatures(index, torch.zeros(4, 80, dtype=torch.uint8))
    return Sampled(features, TurnDecision((), False), torch.zeros(1), 0.5)


@pytest.mark.parametrize("indices", [(), (1, 2), (0, 2), (0, 0)])
def test_a_conversation_with_gaps_is_refused(indices: tuple[int, ...]) -> None:
    check_whole([turn(0), turn(1)])
    with pytest.raises(ValueError, match="from micro-turn 0 on"):
        check_whole([turn(index) for index in indices])
