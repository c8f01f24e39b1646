"""People with joints: standing, moving, sitting, seen from the front or from the side.

A person is 1 high and stands at the origin; y goes down, so that the head is at -0.9. Elbows and
knees follow from where hands and feet are.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from PIL import Image

from microturn.data.drawing import COLORS, Color, Drawn, Pen, Point, darker, mixed
from microturn.data.scenes import Room, room_image

SKINS: tuple[Color, ...] = (
    (244, 208, 178), (228, 180, 142), (198, 144, 104), (156, 104, 72), (112, 72, 50), (84, 54, 40),
)  # fmt: skip
HAIRS: tuple[Color, ...] = (
    (34, 26, 22), (80, 50, 30), (150, 100, 50), (214, 178, 104), (150, 60, 30), (170, 170, 172),
)  # fmt: skip
TROUSERS = ("blue", "black", "grey", "brown", "green")
SHIRTS = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black", "pink", "brown")
SHOULDER_Y, HIP_Y, HEAD_Y = -0.80, -0.50, -0.90
SHOULDER_X, HIP_X = 0.11, 0.06
ARM, LEG = 0.175, 0.25  # of each of the two parts


@dataclass(frozen=True)
class Look:
    """How somebody looks: height in pixels, mirrored or not, the colours of everything."""

    height: float = 96.0
    is_mirrored: bool = False
    skin: Color = SKINS[1]
    shirt: Color = COLORS["red"]
    trousers: Color = COLORS["blue"]
    hair: Color = HAIRS[1]
    has_long_hair: bool = False
    has_long_sleeves: bool = True
    thickness: float = 1.0


def some_look(rng: random.Random, shirt: str | None = None) -> Look:
    """Anybody; in a shirt of that colour, if one is given."""
    color = rng.choice(SHIRTS) if shirt is None else shirt
    trousers = rng.choice([name for name in TROUSERS if name != color])
    return Look(
        height=round(rng.uniform(74, 104), 1),
        is_mirrored=rng.random() < 0.5,
        skin=rng.choice(SKINS),
        shirt=COLORS[color],
        trousers=mixed(COLORS[trousers], (60, 60, 70), rng.uniform(0.1, 0.5)),
        hair=rng.choice(HAIRS),
        has_long_hair=rng.random() < 0.4,
        has_long_sleeves=rng.random() < 0.5,
        thickness=round(rng.uniform(0.85, 1.25), 2),
    )


@dataclass(frozen=True)
class Pose:
    """Where the joints are. From the side both shoulders are one, and so are both hips.

    elbows and knees bend towards `bends` (arms, legs), +1 or -1, for left and right.
    """

    hip: Point = (0.0, HIP_Y)
    neck: Point = (0.0, SHOULDER_Y)
    head: Point = (0.0, HEAD_Y)
    hands: tuple[Point, Point] = ((-0.15, -0.47), (0.15, -0.47))
    feet: tuple[Point, Point] = ((-0.07, 0.0), (0.07, 0.0))
    is_front: bool = True
    bends: tuple[tuple[float, float], tuple[float, float]] = ((1, -1), (1, -1))


def bent(a: Point, b: Point, part: float, side: float) -> Point:
    """The joint between two points that two parts of equal length connect."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    distance = max(1e-6, math.hypot(dx, dy))
    out = math.sqrt(max(0.0, part * part - distance * distance / 4)) * side / distance
    return (a[0] + dx / 2 - dy * out, a[1] + dy / 2 + dx * out)


def reach(start: Point, length: float, angle_deg: float) -> Point:
    """A point at a distance; the angle is 0 downwards and grows towards +x."""
    angle = math.radians(angle_deg)
    return (start[0] + length * math.sin(angle), start[1] + length * math.cos(angle))


# ---- poses of what is done; `open_` and `phase` go from 0 to 1


