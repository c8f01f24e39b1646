"""One session's state as one value, and the arithmetic around the model for one micro-turn of it.

Legend: A heard positions, M mel bins, F mel frames, N samples, S positions, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from microturn.model.cache import BackboneState
from microturn.sequence import TurnFeatures, typed_message
from microturn.signal.mel import HeardState, SaidState, heard_bins, said_bins
from microturn.signal.patches import image_patches
from microturn.signal.text import Text
from microturn.signal.vocoder import VocoderState
from microturn.turns import OUTPUT_RATE_HZ, MicroTurnInput, MicroTurnOutput


@dataclass(frozen=True)
class Session:
    """Everything a session remembers. A step makes a new value; the old one stays valid until
    then."""

    id: str
    seed: int
    backbone: BackboneState
    index: int = 0
    pending_id: int | None = None
    heard: HeardState = field(default_factory=HeardState)
    said: SaidState = field(default_factory=SaidState)
    said_audio_N: Tensor | None = None  # what is playing during the coming micro-turn
    mel_context_FM: Tensor | None = None  # None after a silent micro-turn
    vocoder: VocoderState | None = None
    last: MicroTurnOutput | None = None


def check_index(session: Session, turn: MicroTurnInput) -> bool:
    """True when this micro-turn was already taken and its kept result is to be returned.

    Raises ValueError when micro-turns were skipped or repeated out of order.
    """
    if session.last is not None and turn.index == session.last.index:
        return True
    if turn.index != session.index:
        raise ValueError(
            f"session {session.id} expects micro-turn {session.index}, got {turn.index}; "
            "send every micro-turn once, in order"
        )
    return False


def typed_ids(turn: MicroTurnInput, text: Text) -> tuple[int, ...]:
    """Token ids of span 3: typed text, then background updates."""
    ids: tuple[int, ...] = ()
    if turn.text:
        ids += typed_message(text.markers.message_user, text.encode(turn.text), text.markers)
    for update in turn.updates:
        ids += typed_message(text.markers.message_tool, text.encode(update.text), text.markers)
    return ids


def listen(session: Session, turn: MicroTurnInput, text: Text) -> tuple[Session, TurnFeatures]:
    """Turn one micro-turn of input into features; returns the session with its signal tails moved
    on."""
    bins_AM, heard = heard_bins(torch.as_tensor(turn.audio), session.heard)
    said_AM, said = None, SaidState()
    played = turn.played_ms * OUTPUT_RATE_HZ // 1000
    if session.said_audio_N is not None and played > 0:
        audio_N = session.said_audio_N.clone()
        audio_N[played:] = 0.0
        said_AM, said = said_bins(audio_N, session.said)
    patch_P = None if turn.images is None else image_patches(torch.as_tensor(turn.images))
    features = TurnFeatures(turn.index, bins_AM, said_AM, patch_P, typed_ids(turn, text))
    return replace(session, heard=heard, said=said), features
