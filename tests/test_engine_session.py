"""Going back by micro-turns, and what is handed over bit by bit."""

from __future__ import annotations

import pytest
import torch

from microturn.engine.limits import SessionLimits
from microturn.engine.sampler import SamplingConfig
from microturn.engine.session import Delegating, delegate
from tests.test_engine_engine import run, same, turns
from tests.tiny import TinyText, tiny_engine

SAMPLING = SamplingConfig(text_temperature=2.0, num_flow_steps=1)
TEXT = TinyText()
M = TEXT.markers


def limited(kept: int):
    engine = tiny_engine(sampling=SAMPLING)
    engine.limits = SessionLimits(kept_micro_turns=kept)
    return engine


def test_going_back_and_on_again_gives_the_same_bits():
    engine, heard = limited(25), turns(11, 30)
    session_id, outputs = run(engine, heard)
    for index in (26, 9, 30):
        if index <= engine.sessions[session_id].index:
            engine.rollback(session_id, index)
        assert engine.sessions[session_id].index == min(index, 30)
        for turn, right in zip(heard[index:], outputs[index:], strict=True):
            assert same(engine.step(session_id, turn), right)


def test_going_back_and_on_differently_is_as_if_it_had_always_been_so():
    engine, heard, other = limited(25), turns(11, 20), turns(12, 20)
    session_id, _ = run(engine, heard)
    engine.rollback(session_id, 10)
    _, mixed = run(engine, heard[:10] + other[10:])
    for turn, right in zip(other[10:], mixed[10:], strict=True):
        assert same(engine.step(session_id, turn), right)


def test_other_input_after_going_back_is_heard():
    """The negative control of the two above."""
    engine, heard, other = limited(25), turns(11, 20), turns(12, 20)
    session_id, outputs = run(engine, heard)
    engine.rollback(session_id, 10)
    again = [engine.step(session_id, turn) for turn in other[10:]]
    assert not all(same(a, b) for a, b in zip(again, outputs[10:], strict=True))


def test_further_back_than_kept_says_how_far():
    engine = limited(5)
    session_id, _ = run(engine, turns(11, 12))
    for index in (6, 13, -1):
        with pytest.raises(ValueError, match=f"micro-turns 7 to 12, not {index}"):
            engine.rollback(session_id, index)
    engine.rollback(session_id, 7)
    with pytest.raises(ValueError, match="7 to 7, not 6"):
        engine.rollback(session_id, 6)


def test_nothing_kept_nothing_to_go_back_to():
    engine = limited(0)
    session_id, _ = run(engine, turns(11, 3))
    assert engine.sessions[session_id].past == ()
    with pytest.raises(ValueError, match="3 to 3, not 2"):
        engine.rollback(session_id, 2)


def test_what_is_kept_shares_its_buffers():
    engine = limited(10)
    session_id, _ = run(engine, turns(11, 12))
    session = engine.sessions[session_id]
    layers = [session.backbone.layers, *(kept.mark.layers for kept in session.past)]
    assert len({layer[0].key_KNW.data_ptr() for layer in layers}) == 1
    tails = [tail for layer in session.backbone.layers for tail in layer.tails]
    assert all(tail.untyped_storage().nbytes() == 4 * tail.numel() for tail in tails)
    assert session.num_bytes() < 10 * session.backbone.num_bytes()


A, B, C = 20, 21, 22


@pytest.mark.parametrize(
    ("by_turn", "expected"),
    [
        ([(M.delegate, A, B, M.end)], [(0, "d0", [A, B])]),
        ([(M.delegate, A), (), (C, M.delegate, B, M.end)], [(2, "d0", [A, B])]),
        ([(M.heard, C, M.end, M.delegate, A), (M.delegate, B, M.end)], [(1, "d0", [A, B])]),
        ([(C,), (M.delegate, A), (M.delegate, M.end)], [(2, "d1", [A])]),
        ([(M.delegate, A, M.end), (M.delegate, B, M.end)], [(0, "d0", [A]), (1, "d1", [B])]),
        ([(M.delegate, A), (M.heard, B, M.end, C)], []),
        ([(M.delegate, M.end)], []),
    ],
)
def test_a_delegation_is_complete_when_it_ends(by_turn, expected):
    open_now, done = None, []
    for index, text_ids in enumerate(by_turn):
        open_now, delegation = delegate(open_now, index, text_ids, TEXT)
        if delegation is not None:
            done.append((delegation.index, delegation.id, delegation.text))
    assert done == [(index, id, TEXT.decode(ids)) for index, id, ids in expected]


def test_what_never_ends_is_handed_over_all_the_same():
    open_now = Delegating(3, (A,) * 510)
    open_now, delegation = delegate(open_now, 9, (M.delegate, A), TEXT)
    assert open_now is not None and delegation is None
    open_now, delegation = delegate(open_now, 10, (M.delegate, A), TEXT)
    assert open_now is None and delegation is not None and delegation.id == "d3"


def test_an_engine_hands_over_once_with_the_id_of_the_beginning(monkeypatch):
    engine, heard = tiny_engine(), turns(3, 4)
    session_id = engine.open()
    script = [[M.delegate, A, M.silent], [M.delegate, B, M.end, M.silent], [M.silent], [M.silent]]
    left = [token for ids in script for token in ids]
    monkeypatch.setattr("microturn.engine.tick.choose", lambda *_: left.pop(0))
    outputs = [engine.step(session_id, turn) for turn in heard]
    handed = [output.delegation for output in outputs]
    assert [d is not None for d in handed] == [False, True, False, False]
    assert handed[1].id == "d0" and handed[1].text == TEXT.decode([A, B])


def test_a_rollback_takes_back_what_was_being_handed_over(monkeypatch):
    engine, heard = tiny_engine(), turns(3, 4)
    session_id = engine.open()
    left = [M.delegate, A, M.silent, M.delegate, B, M.end, M.silent]
    monkeypatch.setattr("microturn.engine.tick.choose", lambda *_: left.pop(0))
    engine.step(session_id, heard[0])
    engine.rollback(session_id, 0)
    output = engine.step(session_id, heard[0])
    assert output.delegation.text == TEXT.decode([B])
    assert torch.is_tensor(engine.sessions[session_id].heard.tail_N)
