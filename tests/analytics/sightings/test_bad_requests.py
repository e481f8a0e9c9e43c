"""Everything that is wrong with a search: a clear JSON error with a right status, and nothing of what was asked for in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from faces.engines.fake import FakeFace
from kiosk.models import ApiToken
from tests.analytics.factories import make_plate, make_video
from tests.analytics.sightings.conftest import read
from tests.media import Placed, as_jpeg, blank, fake_jpeg

GOOD = FakeFace(1).embedding().tolist()
PLATE = "苏D561GM"


def vector(**changes: Any) -> dict[str, Any]:
    return {"face_vector": GOOD} | changes


def plate(**changes: Any) -> dict[str, Any]:
    return {"licence_plate": PLATE} | changes


BODIES: dict[str, tuple[str, Any, int, str]] = {
    "face: no vector": ("/search-face", {}, 400, "missing_vector"),
    "face: null": ("/search-face", vector(face_vector=None), 400, "missing_vector"),
    "face: empty list": ("/search-face", vector(face_vector=[]), 400, "missing_vector"),
    "face: a text": ("/search-face", vector(face_vector="0.1,0.2"), 400, "bad_vector"),
    "face: an object": ("/search-face", vector(face_vector={"0": 0.1}), 400, "bad_vector"),
    "face: texts": ("/search-face", vector(face_vector=["0.1"] * 256), 400, "bad_vector"),
    "face: truth values": ("/search-face", vector(face_vector=[True] * 256), 400, "bad_vector"),
    "face: nulls": ("/search-face", vector(face_vector=[None] * 256), 400, "bad_vector"),
    "face: nested": ("/search-face", vector(face_vector=[GOOD]), 400, "bad_vector"),
    "face: one number too few": ("/search-face", vector(face_vector=GOOD[1:]), 400, "bad_vector"),
    "face: another engine's dimension": ("/search-face", vector(face_vector=[0.1] * 512), 400, "bad_vector"),
    "face: a huge list": ("/search-face", vector(face_vector=[0.1] * 100_000), 400, "bad_vector"),
    "face: all zeros": ("/search-face", vector(face_vector=[0] * 256), 400, "bad_vector"),
    "face: numbers beyond float32": ("/search-face", vector(face_vector=[1e300] * 256), 400, "bad_vector"),
    "face: numbers beyond float64": ("/search-face", '{"face_vector": [1e999' + ", 1" * 255 + "]}", 400, "malformed"),
    "face: an integer beyond float64": ("/search-face", '{"face_vector": [1' + "0" * 400 + ", 1" * 255 + "]}", 400, "malformed"),
    "face: NaN": ("/search-face", '{"face_vector": [NaN' + ", 1" * 255 + "]}", 400, "malformed"),
    "face: Infinity": ("/search-face", '{"face_vector": [Infinity' + ", 1" * 255 + "]}", 400, "malformed"),
    "face: another engine": ("/search-face", vector(engine="dlib"), 400, "wrong_engine"),
    "face: engine is no text": ("/search-face", vector(engine=5), 400, "wrong_engine"),
    "face: threshold above 1": ("/search-face", vector(threshold=1.5), 400, "bad_threshold"),
    "face: threshold is a list": ("/search-face", vector(threshold=[0.5]), 400, "bad_threshold"),
    "face: threshold is true": ("/search-face", vector(threshold=True), 400, "bad_threshold"),
    "face: limit 0": ("/search-face", vector(limit=0), 400, "bad_limit"),
    "face: limit beyond the setting": ("/search-face", vector(limit=1001), 400, "bad_limit"),
    "face: half a result": ("/search-face", vector(limit=1.5), 400, "bad_limit"),
    "face: negative offset": ("/search-face", vector(offset=-1), 400, "bad_limit"),
    "face: offset beyond the setting": ("/search-face", vector(offset=1000), 400, "bad_limit"),
    "plate: none": ("/licence-plate", {}, 400, "missing_plate"),
    "plate: null": ("/licence-plate", plate(licence_plate=None), 400, "missing_plate"),
    "plate: empty": ("/licence-plate", plate(licence_plate=""), 400, "missing_plate"),
    "plate: blank": ("/licence-plate", plate(licence_plate="   "), 400, "bad_plate"),
    "plate: separators only": ("/licence-plate", plate(licence_plate="·-·"), 400, "bad_plate"),
    "plate: a number": ("/licence-plate", plate(licence_plate=12345), 400, "bad_plate"),
    "plate: a list": ("/licence-plate", plate(licence_plate=[PLATE]), 400, "bad_plate"),
    "plate: a region": ("/licence-plate", plate(licence_plate="苏D"), 400, "plate_too_short"),
    "plate: hardly anything": ("/licence-plate", plate(licence_plate="*1?"), 400, "plate_too_short"),
    "plate: wildcards only": ("/licence-plate", plate(licence_plate="???????"), 400, "bad_plate"),
    "plate: a novel": ("/licence-plate", plate(licence_plate=PLATE * 1000), 400, "bad_plate"),
    "plate: longer than any": ("/licence-plate", plate(licence_plate="A" * 33), 400, "bad_plate"),
    "plate: threshold too low": ("/licence-plate", plate(threshold=0.1), 400, "bad_threshold"),
    "plate: limit is a text": ("/licence-plate", plate(limit="many"), 400, "bad_limit"),
    "plate: data side, none": ("/search-licence-plate", {}, 400, "missing_plate"),
    "plate: data side, a region": ("/search-licence-plate", plate(licence_plate="京"), 400, "plate_too_short"),
    "no JSON": ("/search-face", "{", 400, "malformed"),
    "a list": ("/search-licence-plate", [PLATE], 400, "malformed"),
    "no UTF-8": ("/licence-plate", b'{"licence_plate": "\xff"}', 400, "malformed"),
    "empty": ("/licence-plate", "", 400, "malformed"),
}


@pytest.mark.parametrize(("path", "body", "status", "code"), BODIES.values(), ids=BODIES)
def test_a_bad_body_is_told_so(ask, path, body, status, code):
    make_plate(make_video(), PLATE, 1)
    answer = ask(path, body, status=status)
    assert answer["code"] == code
    assert answer["error"]
    assert PLATE not in answer["error"]


PHOTOS = {
    "empty file": (b"", 400, "missing_image"),
    "a text": (b"hello", 400, "bad_image"),
    "a GIF": (b"GIF89a" + bytes(40), 400, "bad_image"),
    "truncated": (fake_jpeg(FakeFace(1))[:3000], 400, "bad_image"),
    "nobody on it": (as_jpeg(blank()), 422, "no_face"),
    "a face too small": (fake_jpeg(Placed(FakeFace(1), 10, 10, 60)), 422, "face_too_small"),
}


@pytest.mark.parametrize(("photo", "status", "code"), PHOTOS.values(), ids=PHOTOS)
def test_a_bad_photo_is_told_so(detect, photo, status, code):
    assert detect(photo, status=status)["code"] == code


def test_a_photo_over_the_limit_is_refused_before_it_is_looked_at(detect, monkeypatch):
    monkeypatch.setattr(settings, "KIOSK", settings.KIOSK.model_copy(update={"image_mb": 1}))
    assert detect(bytes(1024 * 1024 + 1), status=413)["code"] == "image_too_large"


def upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("photo.jpg", fake_jpeg(FakeFace(1)))


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no field": ({}, "missing_image"),
    "a text instead of a file": ({"image": "photo"}, "missing_image"),
    "another field": ({"photo": upload()}, "missing_image"),
    "threshold is no number": ({"image": upload(), "threshold": "high"}, "bad_threshold"),
    "threshold is NaN": ({"image": upload(), "threshold": "nan"}, "bad_threshold"),
    "limit beyond the setting": ({"image": upload(), "limit": "100000"}, "bad_limit"),
}


@pytest.mark.parametrize(("form", "code"), FORMS.values(), ids=FORMS)
def test_a_bad_form_is_told_so(client: Client, form, code):
    response = client.post("/face-detect", form)
    assert (response.status_code, json.loads(response.content)["code"]) == (400, code)


RAW = {
    "JSON instead of a form": ("application/json", b'{"image": "x"}'),
    "no boundary": ("multipart/form-data", b"--x"),
    "cut off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
    ),
    "nothing at all": ("multipart/form-data; boundary=x", b""),
}


@pytest.mark.parametrize(("content_type", "body"), RAW.values(), ids=RAW)
def test_a_body_that_is_no_form_is_told_so(client: Client, content_type, body):
    response = client.post("/face-detect", body, content_type=content_type)
    assert response.status_code == 400
    assert json.loads(response.content)["code"] in {"malformed", "missing_image", "bad_image"}


ROUTES = ("/face-detect", "/licence-plate", "/search-face", "/search-licence-plate")


@pytest.mark.parametrize("path", ROUTES)
def test_only_posts_of_those_who_may(client: Client, path):
    assert client.get(path).status_code == 405
    _token, key = ApiToken.objects.create_key(name="others", scopes=["faces:list"])
    cache.clear()  # which remembers for a second that there was no token
    body = {"HTTP_AUTHORIZATION": f"Bearer {key}", "content_type": "application/json", "data": json.dumps(plate() | vector())}
    for headers, status in [({}, 401), ({"HTTP_AUTHORIZATION": "Bearer nonsense"}, 401), (body, 403)]:
        response = client.post(path, **{"content_type": "application/json", "data": "{}"} | headers)
        assert (response.status_code, list(json.loads(response.content))) == (status, ["error", "code"])
    _token, key = ApiToken.objects.create_key(name="searcher", scopes=["sightings:search"])
    response = client.post(path, **body | {"HTTP_AUTHORIZATION": f"Bearer {key}"})
    assert response.status_code in {200, 400}, read(response)


def test_an_index_that_does_not_answer_is_503_and_says_no_plate(ask, caplog, monkeypatch):
    from analytics.sightings import indexes
    from faces.index.base import IndexUnavailable

    def away() -> None:
        raise IndexUnavailable("the server is away")

    monkeypatch.setattr(indexes.plate_index().follower, "catch_up", away)
    answer = ask("/licence-plate", plate(), status=503)
    assert answer["code"] == "unavailable"
    assert PLATE not in caplog.text + answer["error"]
