"""What boxes share (analytics.boxes)."""

from __future__ import annotations

import pytest

from analytics.boxes import BoxXYXY, iou, joined, meet, overlap, shared_area

SQUARE: BoxXYXY = (0, 0, 10, 10)


@pytest.mark.parametrize(
    ("other", "they_meet", "shared", "of_the_smaller", "of_both"),
    [
        (SQUARE, True, 100, 1, 1),
        ((2, 2, 6, 7), True, 20, 1, 0.2),
        ((5, 0, 15, 10), True, 50, 0.5, 1 / 3),
        ((10, 0, 20, 10), False, 0, 0, 0),
        ((20, 20, 30, 30), False, 0, 0, 0),
        ((-5, -5, 1, 1), True, 1, 1 / 36, 1 / 135),
        ((3, 3, 3, 8), True, 0, 0, 0),
    ],
    ids=["the same", "inside", "half", "side by side", "apart", "a corner", "without area"],
)
def test_two_boxes(other: BoxXYXY, they_meet: bool, shared: float, of_the_smaller: float, of_both: float) -> None:
    for one, two in ((SQUARE, other), (other, SQUARE)):
        assert shared_area(one, two) == shared
        assert meet(one, two) == they_meet
        assert overlap(one, two) == pytest.approx(of_the_smaller)
        assert iou(one, two) == pytest.approx(of_both)


def test_boxes_that_meet_become_one_and_may_meet_others_then() -> None:
    assert joined([]) == []
    assert joined([(0, 0, 4, 4), (6, 0, 9, 4)]) == [(0, 0, 4, 4), (6, 0, 9, 4)]
    assert joined([(0, 0, 4, 4), (6, 0, 9, 4), (3, 3, 7, 5)]) == [(0, 0, 9, 5)]
    # The whole of two reaches where neither did.
    assert joined([(8, 8, 9, 9), (0, 0, 2, 10), (1, 0, 10, 1)]) == [(0, 0, 10, 10)]
