"""What the listener heard: the sum of what counts as heard is what was sent less what was lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from microturn.server.playback import MAX_LEAD_MS, Playback


def speak(playback: Playback, num_turns: int) -> list[int]:
    heard = []
    for _ in range(num_turns):
        playback.sent(200)
        heard.append(playback.heard_of_last())
    return heard


def test_who_tells_nothing_hears_all() -> None:
    assert speak(Playback(), 20) == [200] * 20


def test_who_plays_all_hears_all() -> None:
    playback = Playback()
    for turn in range(1, 20):
        playback.sent(200)
        playback.acknowledge(max(0, 200 * turn - 300), 0)
        assert playback.heard_of_last() == 200


def test_what_was_dropped_is_taken_off_once() -> None:
    playback = Playback()
    speak(playback, 3)
    playback.acknowledge(250, 350)
    assert speak(playback, 4) == [0, 50, 200, 200]
    playback.acknowledge(250 + 800, 350)
    assert speak(playback, 1) == [200]
    assert playback.unheard_ms == 350


def test_a_loudspeaker_that_stands_still_is_not_heard() -> None:
    playback = Playback()
    playback.acknowledge(0, 0)
    num_waiting = MAX_LEAD_MS // 200
    assert speak(playback, num_waiting + 3) == [200] * num_waiting + [0] * 3
    playback.acknowledge(playback.sent_ms, 0)
    assert speak(playback, 1) == [200]


def test_positions_neither_go_back_nor_run_ahead() -> None:
    playback = Playback()
    speak(playback, 2)
    playback.acknowledge(1e9, 1e9)
    assert playback.unheard_ms == 400
    assert playback.played_ms == 0
    playback.acknowledge(0, 0)
    assert playback.unheard_ms == 400
    assert speak(playback, 3) == [0, 0, 200]


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), max_size=30))
def test_any_positions_are_safe(acks: list[tuple[float, float]]) -> None:
    playback = Playback()
    for played_ms, dropped_ms in acks:
        playback.sent(200)
        playback.acknowledge(played_ms, dropped_ms)
        assert 0 <= playback.heard_of_last() <= 200
        assert 0 <= playback.unheard_ms <= playback.sent_ms
