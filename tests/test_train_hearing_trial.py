"""The trial is paired, its voices and sentences are kept apart, and it counts what was told."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from microturn.data.bank import Clip, Utterance, Word
from microturn.sequence import NO_TARGET
from microturn.train import hearing_trial as trial
from microturn.train.hearing_trial import LAG_FRAMES, Data, TrialConfig
from tests.tones import SENTENCES, tone_bank

CONFIG = TrialConfig(
    (), 1e-3, num_words=30, held_voices=1, num_rows=2, row_seconds=2.0, width=64, num_layers=1,
    test_clips=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> Data:
    bank = tone_bank()
    clips = [clip for text in SENTENCES for clip in bank.choices("user", text)]
    return replace(trial.split(clips, CONFIG), bank=bank)


def test_voices_and_sentences_are_kept_apart(data: Data) -> None:
    assert {clip.voice for clip in data.train}.isdisjoint(clip.voice for clip in data.test)
    assert {clip.text for clip in data.train}.isdisjoint(clip.text for clip in data.test)
    assert len(data.test) == 3
    assert sorted(data.ids.values()) == list(range(1, len(data.ids) + 1))
    with pytest.raises(ValueError, match="1 user voices are too few to keep 1"):
        trial.split([clip for clip in data.train if clip.voice == data.train[0].voice], CONFIG)
    with pytest.raises(ValueError, match="at least one micro-turn of 200 ms"):
        replace(CONFIG, row_seconds=0.1)
    for arms in ((), ("published", "ears")):
        with pytest.raises(ValueError, match="arms are some of"):
            replace(CONFIG, arms=arms)


def spoken(*words: tuple[str, int, int]) -> Utterance:
    found = tuple(Word(*word) for word in words)
    audio = np.zeros(16 * found[-1].end_ms, np.float32)
    text = " ".join(word.text for word in found)
    return Utterance(Clip("key", "voice", text, found, (trial.Path(), "")), audio, found)


def test_a_word_is_due_200_ms_after_it_sounds() -> None:
    utterance = spoken(("One,", 100, 300), ("strange", 300, 400), ("two", 400, 410))
    target_S = trial.targets(utterance, 16, {"one": 5, "two": 6})
    expected = [0] * (2 + LAG_FRAMES) + [5] * 4 + [NO_TARGET] * 2 + [6]
    assert target_S.tolist() == expected + [0] * (16 - len(expected))


def test_rows_are_of_one_length_and_the_same_for_all(data: Data) -> None:
    (positions, target_S), (again, _), (other, _) = (
        trial.row(data, CONFIG, random.Random(seed)) for seed in (0, 0, 1)
    )
    assert len(positions) == len(target_S) == 40
    assert torch.equal(positions.fine_AFM, again.fine_AFM)
    assert not torch.equal(positions.fine_AFM, other.fine_AFM)
    assert int((target_S > 0).sum()) > 5


def test_arms_begin_alike_and_only_fine_frames_differ(data: Data) -> None:
    arms = trial.begin(CONFIG, len(data.ids))
    published, fine = (dict(arms[name].named_parameters()) for name in ("published", "fine"))
    assert all(torch.equal(fine[name], tensor) for name, tensor in published.items())
    assert all(".fine." in name for name in fine.keys() - published.keys())
    assert fine.keys() - published.keys()


class Oracle(nn.Module):
    """Knows what sounds in each position."""

    def __init__(self, target_S: torch.Tensor, num_words: int) -> None:
        super().__init__()
        self.logits_SV = 9.0 * nn.functional.one_hot(target_S.clamp(min=0), 1 + num_words).float()

    def forward(self, positions: object) -> torch.Tensor:
        return self.logits_SV


def test_what_is_told_counts(data: Data) -> None:
    utterance = data.bank.utterance(data.test[0])
    num_positions = len(trial.features([utterance]))
    target_S = trial.targets(utterance, num_positions, data.ids)
    num_right, num_known = trial.right(Oracle(target_S, len(data.ids)), utterance, data.ids)
    assert num_right == num_known > 5
    early_S = target_S.roll(-4 * LAG_FRAMES)  # words before they sound
    assert trial.right(Oracle(early_S, len(data.ids)), utterance, data.ids)[0] < num_known


def test_a_run_reports_every_arm(monkeypatch: pytest.MonkeyPatch, data: Data) -> None:
    monkeypatch.setattr(trial, "split", lambda clips, config: data)
    found = trial.run(replace(CONFIG, arms=("published", "fine")))
    assert list(found) == ["published", "fine"]
    assert found["published"]["less_first"] == [0.0, 0.0, 0.0]
    for figures in found.values():
        assert figures["steps"] >= 1 and 0.0 <= figures["words_right"] <= 1.0
        assert figures["words"] > 5


def test_a_gap_has_its_sign() -> None:
    better, worse = [(3, 4)] * 40, [(1, 4)] * 40
    assert trial.gap(better, worse) == [0.5, 0.5, 0.5]
    mixed = [(4, 4), (0, 4)] * 20
    share, low, high = trial.gap(mixed, [(2, 4)] * 40)
    assert low < share == 0.0 < high
