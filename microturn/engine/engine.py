"""The engine: open, step (one or many), roll back, snapshot, restore, close. It knows no network
and no clock but a stopwatch.

Legend: V vocabulary.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from microturn.engine.limits import (
    EngineFull,
    Notice,
    SessionEnded,
    SessionLimits,
    check_room,
    ends,
    reserved_bytes,
)
from microturn.engine.on_device import on_host
from microturn.engine.sampler import SamplingConfig, eagerness_of, forbidden_mask
from microturn.engine.session import Session, check_index, gone_back, listen, own_tails
from microturn.engine.session_engine import Result, SessionEngine, Turns, refuse_twice
from microturn.engine.slots import Slots, slots_of
from microturn.engine.snapshot import fingerprint, pack, unpack
from microturn.engine.tick import Tick, Work
from microturn.model.model import InteractionModel, lay_out_for_serving
from microturn.model.static import SlotState
from microturn.model.together import extend_together
from microturn.sampled import Recording, Sampled
from microturn.sequence import text_positions, typed_message
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder
from microturn.turns import MicroTurnInput

OPENING_POSITIONS = 64  # of the instructions at once: four tiles


class Engine(SessionEngine):
    """Sessions over one model. Sessions never see each other's state."""

    def __init__(
        self,
        model: InteractionModel,
        vocoder: Vocoder,
        text: Text,
        sampling: SamplingConfig | None = None,
        limits: SessionLimits | None = None,
        recording: Recording = "nothing",
        is_static: bool = False,
    ) -> None:
        """is_static: streams in slots (`slots.py`). Raises ValueError where that cannot be."""
        self.model, self.vocoder, self.text = model.eval(), vocoder.eval(), text
        self.sampling, self.limits = sampling or SamplingConfig(), limits or SessionLimits()
        forbidden_V = forbidden_mask(model.config.backbone.vocab_size, text.markers)
        self.slots: Slots | None = None
        served = self.model
        if is_static:
            self.slots = slots_of(self.model, self.limits)
            num_steps = self.sampling.steps_of(model.config.flow)
            served = on_host(self.model, self.limits.max_sessions, num_steps)
        else:
            lay_out_for_serving(self.model)
        self.tick = Tick(served, self.vocoder, text, self.sampling, forbidden_V, recording)
        self.sessions: dict[str, Session] = {}
        self._seen: dict[str, tuple[int, int]] = {}  # session -> (index, tick when it moved)
        self._noticed: set[tuple[str, str]] = set()
        self.reserved_bytes = 0  # of one session
        if self.limits.max_state_bytes is not None:
            self.reserved_bytes = reserved_bytes(model.config.backbone, self.limits)

    # ---- sessions come and go

    @torch.inference_mode()
    def opening(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | str | None = None,
    ) -> Iterator[str | None]:
        """`open` in parts, so that ticks of other sessions go in between: None after each part of
        the instructions, the id after the last. Dropped before that, it leaves nothing behind."""
        eagerness = self.sampling.eagerness if eagerness is None else eagerness_of(eagerness)
        session = replace(self._empty(seed or 0), eagerness=eagerness)
        try:
            if instructions:
                markers = self.text.markers
                ids = typed_message(markers.message_system, self.text.encode(instructions), markers)
                for start in range(0, len(ids), OPENING_POSITIONS):
                    part = text_positions(ids[start : start + OPENING_POSITIONS])
                    extend_together(self.model, [part], [session.backbone], [0])
                    yield None
                session = replace(session, prefix_ids=ids)
                self._check_room()  # others may have come meanwhile
            self.sessions[session.id] = session
        finally:
            if session.id not in self.sessions:
                self._release(session)
        yield session.id

    def lean(self, session_id: str, eagerness: float | str) -> None:
        """Set a session's eagerness, as in `open`, from its next micro-turn on. Going back brings
        the old one back. Raises KeyError for an unknown session, ValueError as `open`."""
        session = self.session(session_id)
        self.sessions[session_id] = replace(session, eagerness=eagerness_of(eagerness))

    def close(self, session_id: str) -> None:
        """End a session and free its state. Closing twice is no error."""
        session = self.sessions.pop(session_id, None)
        if session is not None:
            self._release(session)
        self._seen.pop(session_id, None)
        self._noticed -= {(session_id, "idle"), (session_id, "length")}

    def _release(self, session: Session) -> None:
        if self.slots is not None and isinstance(session.backbone, SlotState):
            self.slots.give(session.backbone)

    def session(self, session_id: str) -> Session:
        """Raises KeyError with a clear line when there is no such session."""
        if session_id not in self.sessions:
            raise KeyError(f"no session {session_id}: it was never opened or is closed")
        return self.sessions[session_id]

    def expire(self, tick: int) -> list[Notice]:
        """Close sessions that idle or are at their maximum length; tell before of those that soon
        will be. Call it once a tick with the tick's number: the engine has no clock.

        A session idles while its index stands still. Each end is announced once.
        """
        notices: list[Notice] = []
        for session in list(self.sessions.values()):
            seen = self._seen.get(session.id)
            if seen is None or seen[0] != session.index:
                seen = self._seen[session.id] = (session.index, tick)
                self._noticed.discard((session.id, "idle"))
            for notice in ends(self.limits, session.id, session.index, tick - seen[1]):
                key = (session.id, notice.reason)
                if notice.num_left == 0:
                    self.close(session.id)
                    notices.append(notice)
                    break
                if key not in self._noticed:
                    self._noticed.add(key)
                    notices.append(notice)
        return notices

    def _empty(self, seed: int) -> Session:
        """A session that may be admitted. Raises EngineFull."""
        self._check_room()
        if self.slots is None:
            backbone = self.model.transformer.new_state()
        elif self.slots.free:
            backbone = self.slots.take()
        else:  # sessions that are still being opened have the others
            raise EngineFull(f"all {self.limits.max_sessions} slots of this engine are taken")
        return Session(uuid.uuid4().hex, seed, backbone)

    def _check_room(self) -> None:
        check_room(self.limits, len(self.sessions), self.reserved_bytes)

    # ---- steps

    @torch.inference_mode()
    def step_many(
        self,
        turns: Turns,
        force_speak: dict[str, bool] | None = None,
    ) -> list[Result]:
        """One tick: take in 200 ms of each session, give out 200 ms of each, in the same order.

        A result does not depend on the company to the bit. A repeated index returns the kept
        result. What fails is in its place as an exception, and that session is as it was: KeyError
        for an unknown session, ValueError for a micro-turn out of order or an input the model
        cannot take. SessionEnded says that it is closed: it computed what is not a number, or has
        its maximum length. The others go on. `force_speak` overrides floor decisions (benchmarks).
        Raises ValueError for a session that is given twice.
        """
        refuse_twice(turns)
        results: list[Result | None] = [None] * len(turns)
        works: dict[int, Work] = {}
        for place, (session_id, turn) in enumerate(turns):
            try:
                session = self.session(session_id)
                if check_index(session, turn):
                    results[place] = session.last
                else:
                    forced = (force_speak or {}).get(session_id)
                    works[place] = self._begin(session, turn, forced)
            except Exception as error:
                results[place] = self._failed(session_id, error)
        for place, result in zip(works, self._run(list(works.values())), strict=True):
            results[place] = result
        return [result for result in results if result is not None]

    def sampled(self, session_id: str) -> Sampled:
        """What the last micro-turn of a session was sampled from; the caller keeps what it needs.

        Raises KeyError, or ValueError where nothing was recorded: by an engine that does not
        record, before the first micro-turn, or right after `restore`.
        """
        found = self.session(session_id).sampled
        if found is None:
            raise ValueError(
                f"nothing is recorded of session {session_id}: give Engine(recording='tokens') and "
                "step first"
            )
        return found

    def take_weights(self, model: InteractionModel) -> None:
        """Take over the weights of another model of the same config, for the sessions to come.

        Raises ValueError while sessions are open: what they remember was made by the old weights;
        and where the other model has other tensors, as one with narrow weights has.
        """
        if self.sessions:
            raise ValueError(
                f"{len(self.sessions)} sessions are open: close them before weights change"
            )
        mine, theirs = self.model.state_dict(), model.state_dict()
        if {name: value.shape for name, value in mine.items()} != {
            name: value.shape for name, value in theirs.items()
        }:
            raise ValueError(
                "the weights are of another config, or narrow on one side: hand over fp32 weights "
                "to an engine of the same config that was loaded with fp32 weights"
            )
        self.model.load_state_dict(theirs)
        if self.slots is None:
            lay_out_for_serving(self.model)
        vars(self).pop("fingerprint", None)

    def _begin(self, session: Session, turn: MicroTurnInput, force_speak: bool | None) -> Work:
        """Check and take in one micro-turn's input; nothing of the session changes."""
        limit = self.limits.max_micro_turns
        if limit is not None and session.index >= limit:
            raise SessionEnded(f"session {session.id} has its maximum of {limit} micro-turns")
        if not np.isfinite(turn.audio).all():
            raise SessionEnded(
                f"session {session.id} got sound that is not a number in micro-turn {turn.index}: "
                "it is closed; open another"
            )
        if turn.images is not None and self.model.config.vision is None:
            raise ValueError("this model has no vision part: give no images")
        heard, features = listen(session, turn, self.text)
        return self.tick.begin(session, heard, features, force_speak)

    def _run(self, works: list[Work]) -> list[Result]:
        """All together; where that fails, each alone, so that one cannot fail the others."""
        if not works:
            return []
        try:
            outcomes = self.tick.micro_turns(works)
        except Exception as error:
            undo(works)
            if len(works) == 1:
                return [self._failed(works[0].before.id, error)]
            return [self._run([self.tick.again(work)])[0] for work in works]
        except BaseException:
            undo(works)
            raise
        for work, (session, _) in zip(works, outcomes, strict=True):
            own_tails(session.backbone)
            past = work.before.kept(work.mark, self.limits.kept_micro_turns)
            self.sessions[session.id] = replace(session, past=past)
        return [output for _, output in outcomes]

    def _failed(self, session_id: str, error: Exception) -> Exception:
        if isinstance(error, SessionEnded):
            self.close(session_id)
        return error

    # ---- back, out and in again

    @torch.inference_mode()
    def rollback(self, session_id: str, index: int) -> None:
        """Forget micro-turns from `index` on; it is the next one to be given.

        Only the last `kept_micro_turns` can be undone. Raises KeyError, or ValueError that says how
        far back is possible.
        """
        self.sessions[session_id] = gone_back(self.session(session_id), index)

    def snapshot(self, session_id: str) -> bytes:
        """A session as bytes; it stays open. Raises KeyError for an unknown one, ValueError for one
        in a slot."""
        self._check_travel()
        return pack(self.session(session_id), self.fingerprint)

    @torch.inference_mode()
    def restore(self, blob: bytes) -> str:
        """Open a session that goes on where the snapshot was taken, with the same bits.

        Raises ValueError for a snapshot that is damaged or of another model, and where streams lie
        in slots; EngineFull as `open`.
        """
        self._check_travel()
        session = unpack(blob, self.fingerprint, self._empty(0))
        self.sessions[session.id] = session
        return session.id

    def _check_travel(self) -> None:
        if self.slots is not None:
            raise ValueError(
                "sessions in slots do not travel: load the engine with device='cpu' for snapshots"
            )

    @functools.cached_property
    def fingerprint(self) -> str:
        """What snapshots must fit to."""
        configs = (self.model.config, self.vocoder.config, self.text.vocab_size, self.sampling)
        return fingerprint(configs, (self.model, self.vocoder))


def undo(works: Sequence[Work]) -> None:
    """Put the backbones back to where these micro-turns began."""
    for work in works:
        work.session.backbone.rollback(work.mark)
