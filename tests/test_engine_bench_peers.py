"""Ours beside transformers and beside re-sending: the same work is done, and other work is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.engine.bench import ROUND
from microturn.engine.bench_peers import TOLERANCE, Times, bench_peers, measure, ratios
from microturn.engine.peers import CHUNK, Ours, Stream, Theirs, as_published, bring_to, pieces
from microturn.model.model import InteractionModel
from microturn.sequence import Kind, concatenate
from tests.tiny import VOCAB, tiny_config, tiny_model


def test_report_and_the_same_work() -> None:
    before = torch.get_num_threads()
    result = bench_peers(tiny_model(), (1, 2), 3, 1)
    assert torch.get_num_threads() == before
    assert result["is_same_work"]
    first, second = result["by_context"]
    assert 0 < first["positions"] < second["positions"]
    for row in (first, second):
        assert row["ours"]["silent"]["count"] == row["transformers"]["silent"]["count"] == 3
        assert row["resend_ours"]["count"] == row["resend_transformers"]["count"] == 1
        assert 0 < row["largest_difference"] < TOLERANCE
    assert list(result)[-2:] == ["transformers_over_ours", "resending_over_ours"]


def test_other_weights_are_other_work() -> None:
    model = tiny_model()
    theirs = Theirs.load(as_published(model))
    with torch.no_grad():
        model.transformer.layers[1].attn.wo_ud.weight.mul_(1.2)
        ours = Ours(as_published(model))
        stream = Stream(VOCAB, 0)
        bring_to(ROUND.index(True), stream, ours, theirs)
        found = measure(stream, ours, theirs, 2, 1)
    assert found["largest_difference"] > TOLERANCE
    assert found["ours"]["speaking"]["count"] == 2


def test_pieces_are_the_whole() -> None:
    stream = Stream(VOCAB, 0)
    whole = concatenate([part for _ in range(90) for part in stream.next()])
    assert len(whole) > 2 * CHUNK
    parts = pieces(whole)
    assert max(map(len, parts)) == CHUNK
    again = concatenate(parts)
    assert torch.equal(again.id_S, whole.id_S) and torch.equal(again.heard_AM, whole.heard_AM)
    assert all(len(part.heard_AM) == int((part.kind_S == Kind.HEARD).sum()) for part in parts)


def test_what_has_no_published_form_is_refused() -> None:
    config = tiny_config()
    attention = replace(config.backbone.attention, full_window=48)
    config = replace(config, backbone=replace(config.backbone, attention=attention))
    with pytest.raises(ValueError, match="no published form"):
        bench_peers(InteractionModel(config))
    for wrong in ({"contexts_s": ()}, {"contexts_s": (0,)}, {"num_pairs": 0}, {"num_resent": 0}):
        with pytest.raises(ValueError, match="at least one"):
            bench_peers(tiny_model(), **wrong)


def test_ratios_are_over_ours() -> None:
    times = {
        ("ours", "silent"): Times([], [10.0, 10.0]),
        ("ours", "speaking"): Times([], [40.0]),
        ("transformers", "silent"): Times([], [30.0, 30.0]),
        ("transformers", "speaking"): Times([], [60.0]),
    }
    found = ratios(times, {"resend_ours": Times([], [200.0])})
    assert found == {
        "transformers_silent": 3.0,
        "transformers_speaking": 1.5,
        "transformers": 2.0,
        "resend_ours": 10.0,
    }
