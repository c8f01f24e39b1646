"""A session as bytes: it goes on elsewhere with the same bits.

A line of magic, 32 bytes of digest (blake2b), then safetensors: tensors by name, and in the header
one JSON of everything that is no tensor, with a version and the fingerprint of model, vocoder, text
and sampling. No code is ever read from it. Earlier micro-turns kept for going back do not travel.

Legend: K key-value heads, N buffer positions, W head width.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from microturn.engine.session import Delegating, Session
from microturn.model.cache import KEY_BLOCK, BackboneState, LayerState
from microturn.model.retention import TextRows
from microturn.signal.mel import HeardState, SaidState
from microturn.signal.vocoder import VocoderState
from microturn.turns import Delegation, MicroTurnOutput, Timings

MAGIC = b"microturn session\n"
VERSION = 1
HEADER = "session"
DIGEST_BYTES = 32
PARAMETER_SAMPLE = 64  # values of each parameter that enter the fingerprint


def fingerprint(configs: tuple[object, ...], modules: tuple[nn.Module, ...]) -> str:
    """What a state belongs to: configs in full, of each parameter its name, shape and first
    values."""
    digest = hashlib.blake2b(repr(configs).encode(), digest_size=16)
    for module in modules:
        for name, parameter in module.named_parameters():
            row = parameter.detach()
            while row.ndim > 1:
                row = row[0]
            digest.update(f"{name}{tuple(parameter.shape)}".encode())
            digest.update(row[:PARAMETER_SAMPLE].float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def pack(session: Session, print_of_engine: str) -> bytes:
    """One session as bytes."""
    state: dict[str, Any] = {
        "seed": session.seed,
        "eagerness": session.eagerness,
        "urge": session.urge,
        "index": session.index,
        "pending_id": session.pending_id,
        "prefix_ids": session.prefix_ids,
        "length": session.backbone.length,
        "delegating": None if session.delegating is None else asdict(session.delegating),
        "starts": [],
        "last": None,
    }
    tensors: dict[str, Tensor] = {
        "heard": session.heard.tail_N,
        "said": session.said.tail_N,
    }
    for name in ("said_audio_N", "mel_context_FM"):
        if getattr(session, name) is not None:
            tensors[name] = getattr(session, name)
    if session.vocoder is not None:
        tensors["vocoder.overlap"] = session.vocoder.overlap_N
        tensors |= {f"vocoder.{i}": tail for i, tail in enumerate(session.vocoder.tails)}
    for number, layer in enumerate(session.backbone.layers):
        start = first_in_sight(layer, session.backbone.length)
        rows = slice(start - layer.start, session.backbone.length - layer.start)
        state["starts"].append(start)
        tensors[f"{number}.key"] = layer.key_KNW[:, rows]
        tensors[f"{number}.value"] = layer.value_KNW[:, rows]
        tensors |= {f"{number}.tail{i}": tail for i, tail in enumerate(layer.tails)}
        if layer.text is not None:
            tensors |= {f"{number}.text.{k}": tensor for k, tensor in vars(layer.text).items()}
    if session.last is not None:
        state["last"] = {
            field.name: getattr(session.last, field.name)
            for field in fields(session.last)
            if field.name not in ("audio", "delegation", "timings")
        }
        for name in ("delegation", "timings"):
            part = getattr(session.last, name)
            state["last"][name] = None if part is None else asdict(part)
        tensors["last.audio"] = torch.as_tensor(session.last.audio)
    state |= {"version": VERSION, "fingerprint": print_of_engine}
    header = {HEADER: json.dumps(state)}  # one entry: safetensors keeps no order of several
    owned = {name: tensor.cpu().clone().contiguous() for name, tensor in tensors.items()}
    body = safetensors.torch.save(owned, header)
    return MAGIC + hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() + body


def unpack(blob: bytes, print_of_engine: str, empty: Session) -> Session:
    """The session of a snapshot, in place of `empty`, a fresh one of this engine.

    Raises ValueError for what is damaged, of another version, or of another model.
    """
    state, tensors = read(blob)
    if state["version"] != VERSION:
        raise ValueError(
            f"the snapshot has version {state['version']}, this program reads {VERSION}"
        )
    if state["fingerprint"] != print_of_engine:
        raise ValueError(
            "the snapshot is of another model, vocoder or sampling: restore it in an engine that "
            "was loaded as the first one was"
        )
    length: int = state["length"]
    layers: list[LayerState] = []
    for number, (layer, start) in enumerate(
        zip(empty.backbone.layers, state["starts"], strict=True)
    ):
        layers.append(filled(layer, number, start, length, tensors))
    vocoder = None
    if "vocoder.overlap" in tensors:
        count = sum(name.startswith("vocoder.") for name in tensors) - 1
        vocoder = VocoderState(
            tuple(tensors[f"vocoder.{i}"] for i in range(count)), tensors["vocoder.overlap"]
        )
    delegating = state["delegating"]
    if delegating is not None:
        delegating = Delegating(delegating["index"], tuple(delegating["ids"]))
    return replace(
        empty,
        seed=state["seed"],
        eagerness=state.get("eagerness", empty.eagerness),
        urge=state.get("urge", empty.urge),
        backbone=BackboneState(layers, length),
        index=state["index"],
        pending_id=state["pending_id"],
        heard=HeardState(tensors["heard"]),
        said=SaidState(tensors["said"]),
        said_audio_N=tensors.get("said_audio_N"),
        mel_context_FM=tensors.get("mel_context_FM"),
        vocoder=vocoder,
        last=None if state["last"] is None else last_output(state["last"], tensors["last.audio"]),
        delegating=delegating,
        prefix_ids=tuple(state.get("prefix_ids", ())),
    )


def read(blob: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What is no tensor, and the tensors. Raises ValueError for what is no snapshot or not all of
    it."""
    edge = len(MAGIC) + DIGEST_BYTES
    if not blob.startswith(MAGIC):
        raise ValueError("this is no snapshot of a session")
    body = blob[edge:]
    if hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() != blob[len(MAGIC) : edge]:
        raise ValueError(f"the snapshot is damaged or cut off ({len(blob)} bytes): take it again")
    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])["__metadata__"][HEADER]
    return json.loads(header), safetensors.torch.load(body)


