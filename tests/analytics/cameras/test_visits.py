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


def events(seen, cooldown=60, again=(), unwatched=()):
    """At which seconds a person seen at these gets an event; a file begins anew at the seconds of `again`.

    Looked at once a second, but for those `unwatched`.
    """
    visits, made, rounds = Visits(cooldown), [], sorted(again)
    for second in range(max(seen) + 1):
        if second in unwatched:
            continue
        while rounds and rounds[0] <= second:
            rounds.pop(0)
            visits.all_left()
        visits.look(at(second))
        if second not in seen:
            continue
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
        pytest.param(range(200), {"cooldown": 3, "unwatched": range(20, 120)}, [0], id="nobody looked meanwhile"),
        pytest.param([0, 150], {"unwatched": range(20, 120)}, [0], id="out of sight is only who is looked for"),
        pytest.param([0, 162], {"unwatched": range(20, 120)}, [0, 162], id="out of sight before and after"),
        pytest.param(range(400), {"unwatched": range(20, 220)}, [0, 220], id="nobody looked for too long"),
        pytest.param([0, 118, 238], {"unwatched": range(1, 300, 2)}, [0, 238], id="looked at every two seconds alone"),
    ],
)
def test_one_event_a_visit(seen, options, expected):
    assert events(seen, **options) == expected


@pytest.mark.parametrize(
    ("cooldown", "seen_until", "looked_at", "first_look", "seen", "goes_on"),
    [
        pytest.param(60, -30, -28, 0, 10, True, id="out of sight for less than the cooldown"),
        pytest.param(60, -90, -20, 0, 10, False, id="gone before the end"),
        pytest.param(3, -95, -91, 0, 1, True, id="there to the end: the row is some seconds behind"),
        pytest.param(60, -60, -20, 0, 30, False, id="gone for some time before, and some after"),
        pytest.param(60, -300, -299, 0, 1, False, id="away for longer than a restart takes"),
    ],
)
def test_a_visit_from_before_the_start(cooldown, seen_until, looked_at, first_look, seen, goes_on):
    visits = Visits(cooldown)
    visits.resume("person 1", "old", at(-300), at(seen_until), at(looked_at))
    visits.look(at(first_look))
    visits.forget_past(at(first_look))
    visit = visits.see("person 1", at(seen))
    assert (visit is not None and visit.event_id == "old") is goes_on


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
