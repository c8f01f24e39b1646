"""What skills that show pictures share: how long they may last, and speaking about what is seen.

An image pair is 12 positions every second micro-turn and a training row has 1,024, so that a talk
with pictures ends after about 18 seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from microturn.data.scenes import seen_ms
from microturn.data.talk import Talk
from microturn.data.timeline import Event, Scene, to_grid

BEGINS_MS = 1600  # at the latest
LAST_MS = 15_000  # nothing new is seen after this
ENDS_MS = 18_000
SEEN_WINDOW_MS = 1500  # from what is seen to the onset of what is said about it


def begin(talk: Talk) -> None:
    """Talks with pictures begin early."""
    talk.now_ms = min(talk.now_ms, BEGINS_MS)


def need_time(talk: Talk, length_ms: int) -> None:
    """Raises KeyError where a talk with pictures cannot take this any more."""
    if talk.now_ms + length_ms > ENDS_MS:
        raise KeyError(f"no room for {length_ms} ms in a talk with pictures")


def show(talk: Talk, scene: Scene) -> None:
    """Show a scene from the start until the talk is over, and a moment longer."""
    end_ms = to_grid(talk.now_ms + talk.rng.randrange(200, 800))
    talk.show(scene, 0, min(end_ms, talk.duration_ms))


def call_out(
    talk: Talk,
    text: str,
    onset_ms: int,
    end_ms: int,
    label: str,
    do: str = "say",
    kind: str = "seen",
    accept: Sequence[str] = (),
    from_ms: int | None = None,
    **detail: int | float | str | bool,
) -> Event:
    """The model speaks at once about something that began at `onset_ms` and can be known from
    `end_ms` on; who says so after `from_ms` (by default its beginning) is right as well."""
    talk.mark(kind, label, onset_ms, end_ms)
    own = talk.say("own", text, seen_ms(end_ms))
    window_ms = (
        onset_ms if from_ms is None else from_ms,
        max(end_ms + SEEN_WINDOW_MS, own.onset_ms),
    )
    talk.expect(do, window_ms, tuple(accept) or (text,), onset_ms, **detail)
    return own


def stay_silent(talk: Talk, start_ms: int, end_ms: int) -> None:
    """Nothing is to be said for a while."""
    if end_ms > start_ms:
        talk.expect("silent", (start_ms, end_ms))
    talk.now_ms = max(talk.now_ms, end_ms)
