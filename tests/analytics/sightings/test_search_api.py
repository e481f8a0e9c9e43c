"""The four searches of protocol 003, over HTTP: what is found, in which order, and how it is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.models import FaceSighting, PlateSighting, Video
from faces.engines.fake import FakeEngine, FakeFace
from faces.types import EngineInfo, Metric
from tests.analytics.factories import face_row, make_face, make_plate, make_video
from tests.media import fake_jpeg

pytestmark = pytest.mark.usefixtures("either_index")

ANNA, BERT = FakeFace(1), FakeFace(2)


def test_a_photo_streams_the_appearances_of_its_face_and_not_another_s(detect):
    video = make_video()
    for time_ms, face in [(9_000, ANNA), (1_000, BERT), (2_000, FakeFace(1, 3)), (70_500, ANNA)]:
        make_face(video, face, time_ms)
    lines = detect(fake_jpeg(ANNA))
    assert [line["time"] for line in lines] == [2_000, 9_000, 70_500]
    assert all(line["timestamp"] == line["time"] for line in lines)
    assert all(line["video"] == str(video.public_id) for line in lines)
    assert [line["time"] for line in detect(fake_jpeg(BERT))] == [1_000]
    assert detect(fake_jpeg(FakeFace(9))) == []


def test_similar_face_is_the_permanent_link_to_the_sighting_s_picture(detect):
    sighting = make_face(make_video(), ANNA, 0)
    assert detect(fake_jpeg(ANNA))[0]["similar_face"] == f"http://testserver/media/faces/{sighting.public_id}.jpg"


def test_the_newest_video_comes_first_and_each_from_its_beginning(detect):
    old, new = make_video(), make_video()
    for video, time_ms in [(old, 5), (new, 9), (old, 1), (new, 3)]:
        make_face(video, ANNA, time_ms)
    assert [(line["video"], line["time"]) for line in detect(fake_jpeg(ANNA))] == [
        (str(new.public_id), 3), (str(new.public_id), 9), (str(old.public_id), 1), (str(old.public_id), 5),
    ]  # fmt: skip


def test_of_several_faces_on_a_photo_the_largest_is_searched_for(detect):
    from tests.media import Placed

    video = make_video()
    make_face(video, ANNA, 1)
    make_face(video, BERT, 2)
    photo = fake_jpeg(Placed(ANNA, 20, 20, 120), Placed(BERT, 300, 100, 220))
    assert [line["time"] for line in detect(photo)] == [2]


def test_the_best_fit_within_the_limit_and_the_threshold(detect):
    video = make_video()
    for variation in range(8):
        make_face(video, FakeFace(1, variation), 1000 * (8 - variation))
    assert [line["time"] for line in detect(fake_jpeg(ANNA), limit="3")] == [6000, 7000, 8000]
    assert [line["time"] for line in detect(fake_jpeg(ANNA), limit="3", offset="3")] == [3000, 4000, 5000]
    above = [v for v in range(8) if math.cos(math.radians(6 * v)) >= 0.9]
    assert len(detect(fake_jpeg(ANNA), threshold="0.9")) == len(above) == 5


def test_faces_of_another_engine_are_never_compared(detect):
    other = EngineInfo("other", "other:v1", 256, Metric.COSINE)
    make_face(make_video(), ANNA, 1, info=other)
    assert detect(fake_jpeg(ANNA)) == []
    from analytics.sightings import indexes

    assert len(indexes.face_index().vectors) == 0


def test_a_damaged_embedding_hides_itself_and_nothing_else(detect):
    video = make_video()
    make_face(video, ANNA, 1, vector=np.full(256, np.nan, np.float32))
    make_face(video, ANNA, 2, vector=np.ones(7, np.float32))
    make_face(video, ANNA, 3)
    assert [line["time"] for line in detect(fake_jpeg(ANNA))] == [3]


REMOVALS = {
    "video": lambda video: video.delete(),
    "videos": lambda video: Video.objects.filter(pk=video.pk).delete(),
    "sighting": lambda video: [row.delete() for row in [*video.faces.all(), *video.plates.all()]],
    "sightings": lambda video: (FaceSighting.objects.all().delete(), PlateSighting.objects.all().delete()),
}


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
def test_what_is_deleted_leaves_the_indexes_too(detect, ask, remove):
    from analytics.sightings import indexes

    video = make_video()
    make_face(video, ANNA, 1)
    make_plate(video, "苏D561GM", 1)
    assert len(detect(fake_jpeg(ANNA))) == len(ask("/licence-plate", {"licence_plate": "苏D561GM"})) == 1
    remove(video)
    assert detect(fake_jpeg(ANNA)) == ask("/licence-plate", {"licence_plate": "苏D561GM"}) == []
    assert (len(indexes._faces.vectors), len(indexes._plates.plates)) == (0, 0)


def test_rows_that_come_in_bulk_or_change_are_found(detect, ask):
    video = make_video()
    FaceSighting.objects.bulk_create([face_row(video, ANNA, time_ms) for time_ms in (1, 2, 3)])
    assert len(detect(fake_jpeg(ANNA))) == 3
    plate = make_plate(video, "苏D561GM", 1)
    assert len(ask("/licence-plate", {"licence_plate": "苏D561GM"})) == 1
    plate.text = plate.key = "豫C9117P"
    plate.save()
    assert ask("/licence-plate", {"licence_plate": "苏D561GM"}) == []
    assert len(ask("/licence-plate", {"licence_plate": "豫C9117P"})) == 1
    with pytest.raises(ValueError, match="save the rows"):
        PlateSighting.objects.update(key="x")


WRITTEN = {
    "as it is": "苏D561GM", "lower case": "苏d561gm", "full width": "苏Ｄ５６１ＧＭ", "separated": " 苏D·561-GM ",
}  # fmt: skip


@pytest.mark.parametrize("query", WRITTEN.values(), ids=WRITTEN)
def test_a_plate_is_found_however_it_is_written(ask, query):
    sighting = make_plate(make_video(), "苏D561GM", 12_345)
    make_plate(sighting.video, "京A12345", 5)
    assert ask("/licence-plate", {"licence_plate": query}) == [
        {
            "time": 12_345,
            "timestamp": 12_345,
            "car_image": f"http://testserver/media/cars/{sighting.public_id}.jpg",
            "video": str(sighting.video.public_id),
            "plate": "苏D561GM",
            "score": 1.0,
        }
    ]


def test_exact_ones_come_first_and_in_order_of_time_then_similar_ones_by_score(ask):
    video = make_video()
    for time_ms, text in [(5, "苏D561GM"), (1, "苏D5616M"), (2, "苏D561GN"), (9, "苏D561GM"), (3, "豫A99999")]:
        make_plate(video, text, time_ms)
    lines = ask("/licence-plate", {"licence_plate": "苏D561GM"})
    assert [(line["time"], line["plate"]) for line in lines] == [
        (5, "苏D561GM"), (9, "苏D561GM"), (1, "苏D5616M"), (2, "苏D561GN"),
    ]  # fmt: skip
    assert [line["score"] for line in lines] == sorted((line["score"] for line in lines), reverse=True)


PARTS = {
    "part": ("G117", ["豫CG117P"]),
    "one unknown": ("豫C?117P", ["豫CG117P"]),
    "any number": ("豫*7P", ["豫CG117P"]),
    "O for 0": ("苏AO1234", ["苏A01234"]),
}


@pytest.mark.parametrize(("query", "expected"), PARTS.values(), ids=PARTS)
def test_what_somebody_remembers_of_a_plate(ask, query, expected):
    video = make_video()
    for text in ("豫CG117P", "苏A01234", "京B55555"):
        make_plate(video, text, 1)
    assert [line["plate"] for line in ask("/licence-plate", {"licence_plate": query})] == expected


CLOCKS = {
    0: "00:00",
    999: "00:00",
    754_000: "12:34",
    3_599_999: "59:59",
    3_600_000: "60:00",
    4_509_000: "75:09",
    360_000_000: "6000:00",
}


@pytest.mark.parametrize(("time_ms", "expected"), CLOCKS.items(), ids=CLOCKS.values())
def test_the_data_side_tells_time_as_minutes_and_seconds(ask, time_ms, expected):
    sighting = make_plate(make_video(), "苏D561GM", time_ms)
    result = ask("/search-licence-plate", {"licence_plate": "苏D561GM"})["results"][0]
    assert result["pic"] == f"http://testserver/media/cars/{sighting.public_id}.jpg"
    assert (result["time"], result["time_ms"]) == (expected, time_ms)


def test_an_embedding_finds_the_most_similar_faces_first(ask):
    video = make_video()
    for variation, time_ms in [(4, 1000), (0, 2000), (2, 3000)]:
        make_face(video, FakeFace(1, variation), time_ms)
    make_face(video, BERT, 4000)
    vector = ANNA.embedding().tolist()
    results = ask("/search-face", {"face_vector": vector})["results"]
    assert [result["time_ms"] for result in results] == [2000, 3000, 1000]
    assert results[0]["score"] == pytest.approx(1, abs=1e-5)
    longer = ask("/search-face", {"face_vector": [7 * number for number in vector], "engine": "fake"})["results"]
    assert [result["score"] for result in longer] == pytest.approx([result["score"] for result in results], abs=1e-5)
    assert [one["time_ms"] for one in ask("/search-face", {"face_vector": vector, "limit": 1, "offset": 1})["results"]] == [3000]
    assert ask("/search-face", {"face_vector": vector, "engine": FakeEngine().info.identity})["results"] == results


def test_nothing_is_found_where_nothing_is(detect, ask):
    assert detect(fake_jpeg(ANNA)) == []
    assert ask("/search-face", {"face_vector": ANNA.embedding().tolist()}) == {"results": []}
    assert ask("/search-licence-plate", {"licence_plate": "苏D561GM"}) == {"results": []}
