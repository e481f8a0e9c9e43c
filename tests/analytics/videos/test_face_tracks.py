"""Faces from look to look (analytics.videos.face_tracks)."""

from __future__ import annotations

import pytest

from analytics.videos.face_tracks import FaceTracks

Box = tuple[float, float, float, float]


def face(x: float, y: float = 100, size: float = 100) -> Box:
    return (x, y, x + size, y + size)


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (face(110), True),
        (face(200), True),
        (face(260), False),
        (face(90, size=160), True),
        (face(60, size=200), False),
        (face(80, size=40), False),
    ],
    ids=["stands still", "moves by its width", "is elsewhere", "comes nearer", "is twice as large", "is far smaller"],
)
def test_a_face_is_the_same_where_it_can_be(second: Box, same: bool) -> None:
    tracks = FaceTracks()
    first = tracks.look([face(100)], is_cut=False).track_ids
    assert (tracks.look([second], is_cut=False).track_ids == first) is same


def test_after_a_cut_nobody_is_where_they_were() -> None:
    tracks = FaceTracks()
    assert tracks.look([face(100)], is_cut=False).track_ids == (1,)
    look = tracks.look([face(100)], is_cut=True)
    assert (look.track_ids, look.ended) == ((2,), (1,))


def test_two_faces_keep_apart_and_the_nearer_wins() -> None:
    tracks = FaceTracks()
    assert tracks.look([face(100), face(300)], is_cut=False).track_ids == (1, 2)
    assert tracks.look([face(290), face(120)], is_cut=False).track_ids == (2, 1)
    assert tracks.look([face(200)], is_cut=False).track_ids in {(1,), (2,)}


def test_a_face_may_be_missed_for_a_moment_and_not_for_ever() -> None:
    tracks = FaceTracks()
    tracks.look([face(100)], is_cut=False)
    for _ in range(3):
        assert tracks.look([], is_cut=False).ended == ()
    assert tracks.look([face(150)], is_cut=False).track_ids == (1,)
    ended = [tracks.look([], is_cut=False).ended for _ in range(5)]
    assert ended == [(), (), (), (1,), ()]
    assert tracks.finish() == ()
