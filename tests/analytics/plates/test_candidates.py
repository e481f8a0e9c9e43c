"""Where a picture may hold characters at all (analytics.plates.candidates)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.plates.candidates import text_boxes
from bench.made_up_plates import DESIGNS


def boards(period_px: int) -> np.ndarray:
    """A floor of boards, all over the picture: brightness rises and falls as over characters, but there are no lines of them."""
    columns = np.where(np.arange(640) // (period_px // 2) % 2, 90, 160)
    return np.repeat(np.broadcast_to(columns.astype(np.uint8)[np.newaxis, :, np.newaxis], (480, 640, 1)), 3, axis=2).copy()


def ramp() -> np.ndarray:
    columns = np.linspace(0, 255, 640).astype(np.uint8)
    return np.repeat(np.broadcast_to(columns[np.newaxis, :, np.newaxis], (480, 640, 1)), 3, axis=2)


def car() -> np.ndarray:
    """Large surfaces with sharp edges, and a grille of horizontal bars."""
    image = np.full((480, 640, 3), 70, np.uint8)
    cv2.rectangle(image, (120, 80), (520, 420), (200, 190, 180), -1)
    cv2.rectangle(image, (170, 110), (470, 200), (40, 35, 30), -1)
    for y in range(300, 360, 12):
        cv2.rectangle(image, (220, y), (420, y + 4), (30, 30, 30), -1)
    return image


@pytest.mark.parametrize(
    "image",
    [
        np.full((480, 640, 3), 120, np.uint8),
        ramp(),
        car(),
        boards(12),
        np.random.default_rng(0).normal(120, 3, (480, 640, 3)).astype(np.uint8),
        np.zeros((8, 20, 3), np.uint8),
    ],
    ids=["one grey", "a ramp", "a car without a plate", "floor boards", "noise", "smaller than characters"],
)
def test_no_characters_no_place(image: np.ndarray) -> None:
    assert text_boxes(np.ascontiguousarray(image)) == []


@pytest.mark.parametrize("width", [45, 90, 220, 500])
@pytest.mark.parametrize("design", DESIGNS[::4], ids=lambda design: design.name)
def test_the_place_holds_the_whole_plate(painter, reader, design, width: int) -> None:
    picture = painter.plate(design, width, "plain")
    places = text_boxes(picture.image_bgr)
    assert places
    for reading in reader.read_image(picture.image_bgr):
        left, top, right, bottom = reading.bbox_xyxy
        assert any(x0 <= left + 4 and y0 <= top + 4 and x1 >= right - 4 and y1 >= bottom - 4 for x0, y0, x1, y1 in places)


def test_what_is_wider_than_a_plate_can_be_here_is_passed_over() -> None:
    image = np.full((480, 640, 3), 200, np.uint8)
    cv2.putText(image, "TRANSPORT", (40, 300), cv2.FONT_HERSHEY_SIMPLEX, 3.5, (20, 20, 20), 40)
    assert text_boxes(image)
    assert text_boxes(image, 100) == []
