"""Boxes in pictures: what they share, and which of them are one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

BoxXYXY: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

_Number = TypeVar("_Number", int, float)


def area(box: BoxXYXY) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def meet(one: BoxXYXY, other: BoxXYXY) -> bool:
    """Whether they share a point inside of both; a box without area may lie in another."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def shared_area(one: BoxXYXY, other: BoxXYXY) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def overlap(one: BoxXYXY, other: BoxXYXY) -> float:
    """The share of the smaller box that the other covers."""
    smaller = min(area(one), area(other))
    return shared_area(one, other) / smaller if smaller > 0 else 0.0


def iou(one: BoxXYXY, other: BoxXYXY) -> float:
    """Intersection over union."""
    shared = shared_area(one, other)
    union = area(one) + area(other) - shared
    return shared / union if union > 0 else 0.0


def joined(boxes: Iterable[tuple[_Number, _Number, _Number, _Number]]) -> list[tuple[_Number, _Number, _Number, _Number]]:
    """Those that meet as one, which may meet others in turn; in the end none meets another."""
    apart: list[tuple[_Number, _Number, _Number, _Number]] = []
    for box in boxes:
        whole = box
        while others := [other for other in apart if meet(other, whole)]:
            apart = [other for other in apart if other not in others]
            left, top, right, bottom = zip(whole, *others, strict=True)
            whole = min(left), min(top), max(right), max(bottom)
        apart.append(whole)
    return apart
