"""Lines and zones, on paths drawn by hand."""

from __future__ import annotations

import pytest

from analytics.tracking import PathPoint, Track
from analytics.zones import Direction, Line, Zone, crossings, visits

WIDTH, HEIGHT = 200, 100
DOOR = Line("door", (0.5, 0.1), (0.5, 0.9))
"""From top to bottom: its right is the picture's left."""
DESK = Zone("desk", ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)))


def track(*places: tuple[float, float], step_ms: int = 500) -> Track:
    """A track whose middle is at these shares of the frame, one after the other."""
    path = [
        PathPoint(index * step_ms, (x * WIDTH - 5, y * HEIGHT - 5, x * WIDTH + 5, y * HEIGHT + 5))
        for index, (x, y) in enumerate(places)
    ]
    return Track(7, 0, path[-1].time_ms, path[-1].bbox_xyxy, path=path)


@pytest.mark.parametrize(
    ("places", "directions"),
    [
        pytest.param([(0.8, 0.5), (0.2, 0.5)], ["in"], id="to the line's right"),
        pytest.param([(0.2, 0.5), (0.8, 0.5)], ["out"], id="to its left"),
        pytest.param([(0.2, 0.5), (0.45, 0.5), (0.2, 0.5)], [], id="turns back"),
        pytest.param([(0.2, 0.5), (0.8, 0.5), (0.2, 0.5)], ["out", "in"], id="out and in"),
        pytest.param([(0.2, 0.95), (0.8, 0.95)], [], id="past its end"),
        pytest.param([(0.2, 0.5), (0.505, 0.5), (0.495, 0.5), (0.51, 0.5), (0.8, 0.5)], ["out"], id="trembles on it"),
        pytest.param([(0.2, 0.5), (0.51, 0.5), (0.2, 0.5)], [], id="steps on it"),
        pytest.param([(0.5, 0.5)], [], id="appears on it"),
        pytest.param([(0.2, -0.3), (0.8, 1.3)], ["out"], id="aslant"),
    ],
)
def test_crossings(places: list[tuple[float, float]], directions: list[str]) -> None:
    found = crossings(DOOR, track(*places), WIDTH, HEIGHT)
    assert [crossing.direction for crossing in found] == [Direction(one) for one in directions]


def test_a_crossing_names_track_and_time() -> None:
    (crossing,) = crossings(DOOR, track((0.2, 0.5), (0.3, 0.5), (0.7, 0.5)), WIDTH, HEIGHT)
    assert (crossing.track_id, crossing.time_ms) == (7, 1000)


@pytest.mark.parametrize(
    ("places", "stays"),
    [
        pytest.param([(0.1, 0.5), (0.5, 0.5), (0.5, 0.5), (0.9, 0.5)], [(500, 1000)], id="passes"),
        pytest.param([(0.1, 0.1), (0.9, 0.1)], [], id="beside it"),
        pytest.param([(0.5, 0.5), (0.7, 0.5), (0.5, 0.5)], [(0, 1000)], id="a moment outside"),
        pytest.param([(0.5, 0.5), *[(0.7, 0.5)] * 4, (0.5, 0.5)], [(0, 0), (2500, 2500)], id="comes back"),
    ],
)
def test_visits(places: list[tuple[float, float]], stays: list[tuple[int, int]]) -> None:
    found = visits(DESK, track(*places), WIDTH, HEIGHT)
    assert [(visit.entered_ms, visit.left_ms) for visit in found] == stays
    assert [visit.dwell_ms for visit in found] == [left - entered for entered, left in stays]


def test_a_zone_may_be_hollowed_out() -> None:
    hook = Zone("hook", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.7, 0.9), (0.7, 0.3), (0.1, 0.3)))
    assert visits(hook, track((0.8, 0.8)), WIDTH, HEIGHT)
    assert not visits(hook, track((0.4, 0.6)), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Line("a", (0.5, 0.5), (0.5, 0.5)), id="no length"),
        pytest.param(lambda: Line("a", (0.5, 0.5), (1.5, 0.5)), id="outside"),
        pytest.param(lambda: Line("a", (float("nan"), 0.5), (1, 0.5)), id="nan"),
        pytest.param(lambda: Zone("a", ((0, 0), (1, 1))), id="two corners"),
        pytest.param(lambda: Zone("a", ((0, 0), (1, 1), (0, 0))), id="twice the same"),
        pytest.param(lambda: Zone("a", ((0, 0), (1, 1), (0, 200))), id="pixels"),
    ],
)
def test_what_is_no_line_or_zone_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"line|zone"):
        make()  # type: ignore[operator]
