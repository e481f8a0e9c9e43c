"""Visits and strangers: pure, the test owns the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.cameras.pauses import LONGEST_SECONDS, pause_seconds
from analytics.cameras.strangers import Strangers
from analytics.cameras.visits import Visits
from faces.types import Metric

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AXES = np.eye(4, dtype=np.float32)


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def events(seen, cooldown=60, again=()):
    """At which seconds a person seen at these gets an event; a file begins anew at the seconds of `again`."""
    visits, made, rounds = Visits(cooldown), [], sorted(again)
    for second in seen:
        while rounds and rounds[0] <= second:
            rounds.pop(0)
            visits.all_left()
        if visits.see("person 1", at(second)) is None:
            visits.begin("person 1", f"event {second}", at(second))
            made.append(second)
    return made


@pytest.mark.parametrize(
    ("seen", "options", "expected"),
    [
        pytest.param(range(600), {}, [0], id="who stays is one visit"),
        pytest.param([0, 59, 118], {}, [0], id="back within the cooldown"),
        pytest.param([0, 60], {}, [0, 60], id="back after the cooldown"),
        pytest.param([*range(300), 358, 418], {}, [0, 418], id="the cooldown counts from when one was last seen"),
        pytest.param([0, 1, 2, 3, 4], {"cooldown": 0}, [0], id="no cooldown at all still is one visit"),
        pytest.param(range(0, 100, 10), {"cooldown": 30, "again": range(10, 100, 10)}, [0, 30, 60, 90], id="a file, looped"),
        pytest.param(range(100), {"cooldown": 30, "again": [50]}, [0, 50], id="a file begins anew while one is in view"),
    ],
)
def test_one_event_a_visit(seen, options, expected):
    assert events(seen, **options) == expected


def test_a_visit_from_before_the_start_goes_on():
    visits = Visits(60)
    visits.resume("person 1", "old", at(-300), at(-30))
    assert visits.see("person 1", at(10)).event_id == "old"
    visits.resume("person 2", "older", at(-300), at(-90))
    assert visits.see("person 2", at(10)) is None


def test_how_long_a_visit_lasted_is_written_now_and_then():
    visits = Visits(60)
    visits.begin("person 1", "event", at(0))
    written = []
    for second in range(1, 21):
        visits.see("person 1", at(second))
        written += visits.unsaved()
    assert written == [("event", at(second)) for second in (5, 10, 15, 20)]


class TestStrangers:
    def test_one_face_is_one_stranger_while_it_was_seen_not_long_ago(self):
        strangers = Strangers(Metric.COSINE, 0.4, keep_seconds=60)
        first = strangers.recall(AXES[0], 0)
        assert strangers.recall(AXES[1], 1) != first
        assert strangers.recall(0.8 * AXES[0] + 0.6 * AXES[2], 30) == first
        strangers.seen(first, 80)
        assert strangers.recall(AXES[0], 130) == first
        assert strangers.recall(AXES[0], 200) != first

    def test_one_of_before_the_start(self):
        strangers = Strangers(Metric.COSINE, 0.4, keep_seconds=60)
        strangers.remember("known", AXES[2], 0)
        assert strangers.recall(AXES[2], 10) == "known"


def test_pauses_grow_to_a_minute_and_vary():
    assert [pause_seconds(failures, 0.5) for failures in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert pause_seconds(1000, 0.5) == LONGEST_SECONDS
    assert pause_seconds(3, 0.0) < 4 < pause_seconds(3, 1.0)
