"""The ears of a cascade: when a turn begins and ends, to one window."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.evals.turn_detector import DetectorConfig, EnergyStream, TurnDetector, TurnEvent


def events_of(spans: list[tuple[int, int]], length_ms: int, window_ms: int = 10) -> list[TurnEvent]:
    """Events where windows inside the spans are speech."""
    detector = TurnDetector(DetectorConfig(), window_ms)
    found = []
    for start in range(0, length_ms, window_ms):
        is_speech = any(a <= start < b for a, b in spans)
        event = detector.feed(float(is_speech))
        found += [event] if event else []
    return found


def test_a_turn_begins_and_ends_at_exact_times() -> None:
    assert events_of([(300, 1000)], 2000) == [
        TurnEvent("start", 500, 300, 500),
        TurnEvent("end", 1500, 300, 1000),
    ]


@pytest.mark.parametrize("pause_ms", [100, 300, 490])
def test_a_pause_below_the_hangover_is_no_end(pause_ms: int) -> None:
    found = events_of([(0, 600), (600 + pause_ms, 1500)], 3000)
    assert [(e.kind, e.at_ms) for e in found] == [("start", 200), ("end", 2000)]


def test_a_pause_as_long_as_the_hangover_is_an_end() -> None:
    found = events_of([(0, 600), (1100, 1500)], 3000)
    assert [e.at_ms for e in found if e.kind == "end"] == [1100, 2000]


def test_speech_of_less_than_the_start_is_no_turn() -> None:
    assert events_of([(100, 290), (500, 690)], 2000) == []
    joined = events_of([(100, 290), (340, 360)], 2000)  # a gap of 50 ms does not undo it
    assert [(e.kind, e.at_ms) for e in joined] == [("start", 350), ("end", 860)]


def test_a_shaking_probability_goes_on_down_to_release() -> None:
    detector = TurnDetector(DetectorConfig(threshold=0.5, release=0.35), 20)
    quiet = [detector.feed(0.4) for _ in range(50)]
    assert quiet == [None] * 50, "what is below the threshold begins nothing"
    assert detector.feed(0.6) is None
    later = [detector.feed(0.4) for _ in range(9)]
    assert later[-1] is not None and later[-1].kind == "start"
    assert all(detector.feed(0.34) is None for _ in range(24))
    assert detector.feed(0.34) is not None, "500 ms below the release end it"


def test_windows_longer_than_a_step_only_round_up() -> None:
    start, end = events_of([(320, 1280)], 3200, window_ms=32)
    assert (start.at_ms, start.from_ms) == (320 + 7 * 32, 320)
    assert (end.at_ms, end.to_ms) == (1280 + 16 * 32, 1280)


@pytest.mark.parametrize(
    "wrong",
    [{"start_ms": 0}, {"gap_ms": 600}, {"gap_ms": 0}, {"release": 0.6}, {"threshold": 1.5}],
)
def test_bad_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="turn detector needs"):
        DetectorConfig(**wrong)


def test_energy_tells_loud_from_quiet() -> None:
    stream = EnergyStream()
    assert stream(np.full(320, 0.1, np.float32)) == 1.0
    assert stream(np.full(320, 0.001, np.float32)) == 0.0
