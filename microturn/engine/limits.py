"""How many sessions an engine takes, how long they last, and what each may hold.

Everything is counted in micro-turns; whoever calls the engine has the clock. A session is admitted
by what it can come to hold, not by what it holds now: those already there never run out of room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from microturn.model.cache import KEY_BLOCK, SPARE_BLOCKS
from microturn.model.config import BackboneConfig
from microturn.sequence import MAX_TEXT_TOKENS
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

# Heard positions, output text, end token and slots. Typed text and images come on top; the blocks
# that a buffer of a windowed layer has to spare take them.
POSITIONS_PER_MICRO_TURN = AUDIO_FRAMES + MAX_TEXT_TOKENS + 2 + NUM_SLOTS
SIGNAL_BYTES = 64 * 1024  # of one micro-turn: sound, mel, vocoder tails


class EngineFull(RuntimeError):
    """No slot or no room for one more session; those that are open do not suffer."""


class SessionEnded(RuntimeError):
    """The engine closed this session; its slot and its memory are free."""


@dataclass(frozen=True)
class SessionLimits:
    """max_state_bytes: reserved by all sessions together; None takes what there is.
    max_micro_turns: length of a session; None lets it go on. idle_micro_turns: ticks without a step
    after which a session is closed. notice_micro_turns: how long before either end a notice comes.
    kept_micro_turns: how far a session can be rolled back.
    """

    max_sessions: int = 64
    max_state_bytes: int | None = None
    max_micro_turns: int | None = None
    idle_micro_turns: int | None = None
    notice_micro_turns: int = 50
    kept_micro_turns: int = 25

    def __post_init__(self) -> None:
        for name in ("max_sessions", "max_state_bytes", "max_micro_turns", "idle_micro_turns"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("notice_micro_turns", "kept_micro_turns"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")


@dataclass(frozen=True)
class Notice:
    """A session ends in `num_left` micro-turns (or ticks without a step); at 0 it is closed."""

    session_id: str
    reason: Literal["idle", "length"]
    num_left: int


def ends(limits: SessionLimits, session_id: str, index: int, num_idle: int) -> list[Notice]:
    """The ends of a session at micro-turn `index`, idle for so many ticks, that are within
    `notice_micro_turns`."""
    left: list[Notice] = []
    if limits.max_micro_turns is not None:
        left.append(Notice(session_id, "length", max(0, limits.max_micro_turns - index)))
    if limits.idle_micro_turns is not None:
        left.append(Notice(session_id, "idle", max(0, limits.idle_micro_turns - num_idle)))
    return [notice for notice in left if notice.num_left <= limits.notice_micro_turns]


def check_room(limits: SessionLimits, num_sessions: int, num_bytes: int) -> None:
    """Raises EngineFull where one more session, which reserves `num_bytes`, has no slot or no
    room."""
    if num_sessions >= limits.max_sessions:
        raise EngineFull(
            f"all {limits.max_sessions} sessions of this engine are open: close one or raise "
            "max_sessions"
        )
    room = limits.max_state_bytes
    if room is not None and (num_sessions + 1) * num_bytes > room:
        raise EngineFull(
            f"{num_sessions} sessions reserve {num_sessions * num_bytes} of {room} bytes and one "
            f"more needs {num_bytes}: close one or raise max_state_bytes"
        )


def reserved_bytes(backbone: BackboneConfig, limits: SessionLimits) -> int:
    """The most that one session comes to hold, kept micro-turns included.

    Raises ValueError where a layer sees everything and sessions have no maximum length.
    """
    attention = backbone.attention
    kept_positions = limits.kept_micro_turns * POSITIONS_PER_MICRO_TURN
    total = 0
    for layer in range(backbone.num_layers):
        is_sliding = backbone.is_sliding(layer)
        if is_sliding:
            kv_width = attention.sliding_num_kv_heads * attention.sliding_head_width
            window = attention.window
        else:
            kv_width = attention.num_kv_heads * attention.head_width
            window = attention.full_window
        if window is not None:
            reach = -(-(window - 1) // KEY_BLOCK)
            # Buffers that kept micro-turns still refer to; each lasted for its spare blocks.
            num_buffers = 2 + kept_positions // (SPARE_BLOCKS * KEY_BLOCK)
            blocks = num_buffers * (reach + 2 + SPARE_BLOCKS)
        elif limits.max_micro_turns is None:
            raise ValueError(
                "layers without a window grow with the session: set max_micro_turns, or no "
                "max_state_bytes"
            )
        else:
            positions = limits.max_micro_turns * POSITIONS_PER_MICRO_TURN
            blocks = 4 * -(-positions // KEY_BLOCK)  # twice the need, and once more while it grows
        if attention.retention is not None and not is_sliding and window is not None:
            # Text is kept by value: each kept micro-turn may hold its own.
            rows = attention.retention.num_text + (-(-(window - 1) // KEY_BLOCK) + 1) * KEY_BLOCK
            total += 4 * 2 * kv_width * rows * (1 + limits.kept_micro_turns)
        tails = (backbone.conv_kernel - 1) * 2 * (kv_width + backbone.width)
        total += 4 * (2 * kv_width * KEY_BLOCK * blocks + (1 + limits.kept_micro_turns) * tails)
    return total + SIGNAL_BYTES * (1 + limits.kept_micro_turns)