def arms_up(open_: float, left: bool = True, right: bool = True) -> Pose:
    """One arm or both raised sideways, from hanging to above the head."""
    angle = 12 + 156 * open_
    hands = (
        reach((-SHOULDER_X, SHOULDER_Y), 2 * ARM - 0.005, -(angle if left else 12)),
        reach((SHOULDER_X, SHOULDER_Y), 2 * ARM - 0.005, angle if right else 12),
    )
    return Pose(hands=hands)


def jack(open_: float) -> Pose:
    """Arms up and legs apart at the same time."""
    pose, spread, hop = arms_up(open_), 0.06 + 0.17 * open_, -0.05 * math.sin(math.pi * open_)
    drop = 2 * LEG - math.sqrt((2 * LEG) ** 2 - (spread - HIP_X) ** 2) + hop
    return replace(
        pose,
        hip=(0.0, HIP_Y + drop),
        neck=(0.0, SHOULDER_Y + drop),
        head=(0.0, HEAD_Y + drop),
        hands=(
            (pose.hands[0][0], pose.hands[0][1] + drop),
            (pose.hands[1][0], pose.hands[1][1] + drop),
        ),
        feet=((-spread, hop), (spread, hop)),
    )


def squat(open_: float, is_front: bool) -> Pose:
    """The hips go down, the arms forward."""
    drop = 0.25 * open_
    if is_front:
        x, y = 0.16 - 0.06 * open_, -0.47 - 0.12 * open_ + drop
        return Pose(
            (0.0, HIP_Y + drop), (0.0, SHOULDER_Y + drop), (0.0, HEAD_Y + drop),
            ((-x, y), (x, y)), ((-0.10, 0.0), (0.10, 0.0)),
        )  # fmt: skip
    hip = (-0.17 * open_, HIP_Y + drop)
    neck = (hip[0] + 0.16 * open_, hip[1] - 0.30 + 0.05 * open_)
    hand = reach(neck, 2 * ARM - 0.01, 8 + 78 * open_)
    return Pose(
        hip, neck, (neck[0] + 0.03, neck[1] - 0.10), (hand, (hand[0] - 0.02, hand[1] + 0.01)),
        ((0.0, 0.0), (0.03, 0.0)), False, ((1, 1), (-1, -1)),
    )  # fmt: skip


def push_up(open_: float) -> Pose:
    """On hands and toes; the elbows bend."""
    toes = (-0.42, -0.02)
    height = 0.33 - 0.22 * open_
    along = math.sqrt(0.80**2 - (height - 0.02) ** 2)
    neck = (toes[0] + along, -height)
    hip = (toes[0] + along * 0.62, -0.02 - (height - 0.02) * 0.62)
    hand = (toes[0] + 0.74, 0.0)
    return Pose(
        hip, neck, (neck[0] + 0.10, neck[1] - 0.03), (hand, (hand[0] + 0.02, 0.0)),
        (toes, (toes[0] + 0.01, -0.02)), False, ((1, 1), (1, 1)),
    )  # fmt: skip


def wave(phase: float) -> Pose:
    """One hand is up and goes to and fro."""
    shoulder = (SHOULDER_X, SHOULDER_Y)
    elbow = reach(shoulder, ARM, 115)
    hand = reach(elbow, ARM, 175 + 32 * math.sin(2 * math.pi * phase))
    return replace(Pose(), hands=((-0.15, -0.47), hand), bends=((1, 1), (1, -1)))


def walk(phase: float) -> Pose:
    """From the side, one leg before the other."""
    swing = math.sin(2 * math.pi * phase)
    lift = (max(0.0, math.cos(2 * math.pi * phase)), max(0.0, -math.cos(2 * math.pi * phase)))
    feet = ((0.17 * swing, -0.05 * lift[0]), (-0.17 * swing, -0.05 * lift[1]))
    hip = (0.0, HIP_Y + 0.03 * abs(swing))
    neck = (0.01, hip[1] - 0.30)
    hands = (reach(neck, 2 * ARM - 0.02, -28 * swing), reach(neck, 2 * ARM - 0.02, 28 * swing))
    head = (0.02, neck[1] - 0.10)
    return Pose(hip, neck, head, hands, feet, False, ((1, 1), (-1, -1)))


