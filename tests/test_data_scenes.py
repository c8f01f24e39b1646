"""Scenes: pictures of the right shape, the same at the same time, that show what they should."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from microturn.data.drawing import COLORS, MARGIN
from microturn.data.render import patches_at
from microturn.data.scenes import Camera, Room, Steps, filmed, seen_ms, some_room
from microturn.data.scenes_motion import Ball, Fan, Pendulum, Stirring, Tap, Typing
from microturn.data.scenes_people import Action, Exercise, some_look
from microturn.data.scenes_places import (
    OPENING_MS,
    TURNING_MS,
    Card,
    Desk,
    Entrance,
    Hidden,
    Visit,
)
from microturn.data.scenes_screen import Line, Screen
from microturn.data.scenes_things import THINGS, Held, Sign, some_places
from microturn.data.timeline import Scene, Timeline

RNG = random.Random(3)
ROOM = Room()
LOOK = some_look(random.Random(1))
SPANS = ((1000, 4000),)
LINES = (Line(1, "x = 1", -9000), Line(2, "retrun x", 1000, True, True))
SCENES = {  # something changes between 1,000 and 4,000 ms
    **{what: Exercise(ROOM, LOOK, what, SPANS)
       for what in ("jumping jacks", "squats", "push ups", "arm raises")},
    **{what: Action(ROOM, LOOK, what, SPANS)
       for what in ("wave", "walk", "squat", "push up", "jumping jack")},
    "ball": Ball(ROOM, "red", SPANS),
    "pendulum": Pendulum(ROOM, "red", SPANS),
    "tap": Tap(ROOM, SPANS),
    "fan": Fan(ROOM, "red", SPANS),
    "typing": Typing(ROOM, SPANS),
    "stirring": Stirring(ROOM, SPANS),
    "held": Held(ROOM, LOOK, ((1000, 4000, ("key", "blue")),)),
    "dots": Held(ROOM, LOOK, ((1000, 4000, Sign("dots", "7", places=some_places(RNG, 7))),)),
    "curtain": Hidden(ROOM, "curtain", "red", ("key", "blue"), 1000),
    "door": Hidden(ROOM, "door", "red", ("key", "blue"), 1000),
    "lamp": Hidden(ROOM, "lamp", "red", ("key", "blue"), 1000),
    "card": Card(ROOM, Sign("word", "HELLO"), 1000),
    "entrance": Entrance(ROOM, (Visit(LOOK, 1000, 4000, "Ben"),)),
    "desk": Desk(ROOM, LOOK, SPANS, 4000),
    "screen": Screen(LINES, ((0, "running"), (2400, "failed"))),
}  # fmt: skip


def far(a: np.ndarray, b: np.ndarray) -> float:
    """Share of values that differ clearly."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 40).mean())


@pytest.mark.parametrize("name", SCENES)
def test_pictures(name):
    scene = SCENES[name]
    assert isinstance(scene, Scene)
    before, during = scene.image(600), scene.image(2200)
    assert before.shape == during.shape == (120, 160, 3)
    assert before.dtype == during.dtype == np.uint8
    assert far(before, during) > 0.002
    scene.image(3000)
    assert np.array_equal(scene.image(2200), during)


def test_what_rests_stays():
    for name in ("ball", "pendulum", "tap", "fan", "typing", "stirring", "card", "lamp"):
        assert np.array_equal(SCENES[name].image(0), SCENES[name].image(800)), name


def test_things_differ():
    shown = {
        thing: Held(ROOM, LOOK, ((0, 9000, (thing, "green")),)).image(2000) for thing in THINGS
    }
    assert len(shown) == 20
    for a, b in itertools.combinations(shown, 2):
        assert far(shown[a], shown[b]) > 0.01, (a, b)


def test_things_have_their_color():
    empty = Held(ROOM, LOOK, ()).image(2000)
    for thing in THINGS:
        image = Held(ROOM, LOOK, ((0, 9000, (thing, "red")),)).image(2000).astype(int)
        is_red = np.abs(image - COLORS["red"]).sum(-1) < 60
        was_red = np.abs(empty.astype(int) - COLORS["red"]).sum(-1) < 60
        assert is_red.sum() - was_red.sum() > 60, thing


