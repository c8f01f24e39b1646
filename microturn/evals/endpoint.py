"""Any streaming server as a `System`, at the pace of life: what a listener would have heard of it.

A packet of 20 ms is sent when it has been spoken. What comes back is put on the timeline by its
arrival (`playback.py`). So the trace is on the wall's clock, network included.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from microturn.evals import dialect as wire
from microturn.evals.dialect import Dialect, read_message
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.link import Link, LinkClosed, SocketLink
from microturn.evals.playback import Playback
from microturn.evals.record import AudioFile, BackgroundUse, SystemFacts, Tick, ToolUse, Trace
from microturn.evals.upsampler import Upsampler
from microturn.evals.utterances import utterances, voiced_span
from microturn.evals.vad import Vad, load_vad
from microturn.signal import pcm
from microturn.signal.wav import write_wav
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ, ByteArray

PACKET_MS = 20
LATE_MS = 100  # input sent later than that is told
MAX_FAULTS = 20  # kept of one session
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EndpointConfig:
    """key_from: the environment variable with the key; the key itself is nowhere kept. ready_ms:
    for the server to begin a session. speed: of the clock, for servers of tests."""

    url: str
    key_from: str = ""
    ready_ms: int = 20_000
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("ws://", "wss://")):
            raise ValueError(f"an endpoint needs a ws:// or wss:// address, got {self.url!r}")
        if self.speed <= 0 or self.ready_ms <= 0:
            raise ValueError("an endpoint needs speed > 0 and ready_ms > 0")


def connect(config: EndpointConfig, dialect: Dialect) -> Link:
    """Raises ValueError without the key, ConnectionError where nobody answers."""
    key = os.environ.get(config.key_from) if config.key_from else None
    if config.key_from and not key:
        raise ValueError(f"{config.url.partition('?')[0]} needs a key: set {config.key_from}")
    return SocketLink(dialect.address(config.url), dialect.headers(key), config.speed)


@dataclass(frozen=True)
class Endpoint:
    """A server by URL. links: how it is reached."""

    dialect: Dialect
    config: EndpointConfig
    facts: SystemFacts
    vad: Vad = field(default_factory=load_vad)
    out: Path | None = None
    links: Callable[[EndpointConfig, Dialect], Link] = connect

    @property
    def name(self) -> str:
        return self.facts.name

    def open(self, episode: Episode) -> EndpointSession:
        """Raises ConnectionError where the server begins no session."""
        return EndpointSession(self, episode, self.links(self.config, self.dialect))


class EndpointSession:
    """One episode. faults: what went wrong, in words; a server that is gone is silent from then
    on, and scored so."""

    def __init__(self, system: Endpoint, episode: Episode, link: Link) -> None:
        self.system, self.episode, self.link = system, episode, link
        self.dialect = system.dialect
        self.faults: list[str] = []
        self.playback = Playback(episode.end_ms)
        self.heard: list[tuple[float, str]] = []
        self.tools: list[ToolUse] = []
        self.background: list[BackgroundUse] = []
        self.upsampler = Upsampler() if self.dialect.input_rate_hz != INPUT_RATE_HZ else None
        self.is_ready = self.is_gone = False
        self.turn = 0
        self.delegation: str | None = None  # the last work that was handed over
        self.dropped: set[str] = set()  # items that the user talked over
        self.late_ms = 0.0
        try:
            self._begin()
        except BaseException:
            link.close()
            raise

    def step(self, inp: InputTick) -> OutputTick:
        """Takes as long as the tick lasts. Gives what was heard of the server during it."""
        end_ms = inp.start_ms + 1000 * len(inp.audio) // INPUT_RATE_HZ
        for text in inp.text:
            self._put(self.dialect.text(text), "typed text")
        for text in inp.updates:
            self._put(self.dialect.update(text, self.delegation), "background updates")
        for frame in inp.frames:
            self._put(self.dialect.image(jpeg(frame)), "images")
        size = INPUT_RATE_HZ * PACKET_MS // 1000
        for first in range(0, len(inp.audio), size):
            part = inp.audio[first : first + size]
            due_ms = inp.start_ms + 1000 * (first + len(part)) / INPUT_RATE_HZ
            self._listen(due_ms)
            if not self.is_gone:
                self.late_ms = max(self.late_ms, self.link.now_ms() - due_ms)
            sound = part if self.upsampler is None else self.upsampler(part)
            for message in self.dialect.sound(pcm.encode(sound)):
                self._send(message)
        begin, end = (ms * OUTPUT_RATE_HZ // 1000 for ms in (inp.start_ms, end_ms))
        audio = np.zeros(end - begin, dtype=np.float32)
        played = self.playback.track[begin:end]
        audio[: len(played)] = played
        return OutputTick(audio)

    def close(self) -> Trace:
        """The trace. A server gets no time to say more: the episode is over."""
        for message in self.dialect.close():
            self._send(message)
        self.link.close()
        if self.late_ms > LATE_MS:
            self._fault(f"input was sent up to {self.late_ms:.0f} ms late: this machine is busy")
        if self.faults:
            log.warning("%s, %s: %s", self.system.name, self.episode.id, "; ".join(self.faults))
        return self._trace()

    def _begin(self) -> None:
        """Open the session. Raises ConnectionError where the server does not."""
        until_ms = self.link.now_ms() + self.system.config.ready_ms
        try:
            for message in self.dialect.open(self.episode.system):
                self.link.send(message)
            while not self.is_ready:
                found = self.link.receive(until_ms)
                if found is None:
                    raise ConnectionError(
                        f"{self.system.name} began no session within "
                        f"{self.system.config.ready_ms} ms{self._told()}"
                    )
                self._take(0.0, found[1])
                if self.is_gone:
                    raise ConnectionError(f"{self.system.name} refused a session{self._told()}")
            for message in self.dialect.history(self.episode.system):
                self.link.send(message)
        except LinkClosed as error:
            raise ConnectionError(
                f"{self.system.name} closed before a session began: {error}{self._told()}"
            ) from error
        self.link.begin()

    def _told(self) -> str:
        return f" ({'; '.join(self.faults)})" if self.faults else ""

    def _listen(self, until_ms: float) -> None:
        """Take what arrives until then."""
        while not self.is_gone:
            try:
                found = self.link.receive(until_ms)
            except LinkClosed as error:
                self._lose(str(error))
                return
            if found is None:
                return
            self._take(max(0.0, found[0]), found[1])
            if found[0] > until_ms + LATE_MS:
                return  # a flood must not keep the input back

    def _take(self, at_ms: float, message: str | bytes) -> None:
        """Put what a message says where it belongs."""
        for event in read_message(self.dialect, message):
            match event:
                case wire.Ready():
                    self.is_ready = True
                case wire.Sound() | wire.Said() if event.item in self.dropped:
                    pass
                case wire.Sound(audio=audio, item=item, server_ms=server_ms):
                    self.playback.push(at_ms, audio, self._item(item), server_ms)
                case wire.Said(text=text, item=item, server_ms=server_ms):
                    self.playback.write(at_ms, text, self._item(item), server_ms)
                case wire.Wrote(text=text):
                    self.heard.append((at_ms, text))
                case wire.Interrupted():
                    self._interrupt(at_ms)
                case wire.TurnOver():
                    self.turn += 1
                case wire.Called():
                    self.tools.append(ToolUse(round(at_ms), event.function, event.args))
                    self._put(self.dialect.answer(event), "")
                case wire.HandedOver(id=id):
                    self.delegation = id
                    self.background.append(BackgroundUse(round(at_ms)))
                case wire.Fault(text=text):
                    self._fault(text)
                case wire.Over(reason=reason):
                    self._lose(reason)

    def _item(self, item: str) -> str:
        """The server's name for it, else its turn where it has turns, else none."""
        return item if item or not self.turn_is_item else f"turn {self.turn}"

    @property
    def turn_is_item(self) -> bool:
        return self.dialect.kind == "gemini"

    def _interrupt(self, at_ms: float) -> None:
        cut = self.playback.flush(at_ms)
        if not self.turn_is_item:
            self.dropped |= {item for item, _ in cut if item}
        for message in self.dialect.cut(cut) if cut else ():
            self._send(message)

    def _put(self, messages: list[str], what: str) -> None:
        """Send; without a message the wire has no place for it, which is a fault, told once."""
        if not messages and what:
            text = f"{self.dialect.kind} takes no {what}; left out"
            if text not in self.faults:
                self._fault(text)
        for message in messages:
            self._send(message)

    def _send(self, message: str) -> None:
        if self.is_gone:
            return
        try:
            self.link.send(message)
        except LinkClosed as error:
            self._lose(str(error))

    def _lose(self, reason: str) -> None:
        self.is_gone = True
        self._fault(f"the server ended the session at {self.link.now_ms():.0f} ms: {reason}")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(" ".join(text.split()))

    def _trace(self) -> Trace:
        track, out = self.playback.track, self.system.out
        audio = None
        if out is not None:
            uri = self.episode.id.replace("/", "__") + ".wav"
            write_wav(out / uri, track, OUTPUT_RATE_HZ)
            audio = AudioFile(uri, OUTPUT_RATE_HZ)
        ticks = self._ticks()
        plays_ms = [tick.in_ms[1] for tick in ticks]
        return Trace(
            episode=self.episode.id,
            system=self.system.facts,
            audio=audio,
            vad=self.system.vad.name,
            ticks=ticks,
            utterances=utterances(track, OUTPUT_RATE_HZ, self.system.vad, ticks, plays_ms),
            tools=tuple(self.tools),
            background=tuple(self.background),
        )

    def _ticks(self) -> tuple[Tick, ...]:
        """Ticks as a model has them: what one gives plays in the next. The server has none."""
        num = -(-self.episode.end_ms // MICRO_TURN_MS)
        said, heard = [""] * num, [""] * num
        for letter, at_ms in self.playback.letters():
            place = max(0, at_ms // MICRO_TURN_MS - 1)
            if at_ms < self.episode.end_ms:
                said[place] += letter
        for at_ms, text in self.heard:
            heard[min(num - 1, int(at_ms) // MICRO_TURN_MS)] += text
        size = MICRO_TURN_MS * OUTPUT_RATE_HZ // 1000
        return tuple(
            Tick(
                i=i,
                in_ms=(i * MICRO_TURN_MS, (i + 1) * MICRO_TURN_MS),
                text=said[i],
                voiced_ms=voiced_span(
                    self.playback.track[(i + 1) * size : (i + 2) * size], OUTPUT_RATE_HZ
                ),
                heard=heard[i],
            )
            for i in range(num)
        )


def jpeg(frame: ByteArray) -> bytes:
    """[height, width, 3] -> a JPEG file."""
    content = io.BytesIO()
    Image.fromarray(frame).save(content, format="JPEG", quality=85)
    return content.getvalue()


def named(facts: SystemFacts, dialect: Dialect, url: str) -> SystemFacts:
    """Facts of an endpoint: its name is its kind and host, never what stands behind them."""
    host = url.split("//", 1)[-1].split("/", 1)[0].rpartition("@")[2]
    return replace(facts, name=f"{dialect.kind}:{host}", clock="wallclock")
