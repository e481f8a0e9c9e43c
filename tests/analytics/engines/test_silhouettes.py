"""Outlines and what they tell."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.engines.arrays import Mask
from analytics.engines.silhouettes import Silhouette, find_silhouettes, rigidity, vehicle_evidence

HEIGHT, WIDTH = 216, 384


def blank() -> Mask:
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def walker(x: int, foot: int, tall: int = 90, stride: float = 0.15) -> Mask:
    """Somebody with a head, a body, legs apart by `stride` and arms to match."""
    mask = blank()

    def limb(a: tuple[float, float], b: tuple[float, float], thickness: float) -> None:
        ends = [(round(x + px * tall), round(foot - py * tall)) for px, py in (a, b)]
        cv2.line(mask, ends[0], ends[1], 255, max(2, round(thickness * tall)))

    for side in (-1, 1):
        limb((side * 0.03, 0.5), (side * stride, 0.02), 0.09)
        limb((side * 0.1, 0.78), (side * (0.1 + stride), 0.48), 0.06)
    cv2.ellipse(mask, (x, round(foot - 0.65 * tall)), (round(0.13 * tall), round(0.19 * tall)), 0, 0, 360, 255, -1)
    cv2.circle(mask, (x, round(foot - 0.92 * tall)), round(0.07 * tall), 255, -1)
    return mask


def slab(left: int, top: int, width: int, height: int, corner: int = 8) -> Mask:
    """A car from above: a rectangle with round corners."""
    mask = blank()
    cv2.rectangle(mask, (left + corner, top + corner), (left + width - corner, top + height - corner), 255, -1)
    return cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * corner + 1, 2 * corner + 1)))


def saloon(left: int, top: int, length: int = 120) -> Mask:
    """A car from the side."""
    mask = blank()
    height = length // 3
    cv2.rectangle(mask, (left, top + height // 2), (left + length, top + height), 255, -1)
    cabin = np.array([(0.2, 0.5), (0.33, 0), (0.7, 0), (0.88, 0.5)]) * (length, height) + (left, top)
    cv2.fillPoly(mask, [cabin.astype(np.int32)], 255)
    for share in (0.2, 0.8):
        cv2.circle(mask, (round(left + share * length), top + height), height // 5, 255, -1)
    return mask


def only(mask: Mask) -> Silhouette:
    found = find_silhouettes(mask)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("before", "now", "is_vehicle"),
    [
        pytest.param(slab(100, 40, 60, 120), slab(100, 70, 60, 120), True, id="car from above, up the picture"),
        pytest.param(slab(60, 60, 120, 55), slab(90, 60, 120, 55), True, id="car from above, across"),
        pytest.param(saloon(60, 80), saloon(90, 80), True, id="car from the side"),
        pytest.param(saloon(60, 80, 60), saloon(75, 80, 60), True, id="small car from the side"),
        pytest.param(walker(100, 180, stride=0.16), walker(125, 180, stride=0.03), False, id="walker"),
        pytest.param(walker(100, 150, 45, 0.16), walker(112, 150, 45, 0.02), False, id="small walker"),
        pytest.param(walker(100, 180, stride=0.02), walker(100, 195, stride=0.09), False, id="walker coming nearer"),
    ],
)
def test_stiff_and_convex_is_a_vehicle(before: Mask, now: Mask, is_vehicle: bool) -> None:
    rigid = rigidity(only(now), only(before))
    assert (vehicle_evidence(only(now), rigid) > 0) is is_vehicle


def test_without_motion_the_shape_alone_still_tells_a_standing_person() -> None:
    assert vehicle_evidence(only(walker(100, 180, stride=0.05)), None) < 0


def test_rigidity_ignores_the_way_gone() -> None:
    assert rigidity(only(slab(200, 80, 60, 100)), only(slab(40, 30, 60, 100))) > 0.97
    assert rigidity(only(walker(200, 180, stride=0.2)), only(walker(100, 170, stride=0.0))) < 0.75


def test_specks_are_left_out_and_borders_noted() -> None:
    mask = blank()
    mask[10:13, 10:13] = 255
    assert find_silhouettes(mask) == []
    border = only(slab(-20, 60, 80, 50)).border
    assert (border.left, border.top, border.right, border.bottom) == (True, False, False, False)


def test_a_head_off_its_body_is_one_person_and_two_people_are_two() -> None:
    torn = walker(100, 180)
    torn[100:106] = 0
    assert len(find_silhouettes(torn)) == 1
    assert len(find_silhouettes(walker(100, 180) | walker(160, 180))) == 2
