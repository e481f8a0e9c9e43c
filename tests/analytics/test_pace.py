"""How often is looked, by what moves."""

from __future__ import annotations

import pytest

from analytics.pace import MAX_PER_SECOND, MIN_PER_SECOND, Pace
from analytics.tracking import PathPoint, Track

SIDE = 50
"""Of what moves, in pixels."""


def moving(speed: float, until_ms: int, since_ms: int = 0) -> Track:
    """Something that goes to the right at `speed` of its own sizes a second."""
    path = []
    for time_ms in range(since_ms, until_ms + 1, 20):
        left = speed * SIDE * time_ms / 1000
        path.append(PathPoint(time_ms, (left, 0, left + SIDE, SIDE)))
    return Track(1, since_ms, until_ms, path[-1].bbox_xyxy, path=path)


def looks(speed: float | None, *, fps: float = 50, new: int = 0, since_ms: int = 0) -> float:
    """How many frames a second are looked at between the fifth second and the tenth."""
    pace = Pace()
    count = 0
    for index in range(round(10 * fps)):
        time_ms = round(index * 1000 / fps)
        if not pace.is_due(time_ms):
            continue
        tracks = [] if speed is None else [moving(speed, time_ms, min(since_ms, time_ms))]
        pace.looked(time_ms, len(tracks) + new, tracks)
        count += time_ms >= 5000
    return count / 5


@pytest.mark.parametrize(
    ("speed", "low", "high"),
    [
        pytest.param(None, 5.5, 6.5, id="nobody"),
        pytest.param(0, 5.5, 6.5, id="stands"),
        pytest.param(1.4, 5.5, 6.5, id="walks"),
        pytest.param(2.5, 9, 11, id="rides"),
        pytest.param(8, 12, MAX_PER_SECOND, id="shoots past"),
    ],
)
def test_what_is_fast_is_looked_at_more_often(speed: float | None, low: float, high: float) -> None:
    assert low <= looks(speed) <= high


def test_what_is_new_is_looked_at_as_often_as_is_allowed() -> None:
    assert looks(None, new=1) > 12


def test_a_beginning_is_looked_at_as_often_as_is_allowed() -> None:
    pace = Pace()
    count = 0
    for time_ms in range(0, 2000, 20):
        if pace.is_due(time_ms):
            pace.looked(time_ms, 0, [])
            count += 1
    assert count >= 24


@pytest.mark.parametrize("fps", [5, 10, 12.5, 20, 25, 29.97, 60], ids=str)
def test_the_frame_nearest_to_the_best_time_is_taken(fps: float) -> None:
    found = looks(0, fps=fps)
    assert 0.75 * min(fps, MIN_PER_SECOND) <= found <= 1.25 * min(fps, MIN_PER_SECOND)
    assert looks(None, fps=fps, new=1) <= MAX_PER_SECOND
