"""The trial is paired: one sound for all sizes, weights that begin alike, words that compare."""

from __future__ import annotations

import json

import pytest
import torch

from microturn.data.corpus import training_text
from microturn.data.pack import pack
from microturn.sequence import split_lanes
from microturn.signal.text import Text
from microturn.train import tokenizer_trial as trial
from microturn.train.tokenizer_trial import CHARACTERS, Data, TrialConfig
from microturn.train.trial_score import MEASURES, differences, figures, sums_of, words_right
from tests.tones import tone_bank


@pytest.fixture(scope="module")
def data() -> Data:
    some = list(training_text())[::40]
    texts = {size: Text.train(some, size or CHARACTERS) for size in (256, 0)}
    return Data(tone_bank(), tone_bank(), texts)


CONFIG = TrialConfig((), (256, 0), 1e-3, (0,), 1, 256, test_episodes=1, width=64, num_layers=1)


def heard_text(episode, text: Text) -> str:
    lanes = [split_lanes(decision.text_ids, text.markers) for _, decision in episode.turns]
    return "".join(text.decode(heard) for heard, *_ in lanes)


def test_sizes_share_sound_and_words(data):
    """Only pieces differ; the finer tokenizer needs more of them."""
    episode = data.episode(0, 4)
    assert data.episode(0, 4) is episode
    few, many = (data.of_size(episode, size, is_test=False) for size in (256, 0))
    for (a, first), (b, second) in zip(few.turns, many.turns, strict=True):
        assert a.heard_AM is b.heard_AM and first.speaks == second.speaks
    assert few.mel is many.mel
    said = [heard_text(e, data.texts[size]) for e, size in ((few, 256), (many, 0))]
    assert said[0][:40] == said[1][:40] != ""
    lengths = [sum(len(d.text_ids) for _, d in e.turns) for e in (few, many)]
    assert lengths[1] > 1.3 * lengths[0]
    assert data.texts[0].vocab_size == CHARACTERS


def test_arms_begin_alike(data):
    first, second = trial.arms_of(CONFIG, data, 0)
    same = dict(second.model.named_parameters())
    alike = [torch.equal(p, same[n]) for n, p in first.model.named_parameters()
             if p.shape == same[n].shape]  # fmt: skip
    assert all(alike) and 5 < len(alike) < len(same)
    other, _ = trial.arms_of(CONFIG, data, 1)
    assert not torch.equal(next(other.model.parameters()), next(first.model.parameters()))


def test_a_word_is_right_with_all_its_pieces():
    text = Text.train(["hello there"] * 5, CHARACTERS)
    ids = text.encode("hi there")
    assert words_right(text, ids, [True] * len(ids)) == [True, True]
    wrong = [place != len(ids) - 1 for place in range(len(ids))]
    assert words_right(text, ids, wrong) == [True, False]
    assert words_right(text, [], []) == []


def score(nats: float, letters: float = 10.0) -> dict[str, float]:
    keys = {key for pair in MEASURES.values() for key in pair}
    return dict.fromkeys(keys, 1.0) | {"heard_nats": nats, "heard_letters": letters}


def test_differences_are_paired():
    """Conversations differ far more than the two sizes; the interval does not."""
    mine = [score(10.0 + 40 * place) for place in range(12)]
    other = [score(12.0 + 40 * place) for place in range(12)]
    value, low, high = differences(mine, other)["heard_nats_per_letter"]
    assert value == pytest.approx(-0.2) and low == pytest.approx(high)
    assert differences(mine, other)["flow_loss"] == (0.0, 0.0, 0.0)
    shuffled = differences(mine, other[::-1])["heard_nats_per_letter"]
    assert shuffled[1] < -1 < 1 < shuffled[2]  # unpaired: nothing can be told
    assert figures(mine)["heard_nats_per_letter"] == pytest.approx(23.0)


def test_sums_of_a_model_that_knows_nothing(data):
    """With all logits alike a piece costs the log of the vocabulary, and a letter its share."""
    text = data.texts[0]
    arm = trial.arms_of(CONFIG, data, 0)[1]
    arm.model.text_logits = lambda hidden: torch.zeros(*hidden.shape[:-1], CHARACTERS)
    episode = data.of_size(data.episode(0, 4, is_test=True), 0, is_test=True)
    rows = pack([episode], text.markers, trial.TEST_PACK, seed=0)
    found = sums_of(arm.model, text, rows, 0)
    log = torch.tensor(float(CHARACTERS)).log().item()
    assert found["heard_nats"] == pytest.approx(found["heard_letters"] * log, rel=1e-3)
    assert found["heard_right"] == found["said_right"] == 0
    assert found["heard_words"] > 5
    assert found["flow_count"] == sum(d.speaks for _, d in episode.turns) > 0


def test_a_trial(data, monkeypatch, capsys):
    monkeypatch.setattr(trial, "load", lambda config: data)
    trial.main(CONFIG)
    found = json.loads(capsys.readouterr().out)["sizes"]
    assert set(found) == {"256", "characters"}
    for numbers in found.values():
        assert set(MEASURES) <= set(numbers)
        assert numbers["steps"] >= 1 and numbers["heard_hours"] >= 0
    assert found["characters"]["pieces_per_word"] > 1.5 * found["256"]["pieces_per_word"]
    assert found["characters"]["positions_per_second"] > found["256"]["positions_per_second"]
    assert found["256"]["less_first"]["flow_loss"] == [0, 0, 0]


def test_bad_input():
    with pytest.raises(ValueError, match="at least two sizes"):
        TrialConfig((), (512,))
    with pytest.raises(ValueError, match="a tokenizer has at least"):
        TrialConfig((), (512, 10))
