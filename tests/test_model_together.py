"""Streams side by side give the bits they have alone, whatever the company and its order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from microturn.engine.bench_tiny import random_model
from microturn.model.model import lay_out_for_serving
from microturn.model.together import extend_together
from microturn.sequence import concatenate, decoded, text_positions
from tests.tiny import tiny_config, tiny_model

MODEL = tiny_model()
lay_out_for_serving(MODEL)
NUM_STREAMS, NUM_ROUNDS = 5, 14


def text(rng: random.Random, count: int):
    return text_positions([rng.randrange(12, 60) for _ in range(count)])


def plans():
    """For each stream its rounds: positions, and how many of them are a guess. Some are long enough
    to cross a key block."""
    rng = random.Random(1)
    sizes = (1, 5, 6, 12, 17)
    plan = [[text(rng, rng.choice(sizes)) for _ in range(NUM_ROUNDS)] for _ in range(NUM_STREAMS)]
    plan[0][2], plan[3][1] = text(rng, 250), text(rng, 300)
    return [[(run, rng.choice((0, len(run) // 2))) for run in stream] for stream in plan]


def scaled_model():
    """One whose full layers scale by the length of the log, soon."""
    config = tiny_config()
    attention = replace(config.backbone.attention, log_scaling_floor=20)
    return random_model(replace(config, backbone=replace(config.backbone, attention=attention)), 3)


def alone(stream, model=MODEL):
    state, hidden = model.transformer.new_state(), []
    for number, (run, num_ahead) in enumerate(stream):
        hidden.append(model.extend(run, state, num_ahead))
        if num_ahead and number % 2:
            state.accept()
    return hidden, state


def in_company(seed: int, model=MODEL):
    """All streams to their ends, in companies drawn at random."""
    rng, streams = random.Random(seed), plans()
    states = [model.transformer.new_state() for _ in streams]
    hidden: list[list[torch.Tensor]] = [[] for _ in streams]
    while waiting := [i for i, done in enumerate(hidden) if len(done) < NUM_ROUNDS]:
        company = rng.sample(waiting, rng.randint(1, len(waiting)))
        runs = [streams[i][len(hidden[i])] for i in company]
        rows = extend_together(
            model, [run for run, _ in runs], [states[i] for i in company], [n for _, n in runs]
        )
        for i, row, (_, num_ahead) in zip(company, rows, runs, strict=True):
            if num_ahead and len(hidden[i]) % 2:
                states[i].accept()
            hidden[i].append(row)
    return hidden, states


@pytest.mark.parametrize("seed", range(3))
def test_any_company_gives_the_bits_of_each_alone(seed):
    hidden, states = in_company(seed)
    for stream, rows, state in zip(plans(), hidden, states, strict=True):
        expected, right = alone(stream)
        assert all(torch.equal(a, b) for a, b in zip(rows, expected, strict=True))
        assert state.length == right.length
        for layer, same in zip(state.layers, right.layers, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(layer.tails, same.tails, strict=True))
            assert torch.equal(layer.key_KNW, same.key_KNW)


def test_scaling_by_length_too():
    model = scaled_model()
    hidden, _ = in_company(0, model)
    for stream, rows in zip(plans(), hidden, strict=True):
        expected, _ = alone(stream, model)
        assert all(torch.equal(a, b) for a, b in zip(rows, expected, strict=True))


@pytest.mark.usefixtures("bare_rows")
def test_without_whole_tiles_the_company_shows(monkeypatch):
    """The negative control: rows that fill no tile get the bits of another kernel."""
    monkeypatch.setattr(MODEL.transformer, "row_step", 1)
    hidden, _ = in_company(0)
    expected = [alone(stream)[0] for stream in plans()]
    assert not all(
        torch.equal(a, b)
        for rows, right in zip(hidden, expected, strict=True)
        for a, b in zip(rows, right, strict=True)
    )


def test_what_is_not_a_number_stays_in_its_stream():
    rng = random.Random(3)
    runs = [text(rng, 6) for _ in range(3)]
    states = [MODEL.transformer.new_state() for _ in runs]
    extend_together(MODEL, runs, states, [0, 0, 0])
    states[1].layers[0].key_KNW[:, 2] = torch.nan
    after = [decoded(20), decoded(21), text(rng, 9)]
    rows = extend_together(MODEL, after, states, [0, 0, 0])
    assert rows[1].isnan().all()
    for place in (0, 2):
        expected = MODEL.extend(concatenate([runs[place], after[place]]), fresh())[6:]
        assert torch.equal(rows[place], expected)


def fresh():
    return MODEL.transformer.new_state()


def test_what_fails_leaves_all_streams_as_they_were(monkeypatch):
    rng = random.Random(4)
    runs = [text(rng, 6) for _ in range(2)]
    states = [fresh(), fresh()]
    extend_together(MODEL, runs, states, [0, 0])
    before = [state.clone() for state in states]
    with monkeypatch.context() as patch:
        patch.setattr(MODEL.transformer.norm, "forward", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            extend_together(MODEL, runs, states, [0, 0])
    for state, right in zip(states, before, strict=True):
        assert state.length == right.length == 6
        for layer, same in zip(state.layers, right.layers, strict=True):
            assert torch.equal(layer.key_KNW, same.key_KNW)
            assert all(torch.equal(a, b) for a, b in zip(layer.tails, same.tails, strict=True))


def test_an_empty_run_is_refused():
    with pytest.raises(ValueError, match="at least one position"):
        extend_together(MODEL, [decoded(20), text_positions([])], [fresh(), fresh()], [0, 0])
