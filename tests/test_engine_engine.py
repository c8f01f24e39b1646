"""Sessions: streamed equals whole bit for bit, neighbours do not matter, failures undo
themselves."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from microturn.engine.session import listen
from microturn.sequence import TurnDecision, whole
from microturn.turns import INPUT_SAMPLES, OUTPUT_SAMPLES, MicroTurnInput
from tests.tiny import TinyText, tiny_engine

NUM_TURNS = 30


def turns(seed: int, count: int = NUM_TURNS) -> list[MicroTurnInput]:
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        audio = (rng.standard_normal(INPUT_SAMPLES) * 0.1).astype(np.float32)
        images = None
        if index % 5 == 2:
            images = rng.integers(0, 256, (2, 40, 80, 3)).astype(np.uint8)
        made.append(MicroTurnInput(index, audio, images, "abc" if index % 7 == 3 else None))
    return made


def run(engine, heard, seed=0):
    session_id = engine.open(seed=seed)
    return session_id, [engine.step(session_id, turn) for turn in heard]


def same(a, b):
    return (
        a.text_ids == b.text_ids
        and a.speaks == b.speaks
        and a.p_speak == b.p_speak
        and np.array_equal(a.audio, b.audio)
    )


def test_random_weights_do_speak_and_write():
    _, outputs = run(tiny_engine(), turns(1))
    assert 2 < sum(output.speaks for output in outputs) < NUM_TURNS
    assert any(output.text_ids for output in outputs)
    assert all(output.audio.shape == (OUTPUT_SAMPLES,) for output in outputs)


def streamed_and_whole(engine, heard):
    """Hidden states of all extends of a session, and of one forward over the same conversation."""
    hidden, features = [], []
    extend = engine.model.extend

    def recording(positions, state, num_ahead=0):
        first = state.length  # a guess that was not accepted is written over
        rows = extend(positions, state, num_ahead)
        hidden[first:] = rows.unbind()
        return rows

    engine.model.extend = recording
    session_id = engine.open(seed=3)
    decisions = []
    for turn in heard:
        features.append(listen(engine.sessions[session_id], turn, engine.text)[1])
        output = engine.step(session_id, turn)
        decisions.append(TurnDecision(output.text_ids, output.speaks))
    engine.model.extend = extend
    del hidden[engine.sessions[session_id].backbone.length :]
    positions, _ = whole(list(zip(features, decisions, strict=True)), engine.text.markers)
    with torch.inference_mode():
        forward = engine.model(positions, 1)[0]
    return torch.stack(hidden), forward


def test_streamed_equals_whole_bit_for_bit():
    streamed, forward = streamed_and_whole(tiny_engine(), turns(2, 40))
    assert len(streamed) > 300  # crosses a key block
    assert torch.equal(streamed, forward[: len(streamed)])


def test_guesses_are_taken_and_refused():
    """Speaking micro-turns after the first carry the slots along; bits are the same (above)."""
    engine = tiny_engine()
    accepted, lengths = [], []
    session_id = engine.open(seed=3)
    state = engine.sessions[session_id].backbone
    accept = state.accept
    state.accept = lambda: (accepted.append(state.length), accept())
    for turn in turns(2, 8):
        before = state.length
        output = engine.step(session_id, turn, force_speak=turn.index % 4 != 3)
        lengths.append(state.length - before)
        assert state.ahead is None or not output.speaks
    assert len(accepted) >= 4
    assert max(lengths) > min(lengths)


def test_another_input_gives_other_bits():
    streamed, _ = streamed_and_whole(tiny_engine(), turns(2, 10))
    _, forward = streamed_and_whole(tiny_engine(), turns(4, 10))
    length = min(len(streamed), len(forward))
    assert not torch.equal(streamed[:length], forward[:length])


def test_two_sessions_interleaved_at_random_equal_each_alone():
    engine = tiny_engine()
    heard = [turns(5), turns(6)]
    alone = [run(engine, heard[which], seed=which)[1] for which in range(2)]
    sessions = [engine.open(seed=which) for which in range(2)]
    done, order = [0, 0], random.Random(0)
    while min(done) < NUM_TURNS:
        which = order.choice([w for w in range(2) if done[w] < NUM_TURNS])
        output = engine.step(sessions[which], heard[which][done[which]])
        assert same(output, alone[which][done[which]])
        done[which] += 1


def test_a_repeated_micro_turn_returns_the_kept_result():
    engine, heard = tiny_engine(), turns(7, 4)
    session_id, outputs = run(engine, heard)
    assert engine.step(session_id, heard[3]) is outputs[3]


def test_a_failed_step_leaves_the_session_as_it_was():
    engine, heard = tiny_engine(), turns(8, 12)
    _, expected = run(engine, heard)
    session_id = engine.open(seed=0)
    voice = engine.tick.voice
    for turn, right in zip(heard, expected, strict=True):
        engine.tick.voice = lambda *_: (_ for _ in ()).throw(RuntimeError("no sound"))
        with pytest.raises(RuntimeError, match="no sound"):
            engine.step(session_id, turn)
        engine.tick.voice = voice
        assert same(engine.step(session_id, turn), right)


def test_micro_turns_out_of_order_and_unknown_sessions_are_named():
    engine = tiny_engine()
    session_id = engine.open()
    with pytest.raises(ValueError, match="expects micro-turn 0, got 3"):
        engine.step(session_id, turns(0, 4)[3])
    engine.close(session_id)
    engine.close(session_id)
    with pytest.raises(KeyError, match="never opened or is closed"):
        engine.step(session_id, turns(0, 1)[0])


def test_what_was_not_played_is_not_fed_back():
    engine, heard = tiny_engine(), turns(9, 3)
    session_id = engine.open()
    engine.step(session_id, heard[0], force_speak=True)
    session = engine.sessions[session_id]
    played = listen(session, heard[1], TinyText())[1]
    cut = MicroTurnInput(1, heard[1].audio, played_ms=0)
    unplayed = listen(session, cut, TinyText())[1]
    assert played.said_AM is not None
    assert unplayed.said_AM is None
    assert torch.equal(played.heard_AM, unplayed.heard_AM)