def first_in_sight(layer: LayerState, length: int) -> int:
    """The first position, at the edge of a block, that whatever comes next still sees."""
    if layer.reach is None:
        return layer.start
    return max(layer.start, (length // KEY_BLOCK - layer.reach) * KEY_BLOCK)


def filled(
    layer: LayerState, number: int, start: int, length: int, tensors: dict[str, Tensor]
) -> LayerState:
    """An empty layer -> the layer of the snapshot, in whole blocks."""
    num_rows = max(1, -(-(length - start) // KEY_BLOCK)) * KEY_BLOCK
    buffers: list[Tensor] = []
    for name, empty_KNW in (("key", layer.key_KNW), ("value", layer.value_KNW)):
        heads, _, width = empty_KNW.shape
        buffer_KNW = empty_KNW.new_zeros(heads, num_rows, width)
        buffer_KNW[:, : length - start] = tensors[f"{number}.{name}"]
        buffers.append(buffer_KNW)
    tails: Any = tuple(
        tensors[f"{number}.tail{i}"].to(tail.device) for i, tail in enumerate(layer.tails)
    )
    text = layer.text
    if text is not None:
        device = text.position.device
        names = [f"{number}.text.{k}" for k in vars(text)]
        text = TextRows(*(tensors[name].to(device) for name in names))
    layer = replace(layer, tails=tails, start=start, text=text)
    return replace(layer, key_KNW=buffers[0], value_KNW=buffers[1])


def last_output(state: dict[str, Any], audio_N: Tensor) -> MicroTurnOutput:
    """The kept result of the last micro-turn."""
    delegation = state["delegation"]
    rest: dict[str, Any] = {
        "audio": audio_N.numpy(),
        "text_ids": tuple(state["text_ids"]),
        "delegation": None if delegation is None else Delegation(**delegation),
        "timings": Timings(**state["timings"]),
    }
    return MicroTurnOutput(**(state | rest))
