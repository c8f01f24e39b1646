"""The journal: what a client missed, or that some of it is lost."""

from __future__ import annotations

from microturn.server.journal import Journal
from microturn.server.protocol import Notice, OutputAudio, Resumed, SessionInfo, Span

AUDIO = OutputAudio(b"", Span.of_output(0))


def test_what_was_missed_in_order_and_without_audio() -> None:
    journal = Journal()
    events = [Notice("n", str(i)) for i in range(3)]
    assert [journal.enter(e) for e in (events[0], AUDIO, events[1], AUDIO, events[2])] == [
        *range(1, 6)
    ]
    assert journal.after(0) == [(1, events[0]), (3, events[1]), (5, events[2])]
    assert journal.after(3) == [(5, events[2])]
    assert journal.after(5) == []


def test_a_used_token_does_not_come_again() -> None:
    journal = Journal()
    journal.enter(Resumed(SessionInfo("s", 0, {}, "used"), 0, is_complete=True))
    journal.enter(Notice("n", "1"))
    assert [number for number, _ in journal.after(0) or []] == [2]


def test_what_is_not_kept_is_said() -> None:
    journal = Journal(size=2)
    for i in range(4):
        journal.enter(Notice("n", str(i)))
        journal.enter(AUDIO)
    assert journal.after(2) is None  # the third event is not there any more
    assert [number for number, _ in journal.after(3) or []] == [5, 7]
    assert journal.after(9) is None, "from another session"
    assert journal.after(None) is None, "the client does not know"