@pytest.mark.parametrize(
    ("cover", "lag_ms"), [("curtain", OPENING_MS), ("door", OPENING_MS), ("lamp", 0)]
)
def test_nothing_shows_what_is_hidden(cover, lag_ms):
    a = Hidden(ROOM, cover, "red", ("key", "blue"), 2000)
    b = Hidden(ROOM, cover, "red", ("chair", "green"), 2000)
    closed = Hidden(ROOM, cover, "red", ("key", "blue"), None)
    for time_ms in (0, 1000, 2000):
        assert np.array_equal(a.image(time_ms), b.image(time_ms))
    opened_ms = 2000 + max(1, lag_ms)
    assert far(a.image(opened_ms), b.image(opened_ms)) > 0.01
    assert np.array_equal(closed.image(opened_ms), closed.image(0))


def test_a_card_is_read_only_when_turned():
    a, b = (Card(ROOM, Sign("number", digit), 1000) for digit in "38")
    for time_ms in (0, 1000, 1000 + TURNING_MS // 2):
        assert np.array_equal(a.image(time_ms), b.image(time_ms))
    assert far(a.image(1000 + TURNING_MS), b.image(1000 + TURNING_MS)) > 0.005


def test_visitors_differ_by_tag_and_shirt():
    look = some_look(random.Random(5), "red")
    other = some_look(random.Random(5), "green")
    images = [
        Entrance(ROOM, (Visit(look, 0, 5000, "Ben"),)).image(1000),
        Entrance(ROOM, (Visit(look, 0, 5000, "Clara"),)).image(1000),
        Entrance(ROOM, (Visit(other, 0, 5000, "Ben"),)).image(1000),
    ]
    assert all(far(a, b) > 0.003 for a, b in itertools.combinations(images, 2))


def test_a_line_is_underlined_when_it_is_typed():
    line = LINES[1]
    plain = Screen((LINES[0], Line(2, "retrun x", 1000, True)))
    marked = Screen(LINES)
    assert np.array_equal(plain.image(line.end_ms - 1), marked.image(line.end_ms - 1))
    assert not np.array_equal(plain.image(line.end_ms), marked.image(line.end_ms))
    assert line.shown(line.end_ms) == line.text and line.shown(line.from_ms) == ""


# ---- camera


def test_a_camera_is_a_function_of_time():
    camera = Camera(SCENES["ball"], 7, 4.0, 8.0, (0.9, 0.8, 0.7), (0.1, -0.1), 0.5)
    image = camera.image(600)
    camera.image(800)
    assert np.array_equal(camera.image(600), image)
    assert not np.array_equal(camera.image(800), image)  # the ball rests; the hand does not
    other = Camera(SCENES["ball"], 8, 4.0, 8.0, (0.9, 0.8, 0.7), (0.1, -0.1), 0.5)
    assert not np.array_equal(other.image(600), image)


def test_a_plain_camera_changes_nothing():
    assert np.array_equal(Camera(SCENES["fan"]).image(2200), SCENES["fan"].image(2200))


def test_a_camera_shakes_within_the_margin():
    rng = random.Random(0)
    cameras = [filmed(rng, SCENES["ball"]) for _ in range(100)]
    shaken = [camera for camera in cameras if isinstance(camera, Camera)]
    assert 60 < len(shaken) < 100
    for camera in shaken:
        for time_ms in range(0, 20_000, 200):
            assert max(map(abs, camera.shake(time_ms))) <= MARGIN
        assert camera.image(400).shape == (120, 160, 3)


def test_steps():
    steps = Steps(((0, SCENES["ball"]), (2000, SCENES["tap"])))
    assert np.array_equal(steps.image(1800), SCENES["ball"].image(1800))
    assert np.array_equal(steps.image(2000), SCENES["tap"].image(2000))


def test_any_room():
    for seed in range(20):
        assert filmed(random.Random(seed), Ball(some_room(random.Random(seed)), "red", ())).image(
            0
        ).shape == (120, 160, 3)


# ---- when something has been seen


class Switch:
    """White from a time on."""

    def __init__(self, change_ms: int) -> None:
        self.change_ms = change_ms

    def image(self, time_ms: int) -> np.ndarray:
        return np.full((120, 160, 3), 255 * (time_ms >= self.change_ms), dtype=np.uint8)


def test_seen_is_when_the_first_pair_has_closed():
    """As pictures are laid into micro-turns: an answer plays in the micro-turn after the pair."""
    for change_ms in (1, 199, 200, 201, 399, 400, 401, 599, 600, 1000, 1234):
        timeline = Timeline(4000, (), scene=Switch(change_ms), scene_ms=(0, 4000))
        first = next(
            index
            for index in range(20)
            if (patches := patches_at(timeline, index)) is not None and patches.max() == 255
        )
        assert seen_ms(change_ms) == (first + 1) * 200
        assert seen_ms(change_ms) - change_ms <= 600
