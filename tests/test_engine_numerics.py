"""The check at the start: it holds here, and each ordinary kernel is found and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from microturn.engine.engine import Engine
from microturn.engine.load import load
from microturn.engine.numerics import Numerics, verify_numerics
from microturn.model.banded import attend_tiled
from microturn.model.flow import FlowHead
from microturn.model.fused import gated
from microturn.model.model import lay_out_for_serving
from microturn.signal.vocoder import Vocoder
from tests.tiny import tiny_engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    return tiny_engine()


def verify(engine: Engine) -> Numerics:
    return verify_numerics(engine.model, engine.vocoder)


def failed(numerics: Numerics) -> set[str]:
    return {finding.part for finding in numerics.findings if not finding.holds}


def test_it_holds_here_and_changes_nothing(engine: Engine) -> None:
    threads, packed = torch.get_num_threads(), engine.model.transformer.packed
    numerics = verify(engine)
    assert failed(numerics) == set() and numerics.holds
    assert all(finding.tried > 0 for finding in numerics.findings)
    numerics.require()
    assert "the same bits alone, in company and in training" in numerics.line()
    assert torch.get_num_threads() == threads and packed is engine.model.transformer.packed
    assert not engine.model.training


@pytest.mark.usefixtures("bare_rows")
def test_bare_rows_are_found(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.model.transformer, "row_step", 1)
    numerics = verify(engine)
    assert {"linears", "streams and whole rows", "company"} <= failed(numerics)
    assert "linears (" in numerics.line() and "of 320 rows" in numerics.line()
    with pytest.raises(ValueError, match="results depend on the company: linears"):
        numerics.require()


def test_attention_in_another_order_is_found(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(q, rel, k, v, *rest):
        """The sum over keys in another order of heads' channels: right, and other bits."""
        return attend_tiled(q.flip(-1), rel, k.flip(-1), v, *rest)

    monkeypatch.setattr("microturn.model.attention.attend_tiled", backwards)
    assert failed(verify(engine)) == {"streams and whole rows"}


def test_a_norm_over_all_rows_at_once_is_found(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(x, weight, epsilon):
        scale = x.square().sum() * 1e-9  # what any row adds reaches all others
        return functional.rms_norm(x + scale, x.shape[-1:], weight, epsilon), scale

    monkeypatch.setattr("microturn.engine.numerics.normed", plain)
    assert failed(verify(engine)) == {"norms and softmax"}


@pytest.mark.parametrize(
    ("owner", "name", "part"), [(FlowHead, "velocity", "flow head"), (Vocoder, "frames", "vocoder")]
)
def test_a_part_that_sees_its_company_is_found(
    engine: Engine, owner: type, name: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(owner, name)

    def leaking(self, x, *rest):
        return right(self, x + 1e-6 * len(x), *rest)

    monkeypatch.setattr(owner, name, leaking)
    assert part in failed(verify(engine))


def test_other_kernels_for_training_are_found(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(gate_up):
        gate, up = gate_up.chunk(2, dim=-1)
        right = gate * gate.sigmoid() * up
        return right if torch.is_grad_enabled() else gated(gate_up)

    monkeypatch.setattr("microturn.model.experts.gated", other)
    assert failed(verify(engine)) == {"training"}


def test_stale_packed_weights_are_found() -> None:
    model, vocoder = tiny_engine().model, tiny_engine().vocoder
    with torch.no_grad():
        model.transformer.blocks()[0].attn.wq_du.weight.mul_(1.5)
    assert failed(verify_numerics(model, vocoder)) == {"streams and whole rows"}
    lay_out_for_serving(model)
    assert verify_numerics(model, vocoder).holds


def test_loading_refuses_a_claim_that_does_not_hold(
    model_folder: Path, request: pytest.FixtureRequest
) -> None:
    assert load(model_folder, recording="tokens").tick.recording == "tokens"
    request.getfixturevalue("bare_rows")
    load(model_folder)  # without the claim
    for options in ({"is_exact": True}, {"recording": "tokens"}):
        with pytest.raises(ValueError, match="serve without the claim"):
            load(model_folder, **options)
