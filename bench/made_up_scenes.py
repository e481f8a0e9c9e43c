"""Made-up videos whose truth is known: people and vehicles drawn on textured ground, under the weather of real cameras.

A Scene is what is filmed, `frames` films it, and CASES is a table of scenes with what should be counted in them. Nothing in
here is cut to fit a detector: bodies are articulated, cars come from above and from the side, and the camera has noise,
flicker, shake, exposure steps, rain, shadows and night.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[Any]
Point = tuple[float, float]
Colour = tuple[int, int, int]

SHADOW_BRIGHTNESS = 0.6


@dataclass(frozen=True)
class Actor:
    """Something that moves: a body of `size` (share of the frame's height) along waypoints of (second, x, y), shares too.

    A person's point is between the feet and its size its height; a car's point is its middle and its size its length.
    Before the first and after the last waypoint it is not there.
    """

    body: Literal["person", "car_from_above", "car_from_the_side"]
    path: tuple[tuple[float, float, float], ...]
    size: float
    colour: Colour = (60, 60, 170)
    shadow: bool = False

    def at(self, second: float) -> tuple[Point, Point, float] | None:
        """Place, direction (unit vector) and the way gone so far, or None where it is not there."""
        gone = 0.0
        heading = (0.0, 1.0)
        for (t0, x0, y0), (t1, x1, y1) in zip(self.path, self.path[1:], strict=False):
            length = math.hypot(x1 - x0, y1 - y0)
            if length > 0:
                heading = ((x1 - x0) / length, (y1 - y0) / length)
            if t0 <= second <= t1:
                share = (second - t0) / (t1 - t0)
                return (x0 + share * (x1 - x0), y0 + share * (y1 - y0)), heading, gone + share * length
            gone += length
        return None


@dataclass(frozen=True)
class Scene:
    """What is filmed, and how. `gain` is the camera's exposure at a second."""

    actors: tuple[Actor, ...] = ()
    seconds: float = 10
    width: int = 640
    height: int = 360
    fps: float = 12.5
    ground: Literal["asphalt", "floor", "wall"] = "asphalt"
    noise: float = 3
    gain: Callable[[float], float] | None = None
    flicker: float = 0
    shake_px: float = 0
    rain: int = 0
    tree: bool = False
    pillar: tuple[float, float] | None = None
    """Left and right of something that hides what is behind it, shares of the width."""
    seed: int = 1


@dataclass(frozen=True)
class Case:
    """A scene and its truth."""

    scene: Scene = field(repr=False)
    people: int
    vehicles: int


def frames(scene: Scene) -> Iterator[tuple[int, Image]]:
    """(milliseconds, uint8 BGR) of each frame."""
    random = np.random.default_rng(scene.seed)
    ground = _ground(scene, random)
    for index in range(round(scene.seconds * scene.fps)):
        second = index / scene.fps
        yield round(second * 1000), _film(scene, ground, second, random)


def _ground(scene: Scene, random: np.random.Generator) -> Image:
    import cv2

    shape = (scene.height, scene.width)
    coarse = cv2.resize(random.normal(0, 1, (9, 16)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(random.normal(0, 1, shape).astype(np.float32), (0, 0), 1.2) * 3
    tint = {"asphalt": (100, 98, 96), "floor": (60, 105, 160), "wall": (205, 200, 190)}[scene.ground]
    image = np.array(tint, np.float32) + (coarse * 8 + fine * 4)[:, :, None]
    if scene.ground == "floor":
        for y in range(0, scene.height, max(6, scene.height // 18)):
            cv2.line(image, (0, y), (scene.width, y + scene.height // 20), (40, 70, 110), 1, cv2.LINE_AA)
    if scene.ground == "wall":
        image[int(scene.height * 0.7) :] = (70, 90, 120)
    if scene.ground == "asphalt":
        x = int(scene.width * 0.85)
        cv2.line(image, (x, 0), (x - scene.width // 8, scene.height // 8), (220, 220, 220), max(2, scene.width // 200))
    return np.clip(image, 0, 255).astype(np.uint8)


def _film(scene: Scene, ground: Image, second: float, random: np.random.Generator) -> Image:
    import cv2

    image = ground.copy()
    if scene.tree:
        _draw_tree(image, second)
    for actor in scene.actors:
        found = actor.at(second)
        if found is not None:
            _DRAW[actor.body](image, actor, *found)
    if scene.pillar is not None:
        left, right = (round(share * scene.width) for share in scene.pillar)
        image[:, left:right] = (130, 135, 140)
    if scene.shake_px:
        dx, dy = random.normal(0, scene.shake_px / 2, 2).clip(-scene.shake_px, scene.shake_px)
        moved = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        image = cv2.warpAffine(image, moved, (scene.width, scene.height), borderMode=cv2.BORDER_REPLICATE)
    light = 1.0 if scene.gain is None else scene.gain(second)
    if scene.flicker:
        light *= 1 + scene.flicker * math.sin(second * 17)
    exposed = image.astype(np.float32) * light
    if scene.rain:
        for x, y in random.uniform(0, 1, (scene.rain, 2)):
            start = (int(x * scene.width), int(y * scene.height))
            cv2.line(exposed, start, (start[0] + 2, start[1] + scene.height // 25), (190, 190, 190), 1, cv2.LINE_AA)
    if scene.noise:
        exposed += random.standard_normal(exposed.shape, np.float32) * scene.noise
    filmed: Image = np.clip(exposed, 0, 255).astype(np.uint8)
    return filmed


def _draw_tree(image: Image, second: float) -> None:
    import cv2

    height, width = image.shape[:2]
    for leaf in range(40):
        sway = math.sin(second * 2.3 + leaf) * width * 0.006
        centre = (int(width * (0.05 + 0.1 * (leaf % 8) / 8) + sway), int(height * (0.1 + 0.25 * (leaf // 8) / 5)))
        cv2.ellipse(image, centre, (width // 70, height // 60), leaf * 37, 0, 360, (40, 90 + leaf, 50), -1, cv2.LINE_AA)


def _draw_person(image: Image, actor: Actor, place: Point, heading: Point, gone: float) -> None:
    import cv2

    height, width = image.shape[:2]
    tall = actor.size * height
    x, y = place[0] * width, place[1] * height
    stride = math.sin(gone * height / (tall * 0.45) * math.pi)
    lean = 1 if heading[0] >= 0 else -1

    def limb(top: Point, bottom: Point, thickness: float, colour: Any) -> None:
        ends = [(round(x + px * tall), round(y - py * tall)) for px, py in (top, bottom)]
        cv2.line(image, ends[0], ends[1], colour, max(1, round(thickness * tall)), cv2.LINE_AA)

    if actor.shadow:
        _shade(image, [(x, y), (x + tall * 0.8, y - tall * 0.12), (x + tall * 0.8, y + tall * 0.02)])
    side = abs(heading[0])
    swing = 0.16 * stride * (0.4 + 0.6 * side) * lean
    dark = tuple(int(c * 0.5) for c in actor.colour)
    limb((0.03, 0.5), (0.03 + swing, 0.02), 0.085, dark)
    limb((-0.03, 0.5), (-0.03 - swing, 0.02 + 0.04 * abs(stride)), 0.085, (50, 45, 45))
    limb((0.09, 0.78), (0.12 - swing * 0.9, 0.47), 0.06, dark)
    limb((-0.09, 0.78), (-0.12 + swing * 0.9, 0.47), 0.06, dark)
    body = (round(x), round(y - 0.65 * tall))
    cv2.ellipse(image, body, (round(0.12 * tall), round(0.19 * tall)), 0, 0, 360, actor.colour, -1, cv2.LINE_AA)
    head = (round(x), round(y - 0.92 * tall))
    cv2.ellipse(image, head, (round(0.055 * tall), round(0.075 * tall)), 0, 0, 360, (40, 50, 60), -1, cv2.LINE_AA)


def _shade(image: Image, corners: list[Point]) -> None:
    import cv2

    mask: Image = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.array(corners, np.int32)], 1.0, cv2.LINE_AA)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.5)[:, :, None]
    image[:] = (image * (1 - mask * (1 - SHADOW_BRIGHTNESS))).astype(np.uint8)


def _draw_car_from_above(image: Image, actor: Actor, place: Point, heading: Point, gone: float) -> None:
    import cv2

    del gone
    height, width = image.shape[:2]
    centre = np.array([place[0] * width, place[1] * height])
    ahead = np.array([heading[0] * width, heading[1] * height])
    ahead /= np.linalg.norm(ahead)
    across = np.array([-ahead[1], ahead[0]])
    length = actor.size * height

    def corners(outline: list[Point]) -> npt.NDArray[np.int32]:
        return np.array([centre + (u * ahead + v * across) * length for u, v in outline]).round().astype(np.int32)

    body = corners(
        [(0.5, -0.13), (0.47, -0.2), (-0.47, -0.21), (-0.5, -0.15), (-0.5, 0.15), (-0.47, 0.21), (0.47, 0.2), (0.5, 0.13)]
    )
    if actor.shadow:
        _shade(image, [tuple(point) for point in (body + round(length * 0.12))])
    cv2.fillPoly(image, [body], actor.colour, cv2.LINE_AA)
    for outline in (
        [(0.25, -0.16), (0.12, -0.13), (0.12, 0.13), (0.25, 0.16)],
        [(-0.4, -0.15), (-0.3, -0.12), (-0.3, 0.12), (-0.4, 0.15)],
    ):
        cv2.fillPoly(image, [corners(outline)], (45, 40, 40), cv2.LINE_AA)
    light = tuple(min(255, c + 25) for c in actor.colour)
    cv2.fillPoly(image, [corners([(0.1, -0.12), (-0.28, -0.12), (-0.28, 0.12), (0.1, 0.12)])], light, cv2.LINE_AA)


def _draw_car_from_the_side(image: Image, actor: Actor, place: Point, heading: Point, gone: float) -> None:
    import cv2

    del gone
    height, width = image.shape[:2]
    x, y, length = place[0] * width, place[1] * height, actor.size * height
    lean = 1 if heading[0] >= 0 else -1

    def corners(outline: list[Point]) -> npt.NDArray[np.int32]:
        return np.array([(x + lean * u * length, y - v * length) for u, v in outline]).round().astype(np.int32)

    if actor.shadow:
        _shade(image, [tuple(p) for p in corners([(-0.5, -0.16), (0.5, -0.16), (0.55, -0.22), (-0.55, -0.22)])])
    cv2.fillPoly(
        image, [corners([(-0.5, -0.1), (0.5, -0.1), (0.49, 0.03), (0.28, 0.06), (-0.48, 0.06)])], actor.colour, cv2.LINE_AA
    )
    cv2.fillPoly(image, [corners([(0.28, 0.05), (0.12, 0.18), (-0.25, 0.18), (-0.4, 0.05)])], actor.colour, cv2.LINE_AA)
    cv2.fillPoly(image, [corners([(0.22, 0.06), (0.11, 0.155), (-0.22, 0.155), (-0.33, 0.06)])], (60, 50, 45), cv2.LINE_AA)
    for wheel in (-0.3, 0.3):
        centre = (round(x + lean * wheel * length), round(y + 0.1 * length))
        cv2.circle(image, centre, max(2, round(0.075 * length)), (25, 25, 25), -1, cv2.LINE_AA)


_DRAW: dict[str, Callable[..., None]] = {
    "person": _draw_person,
    "car_from_above": _draw_car_from_above,
    "car_from_the_side": _draw_car_from_the_side,
}


def person(start: float, *way: Point, speed: float = 0.28, size: float = 0.45, pause: float = 0, **looks: Any) -> Actor:
    """Somebody who walks from point to point at `speed` (frame heights a second), standing `pause` seconds at each in between."""
    return Actor("person", _timed(start, way, speed, pause), size, **looks)


def car(
    start: float, *way: Point, speed: float = 0.5, size: float = 0.55, pause: float = 0, side: bool = False, **looks: Any
) -> Actor:
    """A car on its way, seen from above or from the side."""
    return Actor("car_from_the_side" if side else "car_from_above", _timed(start, way, speed, pause), size, **looks)


def _timed(start: float, way: tuple[Point, ...], speed: float, pause: float) -> tuple[tuple[float, float, float], ...]:
    path = [(start, *way[0])]
    for index, (x, y) in enumerate(way[1:], 1):
        _, x0, y0 = path[-1]
        arrived = path[-1][0] + math.hypot((x - x0) * 16 / 9, y - y0) / speed
        path.append((arrived, x, y))
        if pause and index < len(way) - 1:
            path.append((arrived + pause, x, y))
    return tuple(path)


def _step(second: float, before: float, after: float) -> Callable[[float], float]:
    return lambda now: before if now < second else after


def _dip(start: float, end: float, depth: float) -> Callable[[float], float]:
    """An automatic exposure that is turned down between two moments, within half a second."""

    def gain(now: float) -> float:
        fall = min(1, max(0, (now - start) / 0.5))
        rise = min(1, max(0, (now - end) / 0.5))
        return 1 - depth * (fall - rise)

    return gain


RIGHT, LEFT = ((-0.2, 0.85), (1.2, 0.85)), ((1.2, 0.8), (-0.2, 0.8))
DOWN, UP = ((0.3, -0.4), (0.3, 1.4)), ((0.65, 1.4), (0.6, -0.4))
WHITE, SILVER, RED, BLUE, BLACK = (235, 235, 235), (190, 185, 180), (40, 40, 190), (160, 80, 40), (25, 25, 28)

_WALK = person(2, *RIGHT, colour=BLUE)
_DRIVE = car(2, *DOWN, colour=RED)

CASES: dict[str, Case] = {
    "nothing": Case(Scene(), 0, 0),
    "nothing, much noise": Case(Scene(noise=14), 0, 0),
    "nothing, flicker": Case(Scene(flicker=0.25), 0, 0),
    "nothing, exposure steps": Case(Scene(gain=lambda s: (1, 0.6, 1.3, 0.8)[int(s / 2.5) % 4]), 0, 0),
    "nothing, rain": Case(Scene(rain=120, noise=5), 0, 0),
    "nothing, shaking camera": Case(Scene(shake_px=2.5), 0, 0),
    "nothing, tree in the wind": Case(Scene(tree=True), 0, 0),
    "nothing, night": Case(Scene(gain=lambda _: 0.15, noise=5), 0, 0),
    "one walks": Case(Scene((_WALK,)), 1, 0),
    "one walks, 5 a second": Case(Scene((_WALK,), fps=5), 1, 0),
    "one walks, 30 a second": Case(Scene((_WALK,), fps=30), 1, 0),
    "one walks, 320x240": Case(Scene((_WALK,), width=320, height=240), 1, 0),
    "one walks, 1920x1080": Case(Scene((_WALK,), width=1920, height=1080, fps=10), 1, 0),
    "one walks, portrait": Case(Scene((person(2, *RIGHT, size=0.3, colour=RED),), width=360, height=640), 1, 0),
    "one walks, shadow": Case(Scene((replace(_WALK, shadow=True),)), 1, 0),
    "one walks, rain": Case(Scene((_WALK,), rain=120, noise=5), 1, 0),
    "one walks, night": Case(Scene((replace(_WALK, colour=(220, 220, 220)),), gain=lambda _: 0.3, noise=5), 1, 0),
    "one walks, shaking camera": Case(Scene((_WALK,), shake_px=2.5), 1, 0),
    "one walks, tree": Case(Scene((_WALK,), tree=True), 1, 0),
    "one walks, light goes on": Case(Scene((_WALK,), gain=_step(4, 0.5, 1)), 1, 0),
    "one walks, far away": Case(Scene((person(2, (-0.1, 0.6), (1.1, 0.6), size=0.16, speed=0.2, colour=RED),), seconds=14), 1, 0),
    "one walks, behind a pillar": Case(Scene((_WALK,), pillar=(0.45, 0.55)), 1, 0),
    "one comes nearer": Case(Scene((person(2, (0.5, 1.5), (0.55, 0.7), (1.2, 0.8), colour=RED),), ground="wall"), 1, 0),
    "one stands for long": Case(
        Scene((person(2, (0.5, 1.5), (0.5, 0.85), (1.2, 0.85), pause=25, colour=BLACK),), seconds=38, ground="wall"), 1, 0
    ),
    "one is there at first, then leaves": Case(
        Scene((Actor("person", ((-1, 0.5, 0.85), (5, 0.5, 0.85), (10, 1.3, 0.85)), 0.5, BLACK),), seconds=14, ground="wall"), 1, 0
    ),
    "two apart": Case(Scene((_WALK, person(3, *LEFT, size=0.4, colour=RED)), ground="wall", seconds=13), 2, 0),
    "two cross": Case(
        Scene((person(2, (-0.2, 0.85), (1.2, 0.85), colour=BLUE), person(2, (1.2, 0.9), (-0.2, 0.9), colour=RED)), seconds=13),
        2,
        0,
    ),
    "three one after the other": Case(
        Scene(
            tuple(
                person(2 + 9 * n, (0.4, 1.5), (0.5, 0.85), (1.2, 0.85), pause=2, colour=c)
                for n, c in enumerate((BLACK, SILVER, BLUE))
            ),
            seconds=32,
            ground="floor",
        ),
        3,
        0,
    ),
    "car from above": Case(Scene((_DRIVE,)), 0, 1),
    "car from above, 5 a second": Case(Scene((_DRIVE,), fps=5), 0, 1),
    "car from above, 30 a second": Case(Scene((_DRIVE,), fps=30), 0, 1),
    "car from above, shadow": Case(Scene((replace(_DRIVE, shadow=True),)), 0, 1),
    "car from above, 320x240": Case(Scene((_DRIVE,), width=320, height=240), 0, 1),
    "car from above, sideways": Case(Scene((car(2, (-0.4, 0.5), (1.4, 0.55), colour=WHITE),)), 0, 1),
    "car from above, aslant": Case(Scene((car(2, (-0.2, -0.3), (1.1, 1.3), colour=BLUE),)), 0, 1),
    "white car, exposure dips": Case(Scene((replace(_DRIVE, colour=WHITE),), gain=_dip(2.5, 5.5, 0.45)), 0, 1),
    "grey car": Case(Scene((replace(_DRIVE, colour=(62, 61, 60)),)), 0, 1),
    "black car, night": Case(Scene((replace(_DRIVE, colour=SILVER),), gain=lambda _: 0.3, noise=5), 0, 1),
    "car from above, rain": Case(Scene((_DRIVE,), rain=120, noise=5), 0, 1),
    "two cars meet": Case(Scene((_DRIVE, car(2.4, *UP, colour=SILVER))), 0, 2),
    "two cars, one behind the other": Case(Scene((_DRIVE, car(4.2, *DOWN, colour=WHITE)), seconds=11), 0, 2),
    "car from the side": Case(Scene((car(2, (-0.4, 0.7), (1.4, 0.7), side=True, size=0.6, colour=SILVER),)), 0, 1),
    "two cars from the side": Case(
        Scene(
            (
                car(2, (-0.4, 0.5), (1.4, 0.5), side=True, size=0.4, colour=RED),
                car(3, (1.4, 0.85), (-0.4, 0.85), side=True, size=0.45, colour=BLUE),
            )
        ),
        0,
        2,
    ),
    "car stops at a barrier": Case(
        Scene((car(2, (0.5, -0.4), (0.5, 0.5), (0.5, 1.5), pause=8, colour=SILVER),), seconds=17), 0, 1
    ),
    "car parks": Case(Scene((car(2, (-0.4, 0.4), (0.3, 0.5), (0.31, 0.5), pause=20, colour=RED),), seconds=16), 0, 1),
    "car is there at first, then leaves": Case(
        Scene((Actor("car_from_above", ((-1, 0.5, 0.5), (4, 0.5, 0.5), (8, 0.5, 1.6)), 0.55, BLUE),), seconds=12), 0, 1
    ),
    "person and car": Case(
        Scene(
            (
                person(2, (-0.1, 0.95), (1.1, 0.95), size=0.25, colour=RED),
                car(4, (0.9, -0.4), (0.85, 0.2), (1.5, 0.3), colour=WHITE),
            ),
            seconds=13,
        ),
        1,
        1,
    ),
}
