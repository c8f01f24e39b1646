"""Admission: what was measured decides, and a wrong guess is on the side of those already there."""

from __future__ import annotations

from microturn.server.admission import Admission, AdmissionConfig, size_class


def seen(admission: Admission, num_sessions: int, tick_ms: float, count: int = 10) -> None:
    for _ in range(count):
        admission.seen(num_sessions, tick_ms)


def test_nothing_known_refuses_nobody() -> None:
    admission = Admission()
    assert admission.expected_ms(100) == 0
    assert admission.has_room(100)


def test_what_was_never_seen_costs_in_proportion() -> None:
    admission = Admission()
    seen(admission, 1, 50.0)
    assert admission.expected_ms(1) == 50
    assert admission.expected_ms(3) == 150
    assert admission.has_room(3) and not admission.has_room(4)


def test_what_was_seen_goes_before_the_proportion() -> None:
    admission = Admission()
    seen(admission, 1, 50.0)
    seen(admission, 4, 80.0)  # they share tiles
    assert admission.expected_ms(4) == 80
    assert admission.has_room(8) and not admission.has_room(9)


def test_too_few_ticks_are_not_believed() -> None:
    admission = Admission()
    seen(admission, 1, 100.0)
    seen(admission, 2, 1.0, count=9)
    assert not admission.has_room(2)
    seen(admission, 2, 1.0, count=1)
    assert admission.has_room(2)


def test_the_slow_ticks_count_and_old_ones_are_forgotten() -> None:
    config = AdmissionConfig(num_kept=100)
    admission = Admission(config)
    seen(admission, 2, 20.0, count=94)
    seen(admission, 2, 190.0, count=6)
    assert not admission.has_room(2)
    seen(admission, 2, 20.0, count=100)
    assert admission.has_room(2)


def test_one_session_is_always_let_in() -> None:
    admission = Admission()
    seen(admission, 1, 500.0)
    assert admission.has_room(1) and not admission.has_room(2)


def test_measured_at_the_start() -> None:
    admission = Admission()
    admission.seed({1: 40.0, 8: 120.0})
    assert admission.expected_ms(2) == 80
    assert admission.expected_ms(8) == 120
    assert admission.has_room(10) and not admission.has_room(11)
    seen(admission, 8, 20.0, count=150)
    assert admission.expected_ms(8) == 20


def test_a_busy_start_does_not_refuse_for_ever() -> None:
    config = AdmissionConfig(num_trusted=50)
    admission = Admission(config)
    admission.seed({1: 150.0, 2: 1000.0})
    seen(admission, 1, 30.0, count=50)
    assert not admission.has_room(2)  # what was measured still counts
    seen(admission, 1, 30.0, count=160)
    assert admission.expected_ms(2) == 60 and admission.has_room(2)
    seen(admission, 2, 190.0)  # and it was right, as live ticks then say
    assert not admission.has_room(2)


def test_a_quiet_start_is_not_forgotten() -> None:
    admission = Admission(AdmissionConfig(num_trusted=50))
    admission.seed({1: 40.0, 8: 120.0})
    seen(admission, 1, 40.0, count=200)
    assert admission.expected_ms(8) == 120


def test_size_classes() -> None:
    assert [size_class(n) for n in (1, 2, 3, 4, 5, 8, 9)] == [1, 2, 4, 4, 8, 8, 16]
