"""The streams of a real server: object by object, of sightings that another process wrote."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path

import pytest

from faces.engines.fake import FakeFace
from tests.live_server import ROOT, LiveServer
from tests.media import fake_jpeg

SIGHTINGS = 25
_WRITE = f"""
from faces.engines.fake import FakeFace
from tests.analytics.factories import make_face, make_plate, make_video
video = make_video()
for number in range({SIGHTINGS}):
    make_face(video, FakeFace(1), 1000 * number)
    make_plate(video, "苏D561GM", 1000 * number)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with LiveServer(tmp_path_factory.mktemp("data"), KIOSK_FACE_ENGINE="fake", KIOSK_VIDEO_WORKERS="0") as running:
        subprocess.run(
            [sys.executable, ROOT / "manage.py", "shell", "-v", "0", "-c", _WRITE], env=running.environment, check=True
        )
        yield running


def form(photo: bytes) -> tuple[str, bytes]:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return "multipart/form-data; boundary=x", head + photo + b"\r\n--x--\r\n"


ASKED = {
    "/face-detect": form(fake_jpeg(FakeFace(1))),
    "/licence-plate": ("application/json", json.dumps({"licence_plate": "苏D561GM"}).encode()),
}


@pytest.mark.parametrize("path", ASKED)
def test_each_object_is_sent_on_its_own(server: LiveServer, path: str):
    content_type, body = ASKED[path]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": content_type})
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert response.headers["Transfer-Encoding"] == "chunked"
    pieces = []
    while piece := response.read1():
        pieces.append(json.loads(piece))
    connection.close()
    assert [piece["time"] for piece in pieces] == [1000 * number for number in range(SIGHTINGS)]


def test_the_indexes_lie_in_the_data_folder(server: LiveServer):
    assert {path.name for path in Path(server.data_dir, "sightings").glob("*/*")} == {"faces", "plates"}
