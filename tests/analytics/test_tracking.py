"""Who is who: made-up detections of people and vehicles on their way, no picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from analytics.boxes import BoxXYXY
from analytics.engines.base import Detection, Kind, VehicleType
from analytics.tracking import MAX_PATH, Track, Tracker, TrackRules

WIDTH, HEIGHT, FPS = 640, 360, 10
STEP_MS = 1000 // FPS

Walk = Callable[[float], Detection | None]
"""What is detected of somebody at a second."""


def box(x: float, y: float = 180, width: float = 40, height: float = 100) -> BoxXYXY:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def seen(where: BoxXYXY, kind: Kind = Kind.PERSON, score: float = 0.9, weight: float = 1.0, moving: bool = True) -> Detection:
    left, top, right, bottom = where
    inside = (max(0, left), max(0, top), min(WIDTH, right), min(HEIGHT, bottom))
    return Detection(inside, kind, score, weight, needs_motion=moving)


def walk(start: float, speed: float, *, begin: float = 0, end: float = 99, y: float = 180, **looks: Any) -> Walk:
    """Somebody who goes to the right at `speed` pixels a second from x = `start`, seen between two seconds in the frame."""

    def at(second: float) -> Detection | None:
        x = start + speed * (second - begin)
        return seen(box(x, y), **looks) if begin <= second <= end and -15 < x < WIDTH + 15 else None

    return at


def stand(x: float, *, begin: float, end: float, **looks: Any) -> Walk:
    return walk(x, 0, begin=begin, end=end, **looks)


def then(*parts: Walk) -> Walk:
    """The first part that says something."""
    return lambda second: next((found for part in parts if (found := part(second)) is not None), None)


def frames(walks: Sequence[Walk], seconds: float) -> Iterator[tuple[int, list[Detection]]]:
    for index in range(round(seconds * FPS)):
        found = [one(index / FPS) for one in walks]
        yield index * STEP_MS, [detection for detection in found if detection is not None]


def follow(walks: Sequence[Walk], seconds: float, rules: TrackRules | None = None) -> list[Track]:
    """The tracks that were counted, in order."""
    tracker = Tracker(WIDTH, HEIGHT, FPS, rules)
    counted: list[Track] = []
    time_ms = 0
    for time_ms, detections in frames(walks, seconds):
        counted += tracker.update(detections, time_ms).counted
    return counted + list(tracker.finish(time_ms).counted)


@pytest.mark.parametrize(
    ("walks", "seconds", "expected"),
    [
        pytest.param([walk(0, 100)], 8, 1, id="one crosses"),
        pytest.param([walk(0, 100), walk(640, -100, y=250)], 8, 2, id="two, opposite ways"),
        pytest.param(
            [walk(0, 100, end=3), walk(0, 100, begin=4)], 11, 2, id="another one after the first was lost in the middle"
        ),
        pytest.param([then(walk(0, 100, end=3), walk(370, 100, begin=3.7))], 9, 1, id="out of sight for 0.7 s"),
        pytest.param([then(walk(0, 100, end=3), walk(500, 100, begin=5))], 9, 1, id="out of sight for two seconds"),
        pytest.param(
            [then(walk(0, 100, end=3), stand(300, begin=3, end=10), stand(300, begin=30, end=34), walk(300, 100, begin=34))],
            38,
            1,
            id="stands still, out of sight for twenty seconds",
        ),
        pytest.param([walk(0, 160), walk(0, 160, begin=4.6)], 9, 2, id="one leaves, another comes"),
        pytest.param([walk(640, -160), walk(0, 160, begin=4.2)], 9, 2, id="another comes where the first left"),
        pytest.param([stand(300, begin=1, end=6)], 8, 0, id="a patch of light"),
        pytest.param([stand(300, begin=1, end=6, moving=False)], 8, 1, id="a person known to be one, who sits"),
        pytest.param([walk(0, 100, begin=1, end=1.2)], 3, 0, id="two frames"),
        pytest.param([], 3, 0, id="nobody"),
    ],
)
def test_how_many_are_counted(walks: list[Walk], seconds: float, expected: int) -> None:
    assert len(follow(walks, seconds)) == expected


def test_flicker_is_nobody() -> None:
    spots = [stand(60 + n * 7919 % 520, begin=n * 0.5, end=n * 0.5 + 0.2) for n in range(16)]
    assert follow(spots, 9) == []


def test_who_crosses_as_one_outline_is_still_two() -> None:
    def apart(second: float) -> bool:
        return abs((100 * second) - (640 - 100 * second)) > 45

    def alone(start: float, speed: float) -> Walk:
        return lambda second: walk(start, speed)(second) if apart(second) else None

    def together(second: float) -> Detection | None:
        left, right = sorted((100 * second, 640 - 100 * second))
        return None if apart(second) else seen((left - 20, 130, right + 20, 230))

    assert len(follow([alone(0, 100), alone(640, -100), together], 8)) == 2


def test_a_part_of_somebody_is_nobody() -> None:
    def legs(second: float) -> Detection | None:
        x = 100 * second
        return seen((x - 18, 195, x + 18, 230)) if 2 < second < 5 else None

    def body(second: float) -> Detection | None:
        x = 100 * second
        return seen((x - 20, 130, x + 20, 190 if 2 < second < 5 else 230)) if x < WIDTH else None

    assert len(follow([body, legs], 8)) == 1


def test_two_who_come_together_and_part_are_two() -> None:
    def both(second: float) -> Detection | None:
        return seen((80 * second - 40, 130, 80 * second + 40, 230)) if second < 2 else None

    def one(speed: float) -> Walk:
        return lambda second: seen(box(160 + (second - 2) * speed)) if second >= 2 else None

    assert len(follow([both, one(140), one(20)], 6)) == 2


def test_the_kind_is_the_vote_and_stays_as_told() -> None:
    def doubtful(second: float) -> Detection | None:
        kind = Kind.VEHICLE if second < 0.5 else Kind.PERSON
        return seen(box(100 * second), kind, weight=0.2 if second < 0.5 else 1)

    (track,) = follow([doubtful], 6)
    assert track.kind is Kind.PERSON
    late = then(walk(0, 100, end=2), walk(210, 100, begin=2.1, kind=Kind.VEHICLE))
    (track,) = follow([late], 6)
    assert track.votes[Kind.VEHICLE] > track.votes[Kind.PERSON]
    assert track.kind is Kind.PERSON


def test_a_doubtful_kind_is_waited_for() -> None:
    undecided = walk(0, 60, weight=0.01)
    (track,) = follow([undecided], 8)
    assert track.counted_ms is not None
    assert track.counted_ms >= TrackRules().patience_ms


def test_the_vehicle_s_type_is_the_vote() -> None:
    def truck(second: float) -> Detection:
        kind = VehicleType.CAR if second < 1 else VehicleType.TRUCK
        return replace(seen(box(100 * second), Kind.VEHICLE), vehicle_type=kind)

    (track,) = follow([truck], 5)
    assert track.vehicle_type is VehicleType.TRUCK


def test_present_are_those_who_are_somebody() -> None:
    tracker = Tracker(WIDTH, HEIGHT, FPS)
    present = [len(tracker.update(detections, time_ms).present) for time_ms, detections in frames([walk(0, 100)], 3)]
    assert present[:3] == [0, 0, 0]
    assert present[8:] == [1] * len(present[8:])


def test_what_is_over_is_handed_over_once_with_its_path() -> None:
    tracker = Tracker(WIDTH, HEIGHT, FPS)
    finished: list[Track] = []
    time_ms = 0
    for time_ms, detections in frames([walk(0, 200), walk(0, 200, begin=5)], 11):
        finished += tracker.update(detections, time_ms).finished
    finished += tracker.finish(time_ms).finished
    assert len({track.track_id for track in finished}) == len(finished) == 2
    assert [point.time_ms for point in finished[0].path] == sorted({point.time_ms for point in finished[0].path})
    assert finished[0].path[0].bbox_xyxy[0] < 20
    assert finished[0].path[-1].bbox_xyxy[2] > WIDTH - 20


def test_a_path_does_not_grow_for_ever() -> None:
    (track,) = follow([stand(300, begin=0, end=999, moving=False)], MAX_PATH / FPS * 1.6)
    assert track.hits > MAX_PATH
    assert len(track.path) <= MAX_PATH
    assert track.path[0].time_ms <= 2 * STEP_MS
    assert track.path[-1].time_ms == track.last_ms


def test_low_frame_rates_are_followed() -> None:
    tracker = Tracker(WIDTH, HEIGHT, 3)
    counted = 0
    for index in range(12):
        detections = [seen((60 * index - 60, 130, 60 * index + 60, 200), Kind.VEHICLE)] if 60 * index < WIDTH else []
        counted += len(tracker.update(detections, index * 333).counted)
    assert counted + len(tracker.finish(4000).counted) == 1
