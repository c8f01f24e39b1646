"""Wire audio: streams that do not depend on how they were cut."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.server.protocol import AudioFormat
from microturn.server.wire_audio import Decoder, Encoder
from microturn.signal import g711
from microturn.turns import OUTPUT_SAMPLES

FORMATS = [
    AudioFormat("pcm", 16_000),
    AudioFormat("pcm", 24_000),
    AudioFormat("pcmu", 8_000),
    AudioFormat("pcma", 8_000),
]


def wire_tone(audio_format: AudioFormat, duration_ms: int) -> bytes:
    time_N = np.arange(audio_format.rate_hz * duration_ms // 1000) / audio_format.rate_hz
    samples = (0.5 * np.sin(2 * np.pi * 440 * time_N)).astype(np.float32)
    if audio_format.encoding == "pcm":
        return (samples * 32_768).astype("<i2").tobytes()
    return g711.encode(samples, audio_format.encoding)


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_packets_do_not_matter(audio_format: AudioFormat) -> None:
    data = wire_tone(audio_format, 600)
    whole = Decoder(audio_format).feed(data)
    decoder = Decoder(audio_format)
    step = 130 * audio_format.bytes_per_sample
    pieces = [decoder.feed(data[i : i + step]) for i in range(0, len(data), step)]
    joined = np.concatenate(pieces)
    length = min(len(whole), len(joined))
    assert length > 16_000 * 0.4
    np.testing.assert_allclose(joined[:length], whole[:length], atol=1e-6)


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_the_tone_keeps_its_pitch_and_level(audio_format: AudioFormat) -> None:
    heard = Decoder(audio_format).feed(wire_tone(audio_format, 1_500))[1_600:17_600]
    assert len(heard) == 16_000
    spectrum = np.abs(np.fft.rfft(heard))
    assert int(spectrum.argmax()) == 440
    assert float(np.sqrt(np.mean(heard**2))) == pytest.approx(0.5 / 2**0.5, rel=0.03)


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_each_micro_turn_gives_200_ms(audio_format: AudioFormat) -> None:
    encoder = Encoder(audio_format)
    time_N = np.arange(10 * OUTPUT_SAMPLES) / 24_000
    tone = (0.5 * np.sin(2 * np.pi * 440 * time_N)).astype(np.float32)
    pieces = [
        encoder.feed(tone[i : i + OUTPUT_SAMPLES]) for i in range(0, len(tone), OUTPUT_SAMPLES)
    ]
    assert {audio_format.duration_ms(len(piece)) for piece in pieces} == {200.0}
    back = Decoder(audio_format).feed(b"".join(pieces[2:8]))[1_600:12_800]
    assert float(np.sqrt(np.mean(back**2))) == pytest.approx(0.5 / 2**0.5, rel=0.03)


def test_loud_speech_is_clipped_not_wrapped() -> None:
    loud = np.full(OUTPUT_SAMPLES, 1.5, np.float32)
    assert set(np.frombuffer(Encoder(AudioFormat()).feed(loud), "<i2")) == {32_767}
    assert set(np.frombuffer(Encoder(AudioFormat()).feed(-loud), "<i2")) == {-32_768}


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="got 5; keep samples whole"):
        Decoder(AudioFormat()).feed(bytes(5))
