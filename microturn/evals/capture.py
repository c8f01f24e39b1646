"""Makes a trace of what a session gave: ticks, output track, utterances, calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.record import AudioFile, BackgroundUse, SystemFacts, Tick, ToolUse, Trace
from microturn.evals.timeline import output_track, play_times
from microturn.evals.utterances import utterances, voiced_span
from microturn.evals.vad import Vad
from microturn.signal.wav import write_wav
from microturn.turns import OUTPUT_RATE_HZ, FloatArray

Policy = Callable[[InputTick], OutputTick]


@dataclass
class CapturedSession:
    """A session made of a policy; what the policy gives is kept and becomes the trace.

    out: folder for the output sound, or None to keep none.
    """

    episode: Episode
    system: SystemFacts
    policy: Policy
    vad: Vad
    out: Path | None = None
    ticks: list[Tick] = field(default_factory=list[Tick])
    sounds: list[FloatArray] = field(default_factory=list[FloatArray])

    def step(self, inp: InputTick) -> OutputTick:
        """Ask the policy for one tick. Raises ValueError for audio of a wrong length."""
        given = self.policy(inp)
        wanted = self.system.tick_ms * OUTPUT_RATE_HZ // 1000
        if given.audio.shape != (wanted,):
            raise ValueError(
                f"tick {inp.index} of {self.system.name} gave audio of shape {given.audio.shape}, "
                f"want {wanted} samples ({self.system.tick_ms} ms at {OUTPUT_RATE_HZ} Hz)"
            )
        self.ticks.append(
            Tick(
                i=inp.index,
                in_ms=(inp.start_ms, inp.start_ms + self.system.tick_ms),
                text=given.text,
                voiced_ms=voiced_span(given.audio, OUTPUT_RATE_HZ),
                words=given.words,
                tool_calls=given.tool_calls,
                delegate=given.delegate,
                compute_ms=given.compute_ms,
                heard=given.heard,
            )
        )
        self.sounds.append(given.audio)
        return given

    def close(self) -> Trace:
        """The trace of the whole episode."""
        plays_ms = play_times(self.ticks, self.system)
        track = output_track(self.sounds, plays_ms, self.episode.end_ms)
        audio = None
        if self.out is not None:
            uri = self.episode.id.replace("/", "__") + ".wav"
            write_wav(self.out / uri, track, OUTPUT_RATE_HZ)
            audio = AudioFile(uri, OUTPUT_RATE_HZ)
        tools = [
            ToolUse(play_ms, call["function"], call.get("args", {}))
            for tick, play_ms in zip(self.ticks, plays_ms, strict=True)
            for call in tick.tool_calls
        ]
        handed = [
            BackgroundUse(play_ms)
            for tick, play_ms in zip(self.ticks, plays_ms, strict=True)
            if tick.delegate is not None
        ]
        return Trace(
            episode=self.episode.id,
            system=self.system,
            audio=audio,
            vad=self.vad.name,
            ticks=tuple(self.ticks),
            utterances=utterances(track, OUTPUT_RATE_HZ, self.vad, self.ticks, plays_ms),
            tools=tuple(tools),
            background=tuple(handed),
        )