def standing(is_front: bool) -> Pose:
    """Nothing is done."""
    return Pose() if is_front else squat(0.0, False)


def sitting(slouch: float) -> Pose:
    """On a chair, from the side; upright, or with a round back and a low head."""
    hip = (-0.10, -0.27)
    neck = reach(hip, 0.31, 180 - 40 * slouch)
    head = (neck[0] + 0.03 + 0.07 * slouch, neck[1] - 0.10 + 0.06 * slouch)
    hand = (0.22, -0.34)
    return Pose(
        hip, neck, head, (hand, (hand[0] + 0.02, hand[1])), ((0.16, 0.0), (0.18, 0.0)), False,
        ((1, 1), (-1, -1)),
    )  # fmt: skip


# ---- drawing


def paint_person(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw somebody; the pen's origin is where they stand, its unit their height."""
    shoulder_x, hip_x = (SHOULDER_X, HIP_X) if pose.is_front else (0.0, 0.0)
    thick = 0.062 * look.thickness
    shoulders = [(pose.neck[0] + side * shoulder_x, pose.neck[1]) for side in (-1, 1)]
    hips = [(pose.hip[0] + side * hip_x, pose.hip[1]) for side in (-1, 1)]
    if not pose.is_front:
        paint_arm(pen, look, shoulders[0], pose.hands[0], pose.bends[0][0], thick, 0.25)
    for number in (0, 1):
        knee = bent(hips[number], pose.feet[number], LEG, pose.bends[1][number])
        tone = darker(look.trousers, 0.2) if number == 0 and not pose.is_front else look.trousers
        pen.limb((hips[number], knee, pose.feet[number]), thick * 1.25, tone)
        toe = pose.feet[number][0] + (0.0 if pose.is_front else 0.05)
        pen.limb((pose.feet[number], (toe, pose.feet[number][1])), thick, darker(look.trousers))
    if pose.is_front:
        wide = 0.02 * look.thickness
        body = (
            (shoulders[0][0] - wide, shoulders[0][1] - 0.02), (shoulders[1][0] + wide,
            shoulders[1][1] - 0.02), (hips[1][0] + 0.045, hips[1][1] + 0.03),
            (hips[0][0] - 0.045, hips[0][1] + 0.03),
        )  # fmt: skip
        pen.poly(body, look.shirt)
    else:
        pen.limb((pose.neck, pose.hip), 0.14 * look.thickness, look.shirt)
    paint_head(pen, look, pose)
    for number in (0, 1) if pose.is_front else (1,):
        bend = pose.bends[0][number]
        paint_arm(pen, look, shoulders[number], pose.hands[number], bend, thick, 0.0)


def paint_arm(
    pen: Pen, look: Look, shoulder: Point, hand: Point, bend: float, thick: float, dark: float
) -> None:
    """One arm, with a sleeve."""
    elbow = bent(shoulder, hand, ARM, bend)
    sleeve = darker(look.shirt, 0.12 + dark)
    skin = darker(look.skin, dark)
    pen.limb((elbow, hand), thick * 0.85, sleeve if look.has_long_sleeves else skin)
    pen.limb((shoulder, elbow), thick, sleeve)
    pen.disc(*hand, thick * 0.62, skin)


def paint_head(pen: Pen, look: Look, pose: Pose) -> None:
    """Head, hair, and a face where it is seen."""
    x, y = pose.head
    if look.has_long_hair:
        pen.oval(x - (0.0 if pose.is_front else 0.03), y + 0.03, 0.09, 0.11, look.hair)
    pen.limb((pose.neck, (x, y)), 0.07, darker(look.skin, 0.12))
    pen.disc(x, y, 0.075, look.skin)
    top = [(x + 0.078 * math.cos(a), y - 0.012 + 0.075 * math.sin(a))
           for a in (math.radians(d) for d in range(170, 371, 20))]  # fmt: skip
    pen.poly(top, look.hair)
    if pose.is_front:
        for side in (-1, 1):
            pen.disc(x + side * 0.028, y + 0.01, 0.011, (30, 24, 24))
        pen.line(((x - 0.02, y + 0.045), (x + 0.02, y + 0.045)), 0.01, (150, 60, 60))
    else:
        pen.disc(x + 0.045, y + 0.01, 0.011, (30, 24, 24))


# ---- scenes


def in_span(spans: tuple[tuple[int, int], ...], time_ms: int) -> tuple[int, int] | None:
    """The span in which a time lies."""
    return next((span for span in spans if span[0] <= time_ms < span[1]), None)


def idle(pose: Pose, time_ms: int, seed: int) -> Pose:
    """Nobody stands quite still: the weight shifts a little."""
    shift = 0.008 * math.sin(time_ms / 900 + seed)
    return replace(
        pose,
        hip=(pose.hip[0] + shift, pose.hip[1]),
        neck=(pose.neck[0] + 1.4 * shift, pose.neck[1]),
        head=(pose.head[0] + 1.7 * shift, pose.head[1]),
    )


@dataclass(frozen=True)
class Exercise(Drawn):
    """Repetitions of a movement, each from rest to rest: (from ms, to ms)."""

    room: Room
    look: Look
    what: str
    beats: tuple[tuple[int, int], ...]
    x: float = 80.0
    ground_y: float = 110.0
    is_front: bool = True
    arms: tuple[bool, bool] = (True, True)

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def pose(self, open_: float) -> Pose:
        """`open_` is 0 at rest and 1 in the middle of a repetition."""
        if self.what == "jumping jacks":
            return jack(open_)
        if self.what == "squats":
            return squat(open_, self.is_front)
        if self.what == "push ups":
            return push_up(open_)
        return arms_up(open_, *self.arms)

    def paint(self, pen: Pen, time_ms: int) -> None:
        beat = in_span(self.beats, time_ms)
        phase = 0.0 if beat is None else (time_ms - beat[0]) / (beat[1] - beat[0])
        pose = self.pose((1 - math.cos(2 * math.pi * phase)) / 2)
        if beat is None:
            pose = idle(pose, time_ms, int(self.x))
        narrow = -1.0 if self.look.is_mirrored else 1.0
        paint_person(
            pen.at(self.x, self.ground_y, self.look.height, narrow=narrow), self.look, pose
        )


@dataclass(frozen=True)
class Action(Drawn):
    """Something done for a while: waves, walks, exercises; otherwise somebody stands there."""

    room: Room
    look: Look
    what: str  # wave, walk, squat, push up, jumping jack
    spans: tuple[tuple[int, int], ...]
    period_ms: int = 900
    x: float = 80.0
    ground_y: float = 110.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def pose(self, phase: float) -> Pose:
        open_ = (1 - math.cos(2 * math.pi * phase)) / 2
        if self.what == "wave":
            return wave(phase)
        if self.what == "walk":
            return walk(phase)
        if self.what == "squat":
            return squat(open_, False)
        return push_up(open_) if self.what == "push up" else jack(open_)

    def paint(self, pen: Pen, time_ms: int) -> None:
        span = in_span(self.spans, time_ms)
        done_ms = sum(max(0, min(time_ms, end) - start) for start, end in self.spans)
        walked = 12 * done_ms / 1000 if self.what == "walk" else 0.0
        way = -1.0 if self.look.is_mirrored else 1.0
        x = self.x + way * (min(walked, 70.0) - (35 if self.what == "walk" else 0))
        if span is None:
            at_rest = push_up(0.0) if self.what == "push up" else None
            is_front = self.what in ("wave", "jumping jack")
            pose = idle(at_rest or standing(is_front), time_ms, int(self.x))
        else:
            pose = self.pose((time_ms - span[0]) / self.period_ms)
        paint_person(pen.at(x, self.ground_y, self.look.height, narrow=way), self.look, pose)
