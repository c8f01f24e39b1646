"""Each way to make the sound harder does what it says, and nothing when it is off."""

from __future__ import annotations

import random

import numpy as np
import pytest

from microturn.data.mix import (
    CONTROL_TARGET,
    Sound,
    at_microphone,
    by_telephone,
    coloured_noise,
    control_gain,
    delay_packets,
    in_room,
    lose_packets,
    place,
    rough,
    suppress_noise,
)


def tone(hz, seconds=1.0, rate_hz=16_000):
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def rng():
    return np.random.default_rng(4)


def test_off_is_off():
    voice = tone(500)
    np.testing.assert_array_equal(at_microphone(voice, None, Sound()), voice)


def test_place_leaves_out_what_does_not_fit():
    track = np.zeros(10, dtype=np.float32)
    place(track, np.ones(4, dtype=np.float32), 8)
    place(track, np.ones(4, dtype=np.float32), 20)
    assert track.tolist() == [0] * 8 + [1, 1]


@pytest.mark.parametrize("tilt", [0.0, 1.0, 2.0])
def test_noise_has_its_colour(tilt):
    noise = coloured_noise(65_536, tilt, rng())
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    power = np.abs(np.fft.rfft(noise)) ** 2
    bands = [power[start : 2 * start].mean() for start in (1024, 2048, 4096, 8192)]
    slope = np.polyfit(range(4), np.log2(bands), 1)[0]
    assert slope == pytest.approx(-tilt, abs=0.15)


def test_room_adds_a_tail_and_no_delay():
    click = np.zeros(16_000, dtype=np.float32)
    click[1000] = 1.0
    wet = in_room(click, 0.4, rng())
    assert np.argmax(np.abs(wet)) == 1000
    assert np.abs(wet[:1000]).max() < 1e-6
    early, late = (np.abs(wet[at : at + 800]).mean() for at in (1100, 6000))
    assert early > 10 * late > 0


def test_telephone_keeps_its_band():
    for hz, is_kept in ((100, False), (1000, True), (6000, False)):
        level = by_telephone(tone(hz)).std() / tone(hz).std()
        assert level > 0.9 if is_kept else level < 0.1


def test_packets_are_lost_whole():
    track = np.ones(16_000, dtype=np.float32)
    left = lose_packets(track, 0.3, rng()).reshape(-1, 320)
    assert (left.min(1) == left.max(1)).all()
    assert 0.15 < (left[:, 0] == 0).mean() < 0.45


def test_echo_comes_late_and_quiet():
    own = np.zeros(24_000, dtype=np.float32)
    own[2400:4800] = tone(800, 0.1, 24_000)
    track = at_microphone(np.zeros(16_000, dtype=np.float32), own, Sound(echo=0.1, echo_ms=100))
    assert np.abs(track[: 16 * 199]).max() < 0.005
    assert np.abs(track[16 * 205 : 16 * 295]).max() == pytest.approx(0.05, rel=0.1)
    assert np.abs(track[16 * 302 :]).max() < 0.005
    with pytest.raises(ValueError, match="an echo needs"):
        at_microphone(own, None, Sound(echo=0.1))


def test_rough_keeps_the_voice_and_stays_in_range():
    base = Sound(0.9, 0.006, 3)
    made = [rough(base, random.Random(seed)) for seed in range(40)]
    assert {(sound.gain, sound.seed) for sound in made} == {(0.9, 3)}
    assert {sound.room for sound in made} == {None}
    assert all(0.002 <= sound.noise <= 0.02 for sound in made)
    assert {sound.has_control for sound in made} == {sound.has_suppression for sound in made}
    assert {sound.is_telephone for sound in made} == {True, False}
    for sound in made:
        track = at_microphone(tone(500), tone(300, 1.0, 24_000), sound)
        assert len(track) == 16_000
        assert np.isfinite(track).all()
        assert np.abs(track).max() <= 1.0
        np.testing.assert_array_equal(
            track, at_microphone(tone(500), tone(300, 1.0, 24_000), sound)
        )


def test_a_telephone_has_coarse_samples():
    voice = tone(1000)
    plain, coarse = by_telephone(voice), by_telephone(voice, "pcmu")
    assert len(coarse) == len(voice)
    error = np.abs(plain - coarse)[800:-800]
    assert 1e-4 < error.max() < 0.05


@pytest.mark.parametrize("level", [0.02, 0.5])
def test_gain_control_aims_at_one_level(level):
    controlled = control_gain(tone(300, 6.0) * level / 0.5)
    end = controlled[-16_000:]
    assert np.sqrt((end**2).mean()) == pytest.approx(CONTROL_TARGET, rel=0.2)
    silence = np.full(32_000, 1e-4, dtype=np.float32)
    np.testing.assert_array_equal(control_gain(silence), silence)


def test_suppression_keeps_speech_and_turns_noise_down():
    noise = 0.02 * coloured_noise(64_000, 0.0, rng())
    noisy = noise.copy()
    noisy[20_000:40_000] += tone(500, 20_000 / 16_000)
    clean = suppress_noise(noisy)
    assert len(clean) == len(noisy)
    assert clean[:16_000].std() < 0.5 * noise[:16_000].std()
    assert clean[24_000:36_000].std() == pytest.approx(noisy[24_000:36_000].std(), rel=0.1)


def test_late_packets_come_later_and_are_caught_up():
    track = np.zeros(64_000, dtype=np.float32)
    track[::4000] = 1.0
    late = delay_packets(track, 80, rng())
    assert len(late) == len(track)
    clicks = np.flatnonzero(late)
    assert len(clicks) == 16  # the skipped place was quiet
    shifts = set((clicks - np.flatnonzero(track)).tolist())
    assert shifts == {0, 80 * 16}
    np.testing.assert_array_equal(delay_packets(track[:1000], 80, rng()), track[:1000])
