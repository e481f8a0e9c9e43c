"""manage.py sightings_index, and how the indexes follow the rows."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics.models import RemovedSighting, SightingState
from analytics.sightings import indexes
from faces.engines.fake import FakeFace
from tests.analytics.factories import make_face, make_plate, make_video

pytestmark = pytest.mark.usefixtures("either_index")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("sightings_index", *arguments, stdout=out)
    return out.getvalue()


def test_creates_empty_indexes_and_builds_them_from_the_rows():
    assert "faces: 0 in the index" in run("create")
    video = make_video()
    for number in range(3):
        make_face(video, FakeFace(number), number)
        make_plate(video, f"苏D561G{number}", number)
    assert "plates: 3 in the index, version 3" in run("reindex", "--only", "plates")
    assert "faces: 0 in the index" in run("status", "--only", "faces")
    assert "faces: 3 in the index, version 3" in run("reindex")
    assert "plates: 3 in the index" in run("status")


def test_an_unknown_action_is_refused():
    with pytest.raises(CommandError):
        run("destroy")


def test_an_index_that_fell_behind_catches_up_with_what_came_and_went(ask: Any):
    video = make_video()
    kept, gone = make_plate(video, "苏D561GM", 1), make_plate(video, "豫C9117P", 2)
    index = indexes.plate_index()
    index.follower.catch_up()
    gone.delete()
    make_plate(video, "京A12345", 3)
    assert index.plates.version < SightingState.current("plate")
    found = [ask("/licence-plate", {"licence_plate": text}) for text in ("苏D561GM", "豫C9117P", "京A12345")]
    assert [len(lines) for lines in found] == [1, 0, 1]
    assert RemovedSighting.objects.filter(kind="plate").count() == 1
    assert kept.version == 1


def test_an_index_of_a_database_that_was_restored_is_built_anew(ask: Any):
    video = make_video()
    for number in range(5):
        make_plate(video, f"苏D561G{number}", number)
    index = indexes.plate_index()
    index.follower.catch_up()
    video.plates.filter(time_ms__gt=1).delete()
    SightingState.objects.filter(kind="plate").update(version=2)
    RemovedSighting.objects.all().delete()
    assert len(ask("/licence-plate", {"licence_plate": "苏D561G*"})) == 2
    assert (index.plates.version, len(index.plates)) == (2, 2)


@pytest.mark.parametrize("has_followed", [False, True], ids=["was away", "has followed"])
def test_notes_of_what_was_removed_are_kept_for_a_month(ask: Any, monkeypatch: pytest.MonkeyPatch, has_followed: bool):
    video = make_video()
    for text, number in (("苏D561GM", 1), ("豫C9117P", 2), ("京A12345", 3)):
        make_plate(video, text, number)
    index = indexes.plate_index()
    index.follower.catch_up()
    video.plates.filter(time_ms=2).delete()
    if has_followed:
        index.follower.catch_up()
    RemovedSighting.objects.update(removed_at=timezone.now() - timedelta(days=31))
    video.plates.filter(time_ms=3).delete()
    call_command("enforce_retention", stdout=StringIO())
    assert RemovedSighting.objects.filter(kind="plate").count() == 1
    cleared = []
    clear = index.plates.clear
    monkeypatch.setattr(index.plates, "clear", lambda: cleared.append(clear()))
    found = [ask("/licence-plate", {"licence_plate": text}) for text in ("苏D561GM", "豫C9117P", "京A12345")]
    assert [len(lines) for lines in found] == [1, 0, 0]
    assert (len(cleared), len(index.plates)) == (0 if has_followed else 1, 1)
