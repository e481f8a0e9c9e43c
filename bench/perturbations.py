"""Videos made harder: the same people and cars, seen by another camera, from another side, at another speed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]
"""height x width x 3, uint8, BGR."""
Frames = Iterable[tuple[int, Image]]
"""(milliseconds, picture)."""
Perturbation = Callable[[Frames], Iterator[tuple[int, Image]]]


def _each(change: Callable[[Image], Image]) -> Perturbation:
    def perturbed(frames: Frames) -> Iterator[tuple[int, Image]]:
        return ((time_ms, np.ascontiguousarray(change(image))) for time_ms, image in frames)

    return perturbed


def _lit(light: Callable[[float], float]) -> Perturbation:
    def perturbed(frames: Frames) -> Iterator[tuple[int, Image]]:
        for time_ms, image in frames:
            yield time_ms, np.clip(image * light(time_ms / 1000), 0, 255).astype(np.uint8)

    return perturbed


def _every(step: int) -> Perturbation:
    return lambda frames: (frame for index, frame in enumerate(frames) if index % step == 0)


def _at_speed(factor: float) -> Perturbation:
    return lambda frames: ((round(time_ms / factor), image) for time_ms, image in frames)


def _backwards(frames: Frames) -> Iterator[tuple[int, Image]]:
    kept = list(frames)
    return ((kept[-1][0] - time_ms, image) for time_ms, image in reversed(kept))


def _twice(frames: Frames) -> Iterator[tuple[int, Image]]:
    kept = list(frames)
    yield from kept
    yield from ((kept[-1][0] + kept[1][0] + time_ms, image) for time_ms, image in kept)


def _shaken(frames: Frames) -> Iterator[tuple[int, Image]]:
    import cv2

    random = np.random.default_rng(1)
    for time_ms, image in frames:
        dx, dy = random.normal(0, 1.5, 2)
        moved = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        yield time_ms, cv2.warpAffine(image, moved, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def _noisy(level: float) -> Callable[[Image], Image]:
    random = np.random.default_rng(1)
    return lambda image: np.clip(image + random.standard_normal(image.shape, np.float32) * level, 0, 255).astype(np.uint8)


def _resized(across: float, down: float) -> Callable[[Image], Image]:
    import cv2

    return lambda image: cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)


def _compressed(quality: int) -> Callable[[Image], Image]:
    import cv2

    def change(image: Image) -> Image:
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert decoded is not None, "what was encoded just now can be decoded"
        return decoded

    return change


def _cropped(left: float, top: float, right: float, bottom: float) -> Callable[[Image], Image]:
    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        return image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]

    return change


def _gamma(power: float) -> Callable[[Image], Image]:
    table: Image = (255 * (np.arange(256) / 255) ** power).astype(np.uint8)

    return lambda image: table[image]


def _grey(image: Image) -> Image:
    grey: Image = image.mean(axis=2, keepdims=True).astype(np.uint8)
    return grey.repeat(3, axis=2)


def _blurred(image: Image) -> Image:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), 3)


PERTURBATIONS: dict[str, tuple[Perturbation, int]] = {
    "as it is": (_each(lambda image: image), 1),
    "mirrored": (_each(lambda image: image[:, ::-1]), 1),
    "upside down": (_each(lambda image: image[::-1]), 1),
    "a quarter turn": (_each(np.rot90), 1),
    "backwards": (_backwards, 1),
    "twice in a row": (_twice, 2),
    "half the size": (_each(_resized(0.5, 0.5)), 1),
    "a third of the size": (_each(_resized(1 / 3, 1 / 3)), 1),
    "squeezed": (_each(_resized(0.75, 1)), 1),
    "every second frame": (_every(2), 1),
    "every third frame": (_every(3), 1),
    "double speed": (_at_speed(2), 1),
    "half speed": (_at_speed(0.5), 1),
    "brighter": (_lit(lambda _: 1.4), 1),
    "darker": (_lit(lambda _: 0.4), 1),
    "flicker": (_lit(lambda second: 1 + 0.2 * math.sin(17 * second)), 1),
    "exposure steps": (_lit(lambda second: (1, 0.6, 1.3, 0.8)[int(second / 3) % 4]), 1),
    "gamma 0.5": (_each(_gamma(0.5)), 1),
    "gamma 2": (_each(_gamma(2)), 1),
    "without colour": (_each(_grey), 1),
    "JPEG quality 15": (_each(_compressed(15)), 1),
    "noise": (_each(_noisy(12)), 1),
    "out of focus": (_each(_blurred), 1),
    "shaking": (_shaken, 1),
    "middle": (_each(_cropped(0.1, 0.1, 0.9, 0.9)), 1),
    "left part": (_each(_cropped(0, 0, 0.85, 1)), 1),
    "right part": (_each(_cropped(0.15, 0, 1, 1)), 1),
}
"""What is done, and how many times the people and cars of the original are then to be seen."""
