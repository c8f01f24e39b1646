"""Shoebox rooms: places inside, the direct sound first, longer tails in livelier rooms."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from microturn.data import rooms
from microturn.data.mix import Sound, at_microphone, rough
from microturn.data.rooms import convolve, draw_room, from_direct, responses


def test_places_are_inside():
    for seed in range(200):
        room = draw_room(random.Random(seed))
        for place in (room.microphone_m, room.user_m, room.loudspeaker_m, room.other_m):
            assert all(0 < at < side for at, side in zip(place, room.size_m, strict=True))
        assert room == draw_room(random.Random(seed))


def test_the_direct_sound_is_first_and_whole():
    for seed in range(4):
        for response in responses(draw_room(random.Random(seed))).values():
            assert response[0] == 1.0
            assert np.isfinite(response).all()


def test_a_livelier_room_rings_longer():
    room = draw_room(random.Random(3))
    tails = []
    for reverberation_s in (0.2, 0.6):
        response = responses(replace(room, reverberation_s=reverberation_s))["user"]
        tails.append(float((response[1600:] ** 2).sum()))
    assert tails[1] > 3 * tails[0]


def test_a_response_is_cut_at_its_direct_sound():
    response = np.zeros(400, dtype=np.float32)
    response[[100, 140, 300]] = (0.2, 0.5, 0.1)
    cut = from_direct(response)
    assert len(cut) == 260
    assert (cut[0], cut[160]) == (1.0, pytest.approx(0.2))


def test_convolution_is_convolution():
    rng = np.random.default_rng(0)
    track, response = rng.normal(size=500).astype("f"), rng.normal(size=60).astype("f")
    np.testing.assert_allclose(
        convolve(track, response), np.convolve(track, response)[:500], atol=1e-4
    )


def test_a_room_changes_the_sound_and_is_repeatable():
    voice = np.sin(np.arange(16_000) / 5).astype(np.float32) * 0.3
    harder = [rough(Sound(0.5, 0.001, 7), random.Random(seed), has_rooms=True) for seed in range(9)]
    assert any(sound.room is not None for sound in harder)
    assert all(sound.room_s == 0 for sound in harder)
    sound = Sound(0.5, 0.0, 7, room=draw_room(random.Random(1)))
    wet = at_microphone(voice, None, sound, other=voice[::-1].copy())
    assert np.abs(wet - voice).max() > 0.01
    np.testing.assert_array_equal(wet, at_microphone(voice, None, sound, other=voice[::-1].copy()))


def test_without_the_package_the_remedy_is_named(monkeypatch):
    def without(name, *args):
        raise ImportError(name)

    monkeypatch.setattr(rooms.importlib, "import_module", without)
    with pytest.raises(ValueError, match=r"pip install 'microturn\[data\]'"):
        responses(draw_room(random.Random(0)))
