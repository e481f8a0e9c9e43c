"""From a video to its answers: a stage with two men, each found by his own photo and not by the other's."""

from __future__ import annotations

import http.client
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.live_server import LiveServer
from tests.media import as_jpeg, face_photo, insightface_models, shared

SECONDS = 240


def post_form(server: LiveServer, path: str, name: str, data: bytes, **fields: str) -> tuple[int, bytes]:
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()
    )
    body += f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'.encode() + data + b"\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    connection.request("POST", path, body, {"Content-Type": "multipart/form-data; boundary=x"})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    video = shared("testdata/video/hamilton_clip.mp4")
    root, pack = insightface_models()
    running = LiveServer(
        tmp_path_factory.mktemp("data"),
        KIOSK_FACE_ENGINE="insightface",
        KIOSK_INSIGHTFACE_ROOT=str(root),
        KIOSK_INSIGHTFACE_PACK=pack,
        KIOSK_ENGINE_WORKERS="1",
        KIOSK_ENGINE_SECONDS="120",
        KIOSK_VIDEO_WORKERS="1",
    )
    running.manage("bootstrap")
    running.start(wait=False)
    try:
        running.wait_until_ready(SECONDS)
        status, body = post_form(running, "/video", "video", Path(video).read_bytes(), interval="1000")
        assert status == 200, body
        yield running
    finally:
        running.stop()


def appearances(server: LiveServer, photo: str) -> dict[int, bytes]:
    """Time and picture of everything that a photo's face streams, with no setting but the defaults."""
    status, body = post_form(server, "/face-detect", "image", as_jpeg(face_photo(photo)))
    assert status == 200, body
    found = {}
    for line in map(json.loads, body.splitlines()):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        connection.request("GET", line["similar_face"].removeprefix(server.url))
        found[line["time"]] = connection.getresponse().read()
        connection.close()
    return found


def test_each_man_s_photo_finds_him_and_not_the_other(server: LiveServer):
    """Lacamoire is shown from the front only far off, at the piano, 24 pixels wide: 0.30 like his portrait."""
    miranda = appearances(server, "lin_manuel_miranda.png")
    lacamoire = appearances(server, "alex_lacamoire.png")
    assert miranda
    assert lacamoire
    assert not set(miranda.values()) & set(lacamoire.values())
    for picture in [*miranda.values(), *lacamoire.values()]:
        assert min(np.asarray(Image.open(io.BytesIO(picture))).shape[:2]) > 20
    assert not appearances(server, "biden.jpg")
