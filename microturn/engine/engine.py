"""The engine, reference path: open, step, close. It knows no network and no clock but a stopwatch.

Legend: S positions, D width, V vocabulary, F mel frames, M mel bins, N samples.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from microturn.engine.sampler import SamplingConfig, choose, forbidden_mask, generator, p_speak
from microturn.engine.session import Session, check_index, listen
from microturn.model.model import InteractionModel, lay_out_for_serving
from microturn.sequence import (
    Positions,
    closing,
    concatenate,
    decoded,
    opening,
    split_lanes,
    text_positions,
    typed_message,
)
from microturn.signal.mel import SILENT_MEL
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder
from microturn.turns import (
    NUM_SLOTS,
    OUTPUT_SAMPLES,
    Delegation,
    MicroTurnInput,
    MicroTurnOutput,
    Timings,
)


@dataclass(frozen=True)
class Decoded:
    """Output text of one micro-turn, the floor decision that ended it, and the hidden states of the
    slots where it speaks. `extended_at`: when the first extend was done."""

    text_ids: tuple[int, ...]
    speaks: bool
    p_speak: float
    slots_KD: Tensor | None
    extended_at: float


class Engine:
    """Sessions over one model. Sessions never see each other's state."""

    def __init__(
        self,
        model: InteractionModel,
        vocoder: Vocoder,
        text: Text,
        sampling: SamplingConfig | None = None,
    ) -> None:
        self.model, self.vocoder, self.text = model.eval(), vocoder.eval(), text
        lay_out_for_serving(self.model)
        self.sampling = sampling or SamplingConfig()
        self.forbidden_V = forbidden_mask(model.config.backbone.vocab_size, text.markers)
        self.sessions: dict[str, Session] = {}

    @torch.inference_mode()
    def open(self, seed: int | None = None, instructions: str | None = None) -> str:
        """Start a session; `instructions` stand before the first micro-turn. Returns its id."""
        session_id = uuid.uuid4().hex
        state = self.model.transformer.new_state()
        if instructions:
            markers = self.text.markers
            ids = typed_message(markers.message_system, self.text.encode(instructions), markers)
            self.model.extend(text_positions(ids), state)
        self.sessions[session_id] = Session(session_id, seed or 0, state)
        return session_id

    def close(self, session_id: str) -> None:
        """End a session and free its state. Closing twice is no error."""
        self.sessions.pop(session_id, None)

    @torch.inference_mode()
    def step(
        self, session_id: str, turn: MicroTurnInput, force_speak: bool | None = None
    ) -> MicroTurnOutput:
        """Take in 200 ms, give out 200 ms.

        A repeated index returns the kept result; a failed step leaves the session as it was.
        `force_speak` overrides the floor decision (benchmarks only). Raises KeyError for an unknown
        session and ValueError for a micro-turn out of order.
        """
        session = self.session(session_id)
        if check_index(session, turn):
            assert session.last is not None
            return session.last
        mark = session.backbone.mark()
        try:
            after, output = self.micro_turn(session, turn, force_speak)
        except BaseException:
            session.backbone.rollback(mark)
            raise
        self.sessions[session_id] = after
        return output

    def session(self, session_id: str) -> Session:
        """Raises KeyError with a clear line when there is no such session."""
        if session_id not in self.sessions:
            raise KeyError(f"no session {session_id}: it was never opened or is closed")
        return self.sessions[session_id]

    def micro_turn(
        self, session: Session, turn: MicroTurnInput, force_speak: bool | None
    ) -> tuple[Session, MicroTurnOutput]:
        """The whole path of one micro-turn."""
        started = time.perf_counter()
        session, features = listen(session, turn, self.text)  # 200 ms of sound, sight and text
        result = self.decode(opening(session.pending_id, features), session, force_speak)
        decoded_at = time.perf_counter()
        mel_FM = None
        if result.slots_KD is not None:
            mel_FM = self.flow(result.slots_KD, session)  # 200 ms of mel, jointly
        flowed = time.perf_counter()
        session, audio_N = self.voice(session, mel_FM)
        marks = (started, result.extended_at, decoded_at, flowed, time.perf_counter())
        timings = Timings(*(1000 * (b - a) for a, b in pairwise(marks)))
        output = self.output(turn, result, audio_N, timings)
        pending_id = None if result.speaks else self.text.markers.silent
        after = replace(session, index=turn.index + 1, pending_id=pending_id, last=output)
        return after, output

    def decode(
        self, positions: Positions, session: Session, force_speak: bool | None
    ) -> Decoded:
        """One extend of the input, at most k short steps of text, until a floor token ends it.

        While the model speaks, each run carries `<|speak|>` and the slots along as a guess: rows of
        one tile cost the same, and where `<|speak|>` is chosen next the slots are already there.
        """
        markers, config, state = self.text.markers, self.sampling, session.backbone
        rng = generator(session.seed, session.index, "text")
        slots = closing(markers)
        is_guessing = session.last is not None and session.last.speaks
        text_ids: list[int] = []
        extended_at = None
        while True:
            run = concatenate([positions, slots]) if is_guessing else positions
            hidden_SD = self.model.extend(run, state, len(slots) if is_guessing else 0)
            extended_at = extended_at or time.perf_counter()
            logits_V = self.model.text_logits(hidden_SD[None, len(positions) - 1])[0]
            must_end = len(text_ids) >= config.max_text_tokens
            token_id = choose(logits_V, self.forbidden_V, markers, config, rng, must_end)
            if token_id in (markers.silent, markers.speak):
                break
            text_ids.append(token_id)
            positions = decoded(token_id)
            is_guessing = is_guessing or text_ids[0] != markers.heard
        speaks = token_id == markers.speak if force_speak is None else force_speak
        slots_KD = None
        if speaks and is_guessing:
            state.accept()
            slots_KD = hidden_SD[-NUM_SLOTS:]
        elif speaks:
            slots_KD = self.model.extend(slots, state)[-NUM_SLOTS:]
        probability = p_speak(logits_V, markers, config.eagerness)
        return Decoded(tuple(text_ids), speaks, probability, slots_KD, extended_at)

    def flow(self, slots_KD: Tensor, session: Session) -> Tensor:
        """Slot states -> 20 frames of mel, continuing the frames of the last micro-turn."""
        shape = (1, self.model.config.flow.num_frames, self.model.config.flow.num_mel_bins)
        noise_BFM = torch.randn(shape, generator=generator(session.seed, session.index, "flow"))
        context_FM = session.mel_context_FM
        if context_FM is None:
            context_FM = torch.full(shape[1:], SILENT_MEL)
        return self.model.flow.sample(
            noise_BFM * self.sampling.noise_temperature,
            context_FM[None],
            slots_KD[None],
            self.sampling.num_flow_steps,
        )[0]

    def voice(self, session: Session, mel_FM: Tensor | None) -> tuple[Session, Tensor]:
        """Mel -> waveform. A silent micro-turn after speech rings out the vocoder's tail."""
        audio_N = torch.zeros(OUTPUT_SAMPLES)
        if mel_FM is not None:
            audio_N, vocoder = self.vocoder.stream(mel_FM, session.vocoder)
            audio_N = audio_N.clamp(-1.0, 1.0)
            return (
                replace(session, vocoder=vocoder, mel_context_FM=mel_FM, said_audio_N=audio_N),
                audio_N,
            )
        if session.vocoder is not None:
            tail_N = self.vocoder.flush(session.vocoder).clamp(-1.0, 1.0)
            audio_N[: len(tail_N)] = tail_N
        return replace(session, vocoder=None, mel_context_FM=None, said_audio_N=None), audio_N

    def output(
        self, turn: MicroTurnInput, result: Decoded, audio_N: Tensor, timings: Timings
    ) -> MicroTurnOutput:
        """Put one micro-turn's results into the type that leaves the engine."""
        heard, said, delegated = split_lanes(result.text_ids, self.text.markers)
        delegation = None
        if delegated:
            delegation = Delegation(f"d{turn.index}", turn.index, self.text.decode(delegated))
        return MicroTurnOutput(
            index=turn.index,
            audio=audio_N.numpy(),
            speaks=result.speaks,
            p_speak=result.p_speak,
            heard_text=self.text.decode(heard),
            said_text=self.text.decode(said),
            text_ids=result.text_ids,
            delegation=delegation,
            timings=timings,
        )
