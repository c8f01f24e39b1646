"""One session's state as one value, and the arithmetic around the model for one micro-turn of it.

Legend: A heard positions, M mel bins, F mel frames, N samples, S positions, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from microturn.model.cache import BackboneState, Mark
from microturn.sampled import Sampled
from microturn.sequence import Markers, TurnFeatures, split_lanes, typed_message
from microturn.signal.mel import HeardState, SaidState, fine_bins, heard_bins, said_bins
from microturn.signal.patches import image_patches
from microturn.signal.text import Text
from microturn.signal.vocoder import VocoderState
from microturn.turns import OUTPUT_RATE_HZ, Delegation, MicroTurnInput, MicroTurnOutput

MAX_DELEGATED_TOKENS = 512  # what never ends is handed over as it is


@dataclass(frozen=True)
class Delegating:
    """What is being handed over: text so far, and the micro-turn where it began."""

    index: int
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A session before one of its micro-turns: a place to go back to."""

    session: Session
    mark: Mark


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
    delegating: Delegating | None = None
    past: tuple[Kept, ...] = ()  # oldest first
    eagerness: float = 0.0  # added to the log odds of speaking (SamplingConfig)
    urge: float = 0.0  # to speak, left of the last micro-turns (sampler.urged)
    prefix_ids: tuple[int, ...] = ()  # until the first micro-turn
    sampled: Sampled | None = None  # of the last micro-turn, where the engine records

    def kept(self, mark: Mark, num_kept: int) -> tuple[Kept, ...]:
        """`past` with this place behind it."""
        if not num_kept:
            return ()
        return (*self.past, Kept(replace(self, past=()), mark))[-num_kept:]

    def num_bytes(self) -> int:
        """Memory of tensors, with what is kept for going back; what is shared counts once."""
        held: dict[int, int] = {}
        layers = list(self.backbone.layers)
        for kept in self.past:
            layers += kept.mark.layers
        sessions = [self, *(kept.session for kept in self.past)]
        tensors = [tensor for layer in layers for tensor in layer.tensors()]
        for session in sessions:
            vocoder = session.vocoder
            tensors += [session.heard.tail_N, session.said.tail_N]
            tensors += [] if vocoder is None else [*vocoder.tails, vocoder.overlap_N]
            for tensor in (session.said_audio_N, session.mel_context_FM):
                tensors += [] if tensor is None else [tensor]
        for tensor in tensors:
            storage = tensor.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
        return sum(held.values())


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


def own_tails(state: BackboneState) -> None:
    """Put convolution tails that are views of a larger run's rows into memory of their own: what is
    kept for going back then keeps no more than it needs."""
    for place, layer in enumerate(state.layers):
        tails: Any = tuple(tail.clone() for tail in layer.tails)
        state.layers[place] = replace(layer, tails=tails)


def gone_back(session: Session, index: int) -> Session:
    """The session as it was before micro-turn `index`; its backbone is rolled back.

    Raises ValueError for a micro-turn that has not been or that is no longer kept.
    """
    if index == session.index:
        return session
    oldest = session.past[0].session.index if session.past else session.index
    if not oldest <= index < session.index:
        raise ValueError(
            f"session {session.id} can go back to micro-turns {oldest} to {session.index}, "
            f"not {index}"
        )
    place = index - oldest
    kept = session.past[place]
    session.backbone.rollback(kept.mark)
    return replace(kept.session, past=session.past[:place])


def delegate(
    open_now: Delegating | None, index: int, text_ids: tuple[int, ...], text: Text
) -> tuple[Delegating | None, Delegation | None]:
    """What is still being handed over after this micro-turn's text, and what is complete.

    Text goes on over micro-turns, each time behind `<|delegate|>`, until `<|end|>`.
    """
    markers = text.markers
    if markers.delegate not in text_ids:
        return open_now, None
    open_now = open_now or Delegating(index)
    ids = (*open_now.ids, *split_lanes(text_ids, markers)[2])
    if not ends_delegation(text_ids, markers) and len(ids) < MAX_DELEGATED_TOKENS:
        return Delegating(open_now.index, ids), None
    if not ids:
        return None, None
    return None, Delegation(f"d{open_now.index}", index, text.decode(list(ids)))


def ends_delegation(text_ids: tuple[int, ...], markers: Markers) -> bool:
    """Is there an `<|end|>` behind the first `<|delegate|>`?"""
    return markers.end in text_ids[text_ids.index(markers.delegate) :]


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
    fine_AFM = fine_bins(torch.as_tensor(turn.audio), session.heard)
    bins_AM, heard = heard_bins(torch.as_tensor(turn.audio), session.heard)
    said_AM, said = None, SaidState()
    played = turn.played_ms * OUTPUT_RATE_HZ // 1000
    if session.said_audio_N is not None and played > 0:
        audio_N = session.said_audio_N.clone()
        audio_N[played:] = 0.0
        said_AM, said = said_bins(audio_N, session.said)
    patch_P = None if turn.images is None else image_patches(torch.as_tensor(turn.images))
    features = TurnFeatures(turn.index, bins_AM, said_AM, patch_P, typed_ids(turn, text), fine_AFM)
    return replace(session, heard=heard, said=said), features
