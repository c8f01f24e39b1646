"""One tick: the micro-turns of all sessions that are due, side by side through the model.

Each round runs what every session has to run next: the opening extend, a token of output text, or
the slots. Then all that speak go through the flow head and the vocoder together. Rows of all
sessions share their tiles, so weights are read once a round; no result depends on the company.

Legend: S positions, D width, V vocabulary, B speaking sessions, F mel frames, M mel bins, K slots,
N samples, E Euler steps.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor

from microturn.engine.limits import SessionEnded
from microturn.engine.sampler import SamplingConfig, choose, generator, is_hearing, urged
from microturn.engine.session import Session, delegate
from microturn.model.cache import Mark
from microturn.model.model import InteractionModel
from microturn.model.together import extend_together
from microturn.sampled import Recording, Sampled, SampledFlow, log_probs, p_speak
from microturn.sequence import (
    Positions,
    TurnDecision,
    TurnFeatures,
    closing,
    concatenate,
    decoded,
    opening,
    split_lanes,
)
from microturn.signal.mel import SILENT_MEL
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, VocoderState
from microturn.turns import NUM_SLOTS, OUTPUT_SAMPLES, MicroTurnOutput, Timings


@dataclass
class Work:
    """One session's micro-turn under way: what it was `before`, when it had `heard`, and is now.

    run: positions to run next, the last `num_ahead` of them a guess; None when the text is done.
    log_probs, flow: what is recorded, where the engine records.
    """

    before: Session
    heard: Session
    session: Session
    features: TurnFeatures
    mark: Mark
    index: int
    run: Positions | None
    num_ahead: int
    rng: torch.Generator
    force_speak: bool | None = None
    is_guessing: bool = False
    text_ids: list[int] = field(default_factory=list[int])
    speaks: bool = False
    p_speak: float = 0.0
    urge: float = 0.0
    slots_KD: Tensor | None = None
    audio_N: Tensor | None = None
    log_probs: list[Tensor] = field(default_factory=list[Tensor])
    flow: SampledFlow | None = None


class Tick:
    """The model's parts and how they are sampled; micro-turns come in, micro-turns go out."""

    def __init__(
        self,
        model: InteractionModel,
        vocoder: Vocoder,
        text: Text,
        sampling: SamplingConfig,
        forbidden_V: Tensor,
        recording: Recording = "nothing",
    ) -> None:
        self.recording = recording
        self.model, self.vocoder, self.text = model, vocoder, text
        self.sampling, self.forbidden_V = sampling, forbidden_V
        self.slots = closing(text.markers)

    def begin(
        self, before: Session, heard: Session, features: TurnFeatures, force_speak: bool | None
    ) -> Work:
        """A session `before` its micro-turn and when it has `heard` -> its work.

        While the model speaks, each run carries `<|speak|>` and the slots along as a guess: a few
        rows more cost less than one more run, and where `<|speak|>` is chosen next the slots are
        already there.
        """
        work = Work(
            before=before,
            heard=heard,
            session=heard,
            features=features,
            mark=heard.backbone.mark(),
            index=features.index,
            run=None,
            num_ahead=0,
            rng=generator(heard.seed, heard.index, "text"),
            force_speak=force_speak,
            is_guessing=heard.last is not None and heard.last.speaks,
        )
        self.run_next(work, opening(heard.pending_id, features))
        return work

    def again(self, work: Work) -> Work:
        """The same micro-turn from its beginning; its backbone must be rolled back."""
        return self.begin(work.before, work.heard, work.features, work.force_speak)

    def run_next(self, work: Work, positions: Positions) -> None:
        """Set what runs in the next round."""
        work.num_ahead = len(self.slots) if work.is_guessing else 0
        work.run = concatenate([positions, self.slots]) if work.is_guessing else positions

    def micro_turns(self, works: Sequence[Work]) -> list[tuple[Session, MicroTurnOutput]]:
        """The whole path of one tick: sessions after it and their outputs, in order.

        Raises SessionEnded where a single session computes what is not a number; with several, any
        error concerns the tick as a whole (the engine then runs them one by one).
        """
        started = time.perf_counter()
        self.round(works)
        extended = time.perf_counter()
        while writing := [work for work in works if work.run is not None]:
            self.round(writing)
        decoded_at = time.perf_counter()
        speaking = [work for work in works if work.slots_KD is not None]
        mel_BFM = self.flow(speaking) if speaking else None
        flowed = time.perf_counter()
        self.voice(works, speaking, mel_BFM)
        marks = (started, extended, decoded_at, flowed, time.perf_counter())
        timings = Timings(*(1000 * (b - a) for a, b in pairwise(marks)))
        return [self.finish(work, timings) for work in works]

    def round(self, works: Sequence[Work]) -> None:
        """Run each session's next positions, then decide for each what comes after."""
        runs = [work.run for work in works if work.run is not None]
        states = [work.session.backbone for work in works]
        hidden = extend_together(self.model, runs, states, [work.num_ahead for work in works])
        rows: list[Tensor] = []
        deciding: list[tuple[Work, Tensor]] = []
        for work, hidden_SD in zip(works, hidden, strict=True):
            if work.speaks:  # it was decided before: these are the slots themselves
                work.slots_KD, work.run = hidden_SD[-NUM_SLOTS:], None
            else:
                deciding.append((work, hidden_SD))
                rows.append(hidden_SD[-1 - work.num_ahead])
        if not deciding:
            return
        logits_NV = self.model.text_logits(torch.stack(rows))
        if self.recording != "nothing":
            for (work, _), log_prob_V in zip(deciding, log_probs(logits_NV), strict=True):
                work.log_probs.append(log_prob_V)
        for (work, hidden_SD), logits_V in zip(deciding, logits_NV, strict=True):
            self.decide(work, hidden_SD, logits_V)

    def decide(self, work: Work, hidden_SD: Tensor, logits_V: Tensor) -> None:
        """Another token, or the floor decision that ends the text."""
        markers, config = self.text.markers, self.sampling
        if not bool(logits_V.isfinite().all()):
            raise SessionEnded(
                f"session {work.session.id} computes what is not a number at micro-turn "
                f"{work.index}: it is closed; open another"
            )
        must_end = len(work.text_ids) >= config.max_text_tokens
        eagerness, floor = work.session.eagerness, self.model.config.floor
        hears = is_hearing(work.text_ids, markers)
        token_id = choose(
            logits_V, self.forbidden_V, markers, config, work.rng, must_end, eagerness, floor, hears
        )
        if token_id == markers.silent and not must_end:
            token_id = self.urged(work, logits_V, hears)
        if token_id not in (markers.silent, markers.speak):
            work.text_ids.append(token_id)
            work.is_guessing = work.is_guessing or work.text_ids[0] != markers.heard
            self.run_next(work, decoded(token_id))
            return
        forced = work.force_speak
        work.speaks = token_id == markers.speak if forced is None else forced
        work.p_speak = float(p_speak(logits_V, markers, eagerness, floor))
        work.run = None
        if work.speaks and work.num_ahead:
            work.session.backbone.accept()
            work.slots_KD = hidden_SD[-NUM_SLOTS:]
        elif work.speaks:
            work.run, work.num_ahead = self.slots, 0

    def urged(self, work: Work, logits_V: Tensor, hears: bool) -> int:
        """Silence or what is said after all (`sampler.urged`). The urge of earlier micro-turns
        counts where nothing is being said or written; a hand-over is finished first."""
        config, markers, session = self.sampling, self.text.markers, work.session
        is_handing_over = session.delegating is not None or markers.delegate in work.text_ids
        if config.text_temperature or work.force_speak is not None or is_handing_over:
            return markers.silent
        is_at_it = work.is_guessing or bool(split_lanes(work.text_ids, markers)[1])
        before = 0.0 if is_at_it else session.urge * config.remembered()
        eagerness, floor = session.eagerness, self.model.config.floor
        token_id, urge = urged(logits_V, self.forbidden_V, markers, eagerness, floor, hears, before)
        work.urge = 0.0 if is_at_it else urge
        return token_id

    def flow(self, works: Sequence[Work]) -> Tensor:
        """Slot states -> 20 frames of mel each, continuing the frames of the last micro-turn."""
        config = self.model.config.flow
        shape = (config.num_frames, config.num_mel_bins)
        noise: list[Tensor] = []
        context: list[Tensor] = []
        slots: list[Tensor] = []
        for work in works:
            session = work.session
            noise.append(torch.randn(shape, generator=self.flow_generator(session)))
            context.append(
                torch.full(shape, SILENT_MEL)
                if session.mel_context_FM is None
                else session.mel_context_FM
            )
            assert work.slots_KD is not None
            slots.append(work.slots_KD)
        noise_BFM = torch.stack(noise) * self.sampling.noise_temperature
        context_BFM = torch.stack(context)
        num_steps = self.sampling.steps_of(config)
        velocities: list[Tensor] | None = None if self.recording == "nothing" else []
        mel_BFM = self.model.flow.sample(
            noise_BFM, context_BFM, torch.stack(slots), num_steps, velocities
        )
        if velocities:
            velocity_BEFM = torch.stack(velocities, 1)
            for work, *parts in zip(works, noise_BFM, context_BFM, velocity_BEFM, strict=True):
                work.flow = SampledFlow(*(part.clone() for part in parts))
        for work, is_finite in zip(works, mel_BFM.isfinite().all(-1).all(-1), strict=True):
            if not is_finite:
                raise SessionEnded(
                    f"session {work.session.id} says what is not a number at micro-turn "
                    f"{work.index}: it is closed; open another"
                )
        return mel_BFM

    def flow_generator(self, session: Session) -> torch.Generator:
        return generator(session.seed, session.index, "flow")

    def voice(
        self, works: Sequence[Work], speaking: Sequence[Work], mel_BFM: Tensor | None
    ) -> None:
        """Mel -> waveform. A silent micro-turn after speech rings out the vocoder's tail."""
        for work in works:
            if work.speaks:
                continue
            audio_N = torch.zeros(OUTPUT_SAMPLES)
            if work.session.vocoder is not None:
                tail_N = self.vocoder.flush(work.session.vocoder).clamp(-1.0, 1.0)
                audio_N[: len(tail_N)] = tail_N
            work.audio_N = audio_N
            work.session = replace(
                work.session, vocoder=None, mel_context_FM=None, said_audio_N=None
            )
        if mel_BFM is None:
            return
        state = stacked([work.session.vocoder or self.vocoder.silence(1) for work in speaking])
        audio_BN, state = self.vocoder.advance(mel_BFM, state)
        audio_BN = audio_BN.clamp(-1.0, 1.0)
        for place, work in enumerate(speaking):
            work.audio_N = audio_BN[place].clone()  # a view would keep the company's sound alive
            work.session = replace(
                work.session,
                vocoder=taken(state, place),
                mel_context_FM=mel_BFM[place].clone(),
                said_audio_N=work.audio_N,
            )

    def finish(self, work: Work, timings: Timings) -> tuple[Session, MicroTurnOutput]:
        """Put one micro-turn's results into the type that leaves the engine."""
        text, text_ids = self.text, tuple(work.text_ids)
        heard, said, _ = split_lanes(text_ids, text.markers)
        delegating, delegation = delegate(work.session.delegating, work.index, text_ids, text)
        assert work.audio_N is not None
        output = MicroTurnOutput(
            index=work.index,
            audio=work.audio_N.numpy(),
            speaks=work.speaks,
            p_speak=work.p_speak,
            heard_text=text.decode(heard),
            said_text=text.decode(said),
            text_ids=text_ids,
            delegation=delegation,
            timings=timings,
        )
        session = replace(
            work.session,
            index=work.index + 1,
            pending_id=None if work.speaks else text.markers.silent,
            last=output,
            delegating=delegating,
            sampled=self.sampled(work),
            prefix_ids=(),
            urge=work.urge,
        )
        return session, output

    def sampled(self, work: Work) -> Sampled | None:
        """What was recorded of this micro-turn."""
        if self.recording == "nothing":
            return None
        markers = self.text.markers
        chosen = [*work.text_ids, markers.speak if work.speaks else markers.silent]
        log_prob_NV = torch.stack(work.log_probs)
        return Sampled(
            work.features,
            TurnDecision(tuple(work.text_ids), work.speaks),
            log_prob_NV[torch.arange(len(chosen)), chosen],
            work.p_speak,
            work.session.eagerness,
            work.before.prefix_ids,
            log_prob_NV if self.recording == "distributions" else None,
            work.flow,
        )


def stacked(states: Sequence[VocoderState]) -> VocoderState:
    """States of single streams -> one of many rows."""
    if len(states) == 1:
        return states[0]
    tails = zip(*(state.tails for state in states), strict=True)
    return VocoderState(
        tuple(torch.cat(tail) for tail in tails), torch.cat([state.overlap_N for state in states])
    )


def taken(state: VocoderState, place: int) -> VocoderState:
    """One row of a state of many, in memory of its own."""
    row = slice(place, place + 1)
    return VocoderState(
        tuple(tail[row].clone() for tail in state.tails), state.overlap_N[row].clone()
    )
