"""The trainer finds what the engine logged, to the bit: alone, in company, in any chunking, at the
first and after a hundred steps. With ordinary kernels the same comparison fails.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from microturn.engine.engine import Engine
from microturn.engine.sampler import SamplingConfig
from microturn.model.model import InteractionModel
from microturn.sampled import Recording, Sampled, log_probs
from microturn.sequence import NO_TARGET, Kind, Positions
from microturn.signal.vocoder import Vocoder, VocoderConfig
from microturn.train.score import Alignment, Scores, alignment, laid_out, recorded, score
from tests.test_engine_engine import turns
from tests.tiny import TinyText, tiny_config, tiny_model

MARKERS = TinyText.markers
SAMPLING = SamplingConfig(text_temperature=2.0, num_flow_steps=2, eagerness=0.5)
NUM_SESSIONS, NUM_TURNS = 3, 10
Log = list[list[Sampled]]


def an_engine(
    recording: Recording = "distributions", model: InteractionModel | None = None
) -> Engine:
    model = model or tiny_model()
    torch.manual_seed(0)
    vocoder = Vocoder(VocoderConfig(width=32, num_blocks=1))
    return Engine(model, vocoder, TinyText(), SAMPLING, recording=recording)


def talk(
    engine: Engine,
    company: int,
    num_turns: int = NUM_TURNS,
    seed: int = 0,
    num_sessions: int = NUM_SESSIONS,
) -> Log:
    """Sessions of noise, `company` of them in a tick: of each, what was logged."""
    ids = [
        engine.open(seed=seed + i, instructions="be kind" if i == 1 else None)
        for i in range(num_sessions)
    ]
    log: Log = [[] for _ in ids]
    heard = [turns(seed + i, num_turns) for i in range(num_sessions)]
    for first in range(0, num_sessions, company):
        places = range(first, min(num_sessions, first + company))
        for index in range(num_turns):
            for result in engine.step_many([(ids[i], heard[i][index]) for i in places]):
                assert not isinstance(result, Exception), result
            for i in places:
                log[i].append(engine.sampled(ids[i]))
    for session_id in ids:
        engine.close(session_id)
    return log


def compare(model: InteractionModel, log: Sequence[Sequence[Sampled]]) -> Alignment:
    return alignment(recorded(log), score(model, log, MARKERS))


EXACT = Alignment(True, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def log() -> Log:
    return talk(an_engine(), NUM_SESSIONS)


def test_the_log_holds_text_speech_and_silence(log: Log) -> None:
    spoken = [turn.decision.speaks for turns in log for turn in turns]
    assert 0 < sum(spoken) < len(spoken)
    assert any(turn.decision.text_ids for turns in log for turn in turns)
    assert [len(turns[0].prefix_ids) > 0 for turns in log] == [False, True, False]
    assert all(not turn.prefix_ids for turns in log for turn in turns[1:])


@pytest.mark.parametrize("company", [1, 2])
def test_the_log_does_not_depend_on_the_company(log: Log, company: int) -> None:
    one, other = recorded(log), recorded(talk(an_engine(), company))
    for name in vars(one):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


def test_the_trainer_finds_it_in_rows_of_one_and_of_many(log: Log) -> None:
    model = tiny_model().train()
    assert compare(model, log) == EXACT
    assert compare(model, log[::-1]) == EXACT
    assert all(compare(model, [turns]) == EXACT for turns in log)
    assert all(compare(model, [turns[:5]]) == EXACT for turns in log)  # nothing looks forward


def test_sessions_of_other_eagerness_are_scored_together() -> None:
    engine, log = an_engine(), []
    for eagerness in (0.5, -1.25, 0.1):
        session_id = engine.open(eagerness=eagerness)
        engine.step(session_id, turns(0, 1)[0])
        log.append([engine.sampled(session_id)])
    model, found = tiny_model(), recorded(log)
    assert len(set(found.p_speak_T.tolist())) == 3
    assert alignment(found, score(model, log, MARKERS)) == EXACT
    alike = [[replace(turns[0], eagerness=0.5)] for turns in log]  # control
    assert not alignment(found, score(model, alike, MARKERS)).is_equal


def test_without_gradients_it_is_the_same(log: Log) -> None:
    with torch.no_grad():
        assert compare(tiny_model(), log) == EXACT


def in_chunks(model: InteractionModel, positions: Positions, rng: random.Random) -> Tensor:
    """Hidden states of one row, appended in pieces of any size."""
    state, hidden, done = model.transformer.new_state(), [], 0
    while done < len(positions):
        end = min(len(positions), done + rng.choice((1, 3, 4, 16, 50)))
        hidden.append(model.extend(part_of(positions, done, end), state))
        done = end
    return torch.cat(hidden)


def part_of(positions: Positions, first: int, end: int) -> Positions:
    """A run out of a row."""
    before, run = positions.kind_S[:first], positions.kind_S[first:end]
    rows = {}
    for kind, names in (
        (Kind.HEARD, ("heard_AM", "said_AM", "is_said_A", "clock_A", "fine_AFM")),
        (Kind.PATCH, ("patch_P",)),
    ):
        start = int((before == kind).sum())
        count = int((run == kind).sum())
        rows |= {name: getattr(positions, name)[start : start + count] for name in names}
    return Positions(run, positions.id_S[first:end], **rows)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(2))
def test_any_chunking_gives_the_logged_probabilities(log: Log, seed: int) -> None:
    model, rng = tiny_model(), random.Random(seed)
    for conversation in log:
        positions, target_S = laid_out(conversation, MARKERS)
        hidden_SD = in_chunks(model, positions, rng)
        log_prob_NV = log_probs(model.text_logits(hidden_SD[target_S != NO_TARGET]))
        assert torch.equal(log_prob_NV, recorded([conversation]).log_prob_NV)


def improve(model: InteractionModel, optimizer: torch.optim.Optimizer, scores: Scores) -> None:
    """A step that makes what was sampled likelier, and the flow slower."""
    loss = -scores.log_prob_N.mean() + scores.velocity_UEFM.square().mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def blind() -> InteractionModel:
    """Without the part that sees, which has most of the parameters."""
    torch.manual_seed(0)
    model = InteractionModel(replace(tiny_config(), vision=None))
    torch.nn.init.normal_(model.flow.out.weight, std=0.1)
    return model


def test_after_a_hundred_steps_with_new_weights_handed_over() -> None:
    model = blind().train()
    engine = an_engine(model=blind())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = log = talk(engine, 1, num_turns=2, num_sessions=1)
    for step in range(100):
        if step in (1, 50):
            engine.take_weights(model)
            log = talk(engine, 1, num_turns=2, num_sessions=1, seed=step)
            assert any(turn.decision.speaks for turn in log[0])
            assert compare(model, log) == EXACT, step
        improve(model, optimizer, score(model, log, MARKERS))
    stale = compare(model, log)  # control: the engine still has the weights of 50 steps ago
    assert not stale.is_equal and abs(stale.kl) > 1e-3 and stale.velocity > 0
    engine.take_weights(model)
    after = talk(engine, 3, num_turns=2)
    assert compare(model, after) == EXACT
    assert not torch.equal(after[0][0].log_prob_N[:1], first[0][0].log_prob_N[:1])


# ---- negative controls: one ordinary kernel each


@pytest.mark.usefixtures("bare_rows")
def test_ordinary_linears_fail_it() -> None:
    found = compare(tiny_model(), talk(an_engine(), 1, num_turns=8))
    assert not found.is_equal and found.log_prob > 0 and found.kl != 0
    assert found.log_prob < 1e-3  # nothing is wrong with them but their last bits


def test_ordinary_attention_fails_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(q_BSHW, rel_BSHE, k_BNKW, v_BNKW, profile_EL, reach, is_window):
        """Softmax over all keys of the row at once, as torch's attention does; the last key first,
        since with few keys some processors give the same bits as in order."""
        length, extent = q_BSHW.shape[1], profile_EL.shape[1]
        share = q_BSHW.shape[2] // k_BNKW.shape[2]
        k, v = (x[:, :length].repeat_interleave(share, 2).transpose(1, 2) for x in (k_BNKW, v_BNKW))
        distance = torch.arange(length)[:, None] - torch.arange(length)
        bias = (rel_BSHE @ profile_EL).transpose(1, 2)
        index = distance.clamp(0, extent - 1).expand(*bias.shape[:2], -1, -1)
        bias = bias.gather(-1, index).masked_fill(distance >= extent, 0.0)
        bias = bias.masked_fill((distance < 0) | (is_window & (distance >= extent)), float("-inf"))
        mixed = functional.scaled_dot_product_attention(
            q_BSHW.transpose(1, 2), k.flip(2), v.flip(2), attn_mask=bias.flip(-1), scale=1.0
        )
        return mixed.transpose(1, 2)

    monkeypatch.setattr("microturn.model.attention.attend_tiled", plain)
    found = compare(tiny_model(), log)
    assert not found.is_equal and 0 < found.log_prob < 1e-3


# ---- what is recorded, and what is refused


def test_tokens_alone_are_enough_and_less_is_kept(log: Log) -> None:
    tokens = talk(an_engine("tokens"), NUM_SESSIONS)
    assert all(turn.log_prob_NV is None for turns in tokens for turn in turns)
    assert torch.equal(recorded(tokens).log_prob_N, recorded(log).log_prob_N)
    assert compare(tiny_model(), tokens) == EXACT


def test_the_estimate_from_chosen_tokens_sees_other_weights(log: Log) -> None:
    tokens = [[replace(turn, log_prob_NV=None) for turn in turns] for turns in log]
    assert compare(tiny_model(seed=1), tokens).kl > 0


def test_an_engine_records_nothing_unless_asked() -> None:
    engine = an_engine("nothing")
    session_id = engine.open()
    engine.step(session_id, turns(0, 1)[0])
    with pytest.raises(ValueError, match="recording='tokens'"):
        engine.sampled(session_id)


def test_going_back_goes_back_to_what_was_recorded() -> None:
    engine = an_engine()
    session_id, heard = engine.open(), turns(0, 3)
    engine.step(session_id, heard[0])
    first = engine.sampled(session_id)
    engine.step(session_id, heard[1])
    engine.rollback(session_id, 1)
    assert engine.sampled(session_id) is first


def test_a_prefix_outlives_a_snapshot() -> None:
    engine = an_engine()
    session_id = engine.restore(engine.snapshot(engine.open(instructions="be kind")))
    engine.step(session_id, turns(0, 1)[0])
    assert engine.sampled(session_id).prefix_ids
    assert compare(tiny_model(), [[engine.sampled(session_id)]]) == EXACT


def test_weights_stay_while_sessions_are_open() -> None:
    engine = an_engine()
    session_id, before = engine.open(), engine.fingerprint
    with pytest.raises(ValueError, match="close them"):
        engine.take_weights(tiny_model(seed=1))
    engine.close(session_id)
    engine.take_weights(tiny_model(seed=1))
    assert engine.fingerprint != before
    with pytest.raises(ValueError, match="of another config"):
        engine.take_weights(blind())


def test_records_that_do_not_fit_are_refused(log: Log) -> None:
    model, short = tiny_model(), [turns[:4] for turns in log]
    with pytest.raises(ValueError, match="not the same micro-turns"):
        alignment(recorded(log), score(model, short, MARKERS))
    mixed = [[*log[0][:1], replace(log[0][1], log_prob_NV=None)]]
    with pytest.raises(ValueError, match="record all alike"):
        recorded(mixed)
    speaking = next(turn for turn in log[0] if turn.decision.speaks)
    unsaid = [[replace(turn, flow=None) if turn is speaking else turn for turn in log[0]]]
    with pytest.raises(ValueError, match="without recorded sound"):
        recorded(unsaid)
