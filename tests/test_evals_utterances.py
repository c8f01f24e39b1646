"""Utterances: cut from sound, with the text that plays in them; the two clocks; the detectors."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from microturn.evals.record import SystemFacts, Tick
from microturn.evals.timeline import output_track, play_times
from microturn.evals.utterances import merge, to_voiced, utterances, voiced_span
from microturn.evals.vad import EnergyVad, load_vad
from microturn.turns import OUTPUT_RATE_HZ, FloatArray

PER_MS = OUTPUT_RATE_HZ // 1000
ENERGY = EnergyVad()


def buzz(end_ms: int, *spans: tuple[int, int], level: float = 0.2) -> FloatArray:
    """Sound in these spans, to the sample."""
    audio = np.zeros(end_ms * PER_MS, dtype=np.float32)
    for start, end in spans:
        time = np.arange((end - start) * PER_MS) / OUTPUT_RATE_HZ
        audio[start * PER_MS : end * PER_MS] = level * np.cos(2 * np.pi * 150 * time)
    return audio


def test_gaps_up_to_the_limit_are_merged() -> None:
    assert merge([(0, 100), (600, 700)], 500) == [(0, 700)]
    assert merge([(0, 100), (601, 700)], 500) == [(0, 100), (601, 700)]
    assert merge([(300, 400), (0, 900)], 500) == [(0, 900)]


def test_the_onset_is_the_first_voiced_sample_not_the_tick() -> None:
    audio = buzz(4000, (1237, 2003))
    found = utterances(audio, OUTPUT_RATE_HZ, ENERGY)
    assert [(u.t0, u.t1, u.word_source) for u in found] == [(1237, 2003, "vad")]
    # Negative control: what the detector alone says is a border of its 10 ms frames.
    assert ENERGY(audio, OUTPUT_RATE_HZ) == [(1230, 2010)]


def test_short_sounds_are_no_speech_and_long_gaps_part() -> None:
    audio = buzz(8000, (1000, 1240), (2000, 2400), (2880, 3200), (3701, 4100))
    found = utterances(audio, OUTPUT_RATE_HZ, ENERGY)
    assert [(u.t0, u.t1) for u in found] == [(2000, 3200), (3701, 4100)]
    assert utterances(audio * 0.001, OUTPUT_RATE_HZ, ENERGY) == ()


def test_a_late_detector_is_mended_by_at_most_100_ms() -> None:
    audio = buzz(4000, (1000, 2000))
    assert to_voiced(audio, OUTPUT_RATE_HZ, [(1090, 2030)]) == [(1000, 2000)]
    assert to_voiced(audio, OUTPUT_RATE_HZ, [(1500, 2030)]) == [(1400, 2000)]


def test_text_belongs_to_the_utterance_that_plays() -> None:
    ticks = [Tick(i, (200 * i, 200 * i + 200)) for i in range(20)]
    for i, text in ((4, " hello"), (5, " there"), (12, " bye"), (17, " unheard")):
        ticks[i] = Tick(i, ticks[i].in_ms, text)
    plays = play_times(ticks, SystemFacts("s"))
    audio = buzz(4200, (1050, 1600), (2600, 2900))
    first, second = utterances(audio, OUTPUT_RATE_HZ, ENERGY, ticks, plays)
    assert (first.text, second.text) == ("hello there", "bye")
    assert [word for word, _, _ in first.words] == ["hello", "there"]
    assert first.words[0][1] >= 1050 and first.words[1][1] >= 1200 and second.words[0][1] >= 2600
    assert all(a < b <= first.t1 for _, a, b in first.words)


def test_text_may_come_a_little_before_its_sound_but_not_without() -> None:
    ticks = [Tick(0, (0, 200), " early"), Tick(1, (200, 400))]
    audio = buzz(2000, (750, 1200))
    (only,) = utterances(audio, OUTPUT_RATE_HZ, ENERGY, ticks, [200, 400])
    assert only.words == (("early", 750, 750),)
    # Written only when the sound is long under way: the latency is still that of the sound.
    slow = [Tick(i, (200 * i, 200 * i + 200), " late" if i == 3 else "") for i in range(4)]
    (only,) = utterances(
        buzz(2000, (250, 1200)), OUTPUT_RATE_HZ, ENERGY, slow, [200, 400, 600, 800]
    )
    assert only.words[0][1] == 250
    audio = buzz(2000, (850, 1200))
    assert utterances(audio, OUTPUT_RATE_HZ, ENERGY, ticks, [200, 400])[0].text == ""


def test_words_without_sound_are_lost_and_others_cut_to_the_sound() -> None:
    audio = buzz(4000, (1000, 1600))
    words = [("claimed", 100, 300), ("real", 900, 1200), ("also", 1300, 1900)]
    (only,) = utterances(audio, OUTPUT_RATE_HZ, ENERGY, words=words)
    assert only.words == (("real", 1000, 1200), ("also", 1300, 1600))
    assert only.word_source == "asr" and only.text == "real also"


def test_lockstep_leaves_compute_out_and_wallclock_adds_it() -> None:
    ticks = [Tick(i, (200 * i, 200 * i + 200), compute_ms=ms) for i, ms in enumerate((37, 450, 10))]
    assert play_times(ticks, SystemFacts("s")) == [200, 400, 600]
    wall = SystemFacts("s", clock="wallclock", playback_ms=20)
    # 200 + 37 + 20; 400 + 450 + 20; the third is ready at 880 and waits until the second is out.
    assert play_times(ticks, wall) == [257, 870, 1070]
    sounds = [np.full(200 * PER_MS, level, dtype=np.float32) for level in (0.1, 0.2, 0.3)]
    track = output_track(sounds, [257, 870, 1070], 1100)
    assert len(track) == 1100 * PER_MS
    assert track[256 * PER_MS] == 0 and track[257 * PER_MS] == np.float32(0.1)
    assert track[-1] == np.float32(0.3)


def test_the_voiced_part_of_a_tick() -> None:
    assert voiced_span(buzz(200, (40, 200)), OUTPUT_RATE_HZ) == (40, 200)
    assert voiced_span(np.zeros(4800, np.float32), OUTPUT_RATE_HZ) is None


def test_detectors_have_names() -> None:
    assert load_vad("energy").name == "energy"
    with pytest.raises(ValueError, match="no VAD 'loud'"):
        load_vad("loud")


def test_silero_where_it_is_installed_else_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert load_vad().name == "energy"
    with pytest.raises(ValueError, match=r"pip install 'microturn\[evals\]'"):
        load_vad("silero")


def voice(end_ms: int, start_ms: int, stop_ms: int) -> FloatArray:
    """A buzz through moving formants, with syllables: what a detector of speech takes for it."""
    rate, num = OUTPUT_RATE_HZ, (stop_ms - start_ms) * PER_MS
    time = np.arange(num) / rate
    pitch = 120 * (1 + 0.08 * np.sin(2 * np.pi * 2.3 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = np.zeros(num)
    first, second = (
        550 + 200 * np.sin(2 * np.pi * 3 * time),
        1500 + 500 * np.sin(2 * np.pi * 2 * time),
    )
    for k in range(1, 40):
        hz = k * pitch
        gain = 1 / (1 + ((hz - first) / 90) ** 2) + 0.6 / (1 + ((hz - second) / 120) ** 2)
        sound += gain * np.cos(k * phase)
    sound *= 0.6 + 0.4 * np.cos(2 * np.pi * 4 * time)
    audio = np.zeros(end_ms * PER_MS, dtype=np.float32)
    audio[start_ms * PER_MS : stop_ms * PER_MS] = 0.3 * sound / np.abs(sound).max()
    return audio


def test_silero_finds_a_voice_and_not_noise() -> None:
    silero = load_vad("silero")
    assert silero.name.startswith("silero-vad-6")
    found = utterances(voice(5000, 1500, 3200), OUTPUT_RATE_HZ, silero)
    assert len(found) == 1
    assert abs(found[0].t0 - 1500) <= 150 and abs(found[0].t1 - 3200) <= 150
    noise = 0.02 * np.random.default_rng(0).standard_normal(3 * OUTPUT_RATE_HZ)
    assert silero(noise.astype(np.float32), OUTPUT_RATE_HZ) == []
    assert ENERGY(noise.astype(np.float32), OUTPUT_RATE_HZ) != [], "the control: energy hears it"
