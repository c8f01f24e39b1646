"""Sessions that remember text: snapshots carry it, memory is reserved for it, old text is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from microturn.engine.bench_sessions import same
from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits, reserved_bytes
from microturn.engine.sampler import SamplingConfig
from microturn.model.config import RetentionConfig
from microturn.model.model import InteractionModel
from microturn.model.tiles import ROW_TILE
from microturn.signal.vocoder import Vocoder, VocoderConfig
from microturn.turns import INPUT_SAMPLES, MicroTurnInput, MicroTurnOutput
from tests.tiny import TinyText, tiny_config

RETENTION = RetentionConfig(num_text=32, num_first=8, passing_ids=(9, 10))


def engine_with(retention: RetentionConfig | None) -> Engine:
    config = tiny_config()
    attention = replace(config.backbone.attention, full_window=48, retention=retention)
    backbone = replace(config.backbone, attention=attention, num_layers=3)
    torch.manual_seed(0)
    model = InteractionModel(replace(config, backbone=backbone))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
    sampling = SamplingConfig(num_flow_steps=1, max_text_tokens=0)
    return Engine(model, Vocoder(VocoderConfig(width=32, num_blocks=1)), TinyText(), sampling)


def play(engine: Engine, session_id: str, first: int, last: int) -> list[MicroTurnOutput]:
    outputs = []
    for index in range(first, last):
        audio = np.random.default_rng(index).standard_normal(INPUT_SAMPLES).astype(np.float32)
        turn = MicroTurnInput(index, audio)
        outputs.append(engine.step(session_id, turn, force_speak=False))
    return outputs


def test_a_snapshot_carries_what_is_remembered_and_instructions_matter_long_after() -> None:
    ends = []
    for retention in (RETENTION, None):
        engine = engine_with(retention)
        # Of one length: another would move all rows within their key blocks, and so their bits.
        ids = [engine.open(seed=1, instructions=words) for words in ("be brief", "be quick")]
        outputs = [play(engine, one, 0, 120)[-1] for one in ids]  # 600 positions
        ends.append(outputs[0].p_speak != outputs[1].p_speak)
        again = engine.restore(engine.snapshot(ids[0]))
        assert all(map(same, play(engine, ids[0], 120, 123), play(engine, again, 120, 123)))
        state = engine.session(again).backbone
        assert any(layer.text is not None for layer in state.layers) == (retention is not None)
    assert ends == [True, False]  # without retention they are forgotten


def test_memory_is_reserved_for_text() -> None:
    limits = SessionLimits(max_micro_turns=100)
    engines = {retention: engine_with(retention) for retention in (RETENTION, None)}
    sizes = {k: reserved_bytes(e.model.config.backbone, limits) for k, e in engines.items()}
    assert sizes[RETENTION] > sizes[None]
    engine = engines[RETENTION]
    session_id = engine.open(seed=1, instructions="a" * 60)
    play(engine, session_id, 0, 60)
    assert engine.session(session_id).num_bytes() <= sizes[RETENTION]


def test_rows_are_free_only_where_that_was_tried() -> None:
    """What attends to remembered text has no trial: such a stream keeps to whole tiles."""
    assert engine_with(RETENTION).model.transformer.row_step == ROW_TILE
