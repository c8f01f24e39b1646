"""What was heard of a server: when its sound came, what was thrown away, and what goes wrong."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microturn.evals.dialect import Dialect
from microturn.evals.endpoint import EndpointConfig
from microturn.evals.endpoints import endpoint_of
from microturn.evals.episode import Episode, Expect, SeedTurn, Segment, Setup
from microturn.evals.gemini_system import HOST, GeminiDialect
from microturn.evals.live_system import LiveDialect
from microturn.evals.metrics import score_all
from microturn.evals.playback import Playback
from microturn.evals.realtime_system import RealtimeDialect
from microturn.evals.upsampler import Upsampler
from microturn.evals.vad import EnergyVad
from microturn.signal import pcm
from tests.fake_link import FakeLink, speech, talk

RATE = 24
STARTED = {"type": "session.started", "session": {"id": "s"}}
LOUD = 1e-3


def heard(session: Any) -> list[tuple[int, int]]:
    """Stretches of sound on the timeline, in ms."""
    loud = np.r_[False, np.abs(session.playback.track.reshape(-1, RATE)).max(1) > LOUD, False]
    edges = np.flatnonzero(np.diff(loud.astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def live_server(*lines: tuple[float, Any]) -> Any:
    """Starts a session, and says each line so long after the first sound it gets."""

    def server(link: FakeLink, message: dict[str, Any]) -> None:
        if message["type"] == "session.start":
            link.later(300, STARTED)
        first = len(link.of_kind("session.input_audio.append")) == 1
        if message["type"] == "session.input_audio.append" and first:
            for after_ms, line in lines:
                link.later(after_ms, line)

    return server


def delta(num_ms: int, **more: Any) -> dict[str, Any]:
    return {"type": "session.output_audio.delta", "delta": speech(num_ms), **more}


def test_sound_is_where_it_was_heard() -> None:
    server = live_server((1000, delta(400)), (1200, delta(300)), (2480, delta(200)))
    trace, session, _ = talk(LiveDialect(), server)
    # The first packet is sent at 20 ms. Two pieces play one after the other, the third on arrival.
    assert heard(session) == [(1020, 1720), (2500, 2700)]
    assert [(u.t0, u.t1) for u in trace.utterances] == [(1020, 1720)], "200 ms are no speech"
    assert trace.system.clock == "wallclock"
    assert session.faults == []


def test_input_goes_out_at_the_pace_of_life() -> None:
    _, _, link = talk(LiveDialect(), live_server())
    packets = link.of_kind("session.input_audio.append")
    assert [at for at, _ in packets] == [20.0 * (k + 1) for k in range(200)]
    data = b"".join(base64.b64decode(message["audio"]) for _, message in packets)
    sent = pcm.decode(data)
    assert len(sent) == 4000 * RATE
    peaks = np.flatnonzero(np.abs(sent) > 0.05) / RATE
    assert np.allclose(peaks % 200, 0.75, atol=0.1), "each tick's click, 0.75 ms late"


def test_words_are_where_their_sound_is() -> None:
    def words(text: str, start_ms: int) -> dict[str, Any]:
        kind = "session.output_transcript.delta"
        return {"type": kind, "delta": text, "start_ms": start_ms, "end_ms": start_ms + 200}

    server = live_server(
        (900, words("well ", 5000)),
        (1000, delta(200, start_ms=5000, end_ms=5200)),
        (1280, delta(200, start_ms=5200, end_ms=5400)),
        (1400, words("yes ", 5200)),
        (1500, delta(200, start_ms=5400, end_ms=5600)),
    )
    trace, _, _ = talk(LiveDialect(), server)
    (said,) = trace.utterances
    assert said.text == "well yes"
    assert said.words[0][1] == 1020
    assert 1200 <= said.words[1][1] < 1400, "in the tick that its sound begins in"


@pytest.mark.parametrize("dialect", [LiveDialect(), RealtimeDialect(), GeminiDialect()])
def test_who_never_answers_is_counted(dialect: Dialect) -> None:
    def server(link: FakeLink, message: dict[str, Any]) -> None:
        if len(link.sent) == 1:
            for ready in (STARTED, {"type": "session.updated"}, {"setupComplete": {}}):
                link.later(10, {**{"type": "none"}, **ready})

    episode = Episode(
        "e",
        "t",
        2000,
        tail_ms=2000,
        segments=(Segment("u", "user", 400, 1000, "speech"),),
        expect=(Expect("e", "respond", on="u", window=(1000, 3500)),),
    )
    trace, session, _ = talk(dialect, server, episode)
    assert trace.utterances == () and len(session.playback.track) == 4000 * RATE
    (score,) = score_all(episode, trace)
    assert (score.value, score.outcome, score.latency_ms) == (0.0, "no_response", None)


def test_a_server_that_closes_early_is_silent_from_then_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        trace, session, link = talk(LiveDialect(), live_server((980, delta(600)), (1180, None)))
    assert heard(session) == [(1000, 1600)], "what had arrived plays on"
    assert len(trace.ticks) == 20 and len(session.playback.track) == 4000 * RATE
    (fault,) = session.faults
    assert fault == "the server ended the session at 1200 ms: closed by the server"
    assert fault in caplog.text
    assert len(link.of_kind("session.input_audio.append")) == 59, "nobody is there to be told"


@pytest.mark.parametrize(
    "garbage",
    [
        "no json",
        b"\xff\xfe",
        "[1, 2]",
        "{}",
        '{"type": 7}',
        '{"type": "session.output_audio.delta"}',
        '{"type": "session.output_audio.delta", "delta": "!!!"}',
        '{"type": "session.output_audio.delta", "delta": "AAA="}',
        '{"type": "session.output_audio.delta", "delta": 5}',
        '{"type": "session.output_audio.delta", "delta": "", "start_ms": "soon"}',
        '{"type": "session.delegation.created", "delegation": 3}',
        '{"type": "error", "error": "text"}',
        "[" * 100_000,
    ],
)
def test_garbage_is_noted_and_harms_nothing(garbage: str | bytes) -> None:
    trace, session, _ = talk(LiveDialect(), live_server((100, garbage), (980, delta(400))))
    assert heard(session) == [(1000, 1400)]
    assert len(session.faults) <= 1
    assert all(len(fault) < 250 and "\n" not in fault for fault in session.faults)
    assert trace.utterances[0].t0 == 1000


def test_unknown_events_are_no_fault() -> None:
    _, session, _ = talk(LiveDialect(), live_server((100, {"type": "session.usage.updated"})))
    assert session.faults == []


def test_faults_do_not_pile_up() -> None:
    server = live_server(*[(k, "no json") for k in range(500)])
    _, session, _ = talk(LiveDialect(), server)
    assert len(session.faults) == 20


def test_too_much_sound_is_cut_at_the_end() -> None:
    lines = [(980, delta(2000)) for _ in range(50)]
    trace, session, _ = talk(LiveDialect(), live_server(*lines))
    assert heard(session) == [(1000, 4000)]
    assert session.playback.free == (1000 + 50 * 2000) * RATE, "counted, not kept"
    assert trace.utterances[-1].t1 == 4000


def test_a_session_that_does_not_begin_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="began no session within 20000 ms"):
        talk(LiveDialect(), lambda link, message: None)

    def refuses(link: FakeLink, message: dict[str, Any]) -> None:
        link.later(5, {"type": "error", "error": {"message": "no such model"}})
        link.later(6, None)

    with pytest.raises(ConnectionError, match=r"closed before .* \(no such model\)"):
        talk(LiveDialect(), refuses)

    def closes(link: FakeLink, message: dict[str, Any]) -> None:
        link.later(5, {"type": "session.closed", "reason": "expired"})

    with pytest.raises(ConnectionError, match="refused a session"):
        talk(LiveDialect(), closes)


def test_live_tells_what_it_was_given() -> None:
    setup = Setup("Be brief.", seed_turns=(SeedTurn("user", "hi"), SeedTurn("agent", "hello")))
    created = {"type": "session.delegation.created", "delegation": {"id": "d1"}, "offset_ms": 1}
    trace, session, link = talk(
        LiveDialect("m", "marin"),
        live_server(
            (180, created), (190, {"type": "session.input_transcript.delta", "delta": "x"})
        ),
        Episode("e", "t", 1000, system=setup),
        text={0: ("typed",)},
        updates={3: ("done",)},
        frames={1: (np.zeros((8, 8, 3), np.uint8),)},
    )
    ((_, start),) = link.of_kind("session.start")
    assert start["session"]["model"] == "m" and start["session"]["instructions"] == "Be brief."
    assert [m["content"][0]["text"] for m in start["session"]["input"]] == ["hi", "hello"]
    assert start["session"]["audio"]["output"] == {"voice": "marin"}
    assert link.of_kind("session.thinking.append")[0][1]["content"] == "typed"
    assert link.of_kind("session.commentary.append")[0][1]["delegation_id"] == "d1"
    assert session.faults == ["live takes no images; left out"]
    assert [use.t_delegate for use in trace.background] == [200]
    assert [tick.heard for tick in trace.ticks] == ["", "x", "", "", ""]
    assert link.sent[-1][1] == {"type": "session.close"}


def test_late_input_is_told() -> None:
    def slow(link: FakeLink, message: dict[str, Any]) -> None:
        live_server()(link, message)
        if len(link.sent) == 50:
            link.clock_ms += 300

    _, session, _ = talk(LiveDialect(), slow)
    assert session.faults == ["input was sent up to 280 ms late: this machine is busy"]


def test_names_say_who_and_how() -> None:
    vad = EnergyVad()
    ours = endpoint_of("live", "ws://127.0.0.1:8765/v1/live/sessions", None, vad)
    assert (ours.name, ours.config.key_from) == ("live:127.0.0.1:8765", "")
    url = "wss://api.openai.com/v1/realtime"
    theirs = endpoint_of("realtime", f"{url}#model=m&turns=semantic_vad&voice=v", None, vad)
    assert theirs.config == EndpointConfig(url, "OPENAI_API_KEY")
    assert theirs.dialect.address(url) == f"{url}?model=m"
    assert theirs.dialect.address(f"{url}?model=n&x=1") == f"{url}?model=n&x=1"
    assert (theirs.facts.ckpt, theirs.facts.clock) == ("m", "wallclock")
    google = endpoint_of("gemini", "", None, vad)
    assert google.config == EndpointConfig(HOST, "GEMINI_API_KEY")
    secret = endpoint_of("live", "wss://user:word@host/x?token=1#key=MY_KEY", Path(), vad)
    assert (secret.name, secret.config.key_from) == ("live:host", "MY_KEY")


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("", "needs a ws://"),
        ("http://x", "needs a ws://"),
        ("ws://x#mode=m", "has no mode; there are model, voice, turns, key, speed"),
        ("ws://x#model", "want name=value"),
        ("ws://x#turns=never", "choose server_vad or semantic_vad"),
        ("ws://x#speed=0", "speed > 0"),
    ],
)
def test_wrong_names_are_refused(argument: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        endpoint_of("realtime", argument, None, EnergyVad())


def test_a_key_comes_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    system = endpoint_of("live", "wss://host/x?token=secret#key=NO_SUCH_KEY", None, EnergyVad())
    with pytest.raises(ValueError, match=r"wss://host/x needs a key: set NO_SUCH_KEY"):
        system.open(Episode("e", "t", 1000))
    assert LiveDialect().headers("k") == RealtimeDialect().headers("k")
    assert LiveDialect().headers("k") == {"Authorization": "Bearer k"}
    assert GeminiDialect().headers("k") == {"x-goog-api-key": "k"}
    assert LiveDialect().headers(None) == GeminiDialect().headers(None) == {}


def test_a_flush_tells_what_was_heard() -> None:
    playback = Playback(2000)
    playback.push(100, np.ones(300 * RATE, np.float32), "a")
    playback.push(150, np.ones(500 * RATE, np.float32), "b")
    playback.write(100, "abcdef", "a")
    playback.write(100, "0123456789", "b")
    assert playback.flush(600) == [("b", 200)], "a was heard whole"
    assert playback.flush(700) == []
    playback.push(800, np.ones(100 * RATE, np.float32), "c")
    assert np.flatnonzero(playback.track).tolist() == [
        *range(100 * RATE, 600 * RATE),
        *range(800 * RATE, 900 * RATE),
    ]
    assert "".join(letter for letter, _ in playback.letters()) == "abcdef0123"
    assert dict(playback.letters())["3"] == 550


def test_upsampling_keeps_a_tone_however_it_is_cut() -> None:
    time = np.arange(3200) / 16_000
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    whole = Upsampler()(tone)
    stream = Upsampler()
    parts = np.concatenate([stream(tone[k : k + 320]) for k in range(0, 3200, 320)])
    assert np.array_equal(whole, parts)
    wanted = np.sin(2 * np.pi * 1000 * (np.arange(4800) / 24_000 - 0.00075))
    assert np.abs(whole[200:] - wanted[200:]).max() < 1e-3
    with pytest.raises(ValueError, match="even number"):
        stream(tone[:3])
