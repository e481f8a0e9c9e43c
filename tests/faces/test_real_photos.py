"""The real server with its real engines on real photos: everybody who is known is recognised, nobody else is."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.live_server import LiveServer
from tests.media import insightface_models, shared

ENROLLED = {"obama": "obama.jpg", "biden": "biden.jpg", "miranda": "lin_manuel_miranda.png"}
KNOWN = {
    "obama.jpg": {"obama"},
    "obama2.jpg": {"obama"},
    "obama3.jpg": {"obama"},
    "obama_partial_face.jpg": {"obama"},
    "obama_partial_face2.jpg": {"obama"},
    "biden.jpg": {"biden"},
    "biden2.jpg": {"biden"},
    "obama_and_biden.jpg": {"obama", "biden"},
    "two_people.jpg": {"obama", "biden"},
    "lin_manuel_miranda.png": {"miranda"},
}
"""Whom the largest face may be; of two faces of about one size, either."""


def photo(name: str) -> str:
    return base64.b64encode(shared(f"testdata/faces/{name}").read_bytes()).decode()


@pytest.fixture(scope="module", params=["dlib", "insightface"])
def server(request, tmp_path_factory) -> Iterator[LiveServer]:
    shared("testdata/faces")
    settings = {"KIOSK_FACE_ENGINE": request.param}
    if request.param == "insightface":
        root, pack = insightface_models()
        settings |= {"KIOSK_INSIGHTFACE_ROOT": str(root), "KIOSK_INSIGHTFACE_PACK": pack}
    with LiveServer(tmp_path_factory.mktemp(request.param) / "data", **settings) as running:
        for name, file in ENROLLED.items():
            answer = running.post("/face", {"type": "face", "action": "add", "name": name, "image": photo(file)})
            assert answer["status"] == "success", answer
            assert answer["data"]["method"] == f"{request.param}_with_filesystem"
        yield running


@pytest.mark.parametrize("file", KNOWN)
def test_known_people_are_recognised(server, file):
    answer = server.post("/recognize", {"photo": photo(file)})
    assert answer["statusCode"] == 200
    assert {match["name"] for match in answer["data"]["match"]} <= KNOWN[file]


def test_a_stranger_is_not(server):
    assert server.post("/recognize", {"photo": photo("alex_lacamoire.png")})["statusCode"] == 252


def test_a_known_face_under_another_name_is_refused(server):
    answer = server.post("/face", {"type": "face", "action": "add", "name": "somebody", "image": photo("obama3.jpg")})
    assert answer["status"] == "error"


def test_two_people_on_a_photo_are_refused(server):
    answer = server.post("/face", {"type": "face", "action": "add", "name": "both", "image": photo("two_people.jpg")})
    assert answer["status"] == "error"
    assert answer["message"].startswith("添加人员失败: ")


def test_a_batch_of_one_person(server):
    answer = server.post("/recognize/batch", {"photos": [photo("obama2.jpg"), photo("obama3.jpg"), photo("biden2.jpg")]})
    assert answer["statusCode"] == 200
    assert answer["data"]["valid_frames"] == 3
    assert {match["name"] for match in answer["data"]["match"]} == {"obama", "biden"}
    assert "最相似的是obama" in answer["data"]["message"]
    assert "（出现2次）" in answer["data"]["message"]


def test_find(server):
    answer = server.post("/face", {"type": "face", "action": "find", "image": photo("biden2.jpg")})
    assert answer["data"]["name"] == "biden"
    assert 0.4 <= answer["data"]["confidence"] <= 1
