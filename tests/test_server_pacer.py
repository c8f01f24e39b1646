"""The pacer: exactly one micro-turn each time, whatever came in, never older than 2 s."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microturn.server.pacer import Pacer, PacerConfig, Schedule
from microturn.server.protocol import AudioFormat
from microturn.turns import INPUT_SAMPLES

PCM16K = AudioFormat("pcm", 16_000)
NO_CUSHION = PacerConfig(cushion_ms=0)


def ramp(num_samples: int, start: int = 1) -> bytes:
    """Samples that count, so that every one can be told from the others."""
    return (np.arange(start, start + num_samples) % 30_000).astype("<i2").tobytes()


def counted(audio: np.ndarray) -> list[int]:
    return np.round(audio * 32_768).astype(int).tolist()


def test_nothing_came_in() -> None:
    pacer = Pacer(PCM16K)
    turns = [pacer.take() for _ in range(3)]
    assert [turn.index for turn in turns] == [0, 1, 2]
    assert all(not turn.audio.any() for turn in turns)
    assert not any(turn.is_late for turn in turns), "no audio was ever promised"


def test_a_gap_is_silence_and_late() -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    pacer.push(ramp(INPUT_SAMPLES + 100))
    first, second, third = pacer.take(), pacer.take(), pacer.take()
    assert counted(first.audio) == list(range(1, INPUT_SAMPLES + 1))
    assert not first.is_late
    assert counted(second.audio[:100]) == list(range(INPUT_SAMPLES + 1, INPUT_SAMPLES + 101))
    assert not second.audio[100:].any()
    assert second.is_late and third.is_late
    assert pacer.num_late == 2


def test_the_cushion_stands_before_the_first_audio() -> None:
    pacer = Pacer(PCM16K, PacerConfig(cushion_ms=40))
    pacer.push(ramp(INPUT_SAMPLES))
    turn = pacer.take()
    assert not turn.is_late
    assert not turn.audio[:640].any()
    assert counted(turn.audio[640:]) == list(range(1, INPUT_SAMPLES - 640 + 1))


def test_late_packets_inside_the_cushion_tear_nothing() -> None:
    pacer = Pacer(PCM16K, PacerConfig(cushion_ms=40))
    heard = []
    pacer.push(ramp(INPUT_SAMPLES))
    for i in range(1, 6):
        heard += counted(pacer.take().audio)  # packet i comes in 30 ms after its micro-turn began
        pacer.push(ramp(INPUT_SAMPLES, 1 + i * INPUT_SAMPLES))
    assert pacer.num_late == 0
    assert heard[640:] == list(range(1, len(heard) - 640 + 1))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=12))
def test_any_packets_give_the_same_samples(sizes: list[int]) -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    position = 1
    for size in sizes:
        pacer.push(ramp(size, position))
        position += size
    total = min(position - 1, 32_000)
    taken = [pacer.take() for _ in range(11)]
    heard = np.concatenate([turn.audio for turn in taken])
    assert counted(heard[:total]) == list(range(position - total, position))
    assert not heard[total:].any()


def test_a_flood_drops_the_oldest_and_counts() -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    for second in range(3):
        pacer.push(ramp(16_000, 1 + second * 16_000 % 30_000))
    assert len(pacer.inbox) == 32_000
    assert pacer.dropped_ms == 1_000
    assert counted(pacer.take().audio)[0] == 16_001


def test_a_short_burst_is_kept_whole() -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    pacer.push(ramp(16_000))
    heard = [x for _ in range(20) for x in counted(pacer.take().audio)]
    assert heard[:16_000] == list(range(1, 16_001))
    assert pacer.dropped_ms == 0


def test_a_backlog_that_stays_is_cut() -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    pacer.push(ramp(16_000))  # a stall is over: one second at once, then real time again
    for _ in range(10):
        pacer.push(ramp(INPUT_SAMPLES))
        pacer.take()
    assert len(pacer.inbox) <= 200 * 16
    assert pacer.dropped_ms > 0
    assert pacer.num_late == 0


def test_a_small_backlog_stays() -> None:
    pacer = Pacer(PCM16K)
    pacer.push(ramp(1_600))
    for _ in range(30):
        pacer.push(ramp(INPUT_SAMPLES))
        pacer.take()
    assert pacer.dropped_samples == 0


def test_muted_is_silence_and_not_late() -> None:
    pacer = Pacer(PCM16K, NO_CUSHION)
    pacer.push(ramp(4_000))
    pacer.mute(True)
    pacer.push(ramp(4_000))
    turn = pacer.take()
    assert not turn.audio.any() and not turn.is_late
    pacer.mute(False)
    assert not pacer.take().is_late
    pacer.push(ramp(INPUT_SAMPLES))
    assert counted(pacer.take().audio)[0] == 1
    assert pacer.take().is_late


@pytest.mark.parametrize(
    "audio_format", [AudioFormat("pcm", 24_000), PCM16K, AudioFormat("pcma", 8_000)], ids=str
)
def test_a_steady_stream_is_not_late(audio_format: AudioFormat) -> None:
    pacer = Pacer(audio_format)
    block = bytes(audio_format.rate_hz // 50 * audio_format.bytes_per_sample)
    for _ in range(50):
        for _ in range(10):
            pacer.push(block)
        pacer.take()
    assert pacer.num_late == 0
    assert pacer.dropped_samples == 0


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of bytes, got 3"):
        Pacer(PCM16K).push(b"\x00\x01\x02")


def test_text_goes_in_with_its_micro_turn() -> None:
    assert Pacer(PCM16K).take("hello").text == "hello"


def test_the_schedule_keeps_time_and_slips_when_late() -> None:
    schedule = Schedule(10.0, 0.2)
    assert schedule.due_s == pytest.approx(10.2)
    assert schedule.advance(10.21) == 0
    assert schedule.due_s == pytest.approx(10.4), "a late wake-up does not move the grid"
    assert schedule.advance(10.55) == 0
    assert schedule.advance(11.25) == 3
    assert schedule.due_s == pytest.approx(11.4)


def test_a_config_that_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="need cushion_ms <= backlog_ms"):
        PacerConfig(cushion_ms=500, backlog_ms=200)
