"""Bad uploads through the real server: each gets a clear JSON error with the right status, and leaves neither file nor row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.analytics import clips
from tests.analytics.videos.doors import files_of, rows, upload
from tests.live_server import LiveServer
from tests.media import as_jpeg, blank

GIANT = 5000

Make = Callable[[Path], bytes]


def _file(maker: Callable[[Path], Path], name: str = "clip.mp4") -> Make:
    return lambda folder: maker(folder / name).read_bytes()


def _whole(folder: Path) -> bytes:
    return clips.write(folder / "clip.mp4", count=5).read_bytes()


def _without_index(folder: Path) -> bytes:
    data = _whole(folder)
    return data[: clips.box(data, b"moov") - 8]


CONTENTS: list[tuple[str, Make, int, str]] = [
    ("nothing", lambda _: b"", 415, "not_a_video"),
    ("one byte", lambda _: b"\0", 415, "not_a_video"),
    ("text", lambda _: "这不是视频\n".encode() * 100, 415, "not_a_video"),
    ("noise", lambda _: bytes(range(256)) * 64, 415, "not_a_video"),
    ("picture", lambda _: as_jpeg(blank()), 415, "not_a_video"),
    ("PDF", lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"0 " * 500, 415, "not_a_video"),
    ("ZIP", lambda _: b"PK\x03\x04" + b"\0" * 500, 415, "not_a_video"),
    ("HTML", lambda _: b"<!doctype html><video src=/etc/passwd></video>" * 20, 415, "not_a_video"),
    ("playlist", lambda _: b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n", 415, "not_a_video"),
    ("list of files", lambda _: b"ffconcat version 1.0\nfile /etc/passwd\n", 415, "not_a_video"),
    ("manifest", lambda _: b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>', 415, "not_a_video"),
    ("session description", lambda _: b"v=0\r\nm=video 9 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\n", 415, "not_a_video"),
    ("MP4 without its index", _without_index, 415, "not_a_video"),
    ("head of an MP4", lambda folder: _whole(folder)[:32], 415, "not_a_video"),
    ("sound only", _file(clips.sound_only), 415, "no_video_stream"),
    ("no frame is whole", _file(lambda path: clips.without_frames(clips.write(path, count=5))), 422, "no_frames"),
    ("tiny", _file(lambda path: clips.write(path, count=3, width=16, height=16)), 422, "bad_dimensions"),
    ("thin", _file(lambda path: clips.write(path, count=3, width=640, height=32)), 422, "bad_dimensions"),
    ("giant", _file(lambda path: clips.write(path, count=1, width=GIANT, height=2400, codec="mpeg4")), 422, "bad_dimensions"),
    ("too long", _file(lambda path: clips.write(path, times_ms=[0, 5000, 21_000])), 422, "too_long"),
    ("too long, Matroska", _file(lambda path: clips.write(path, times_ms=[0, 5000, 30_000]), "clip.mkv"), 422, "too_long"),
]

FIELDS: list[tuple[str, dict[str, Any], int, str]] = [
    ("no interval", {"interval": None}, 400, "missing_interval"),
    ("empty interval", {"interval": ""}, 400, "missing_interval"),
    ("blank interval", {"interval": "  "}, 400, "missing_interval"),
    ("interval 0", {"interval": 0}, 400, "bad_interval"),
    ("negative interval", {"interval": -1000}, 400, "bad_interval"),
    ("fraction", {"interval": "1.5"}, 400, "bad_interval"),
    ("exponent", {"interval": "1e3"}, 400, "bad_interval"),
    ("word", {"interval": "一秒"}, 400, "bad_interval"),
    ("other digits", {"interval": "１０００"}, 400, "bad_interval"),
    ("NaN", {"interval": "nan"}, 400, "bad_interval"),
    ("too small", {"interval": 1}, 400, "bad_interval"),
    ("too large", {"interval": 10**9}, 400, "bad_interval"),
    ("beyond all numbers", {"interval": "9" * 4000}, 400, "bad_interval"),
    ("lines no JSON", {"lines": "["}, 400, "bad_lines"),
    ("lines no list", {"lines": '{"name": "a"}'}, 400, "bad_lines"),
    ("line without a name", {"lines": '[{"start": [0, 0], "end": [1, 1]}]'}, 400, "bad_lines"),
    ("line without an end", {"lines": '[{"name": "a", "start": [0, 0]}]'}, 400, "bad_lines"),
    ("line without length", {"lines": '[{"name": "a", "start": [0.5, 0], "end": [0.5, 0]}]'}, 400, "bad_lines"),
    ("line in pixels", {"lines": '[{"name": "a", "start": [0, 0], "end": [640, 0]}]'}, 400, "bad_lines"),
    (
        "two lines of one name",
        {"lines": '[{"name":"a","start":[0,0],"end":[1,0]},{"name":"a","start":[0,0],"end":[0,1]}]'},
        400,
        "bad_lines",
    ),
    ("zone of two corners", {"zones": '[{"name": "a", "corners": [[0, 0], [1, 1]]}]'}, 400, "bad_zones"),
    ("zone of words", {"zones": '[{"name": "a", "corners": ["x", "y", "z"]}]'}, 400, "bad_zones"),
    (
        "21 zones",
        {"zones": str([{"name": str(n), "corners": [[0, 0], [1, 0], [1, 1]]} for n in range(21)]).replace("'", '"')},
        400,
        "bad_zones",
    ),
    ("device that is no id", {"device": "camera 1"}, 400, "bad_device"),
    ("unknown device", {"device": "00000000-0000-4000-8000-000000000000"}, 400, "bad_device"),
    ("time that is none", {"recorded_at": "yesterday"}, 400, "bad_time"),
    ("time that never was", {"recorded_at": "2026-02-30T10:00:00"}, 400, "bad_time"),
]

BOUNDARY = "x" * 20
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
RAW: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
    ("JSON", "POST", {"Content-Type": "application/json"}, b'{"video": "", "interval": 1000}', 400, "malformed"),
    ("video alone as the body", "POST", {"Content-Type": "video/mp4"}, b"\0" * 100, 400, "malformed"),
    ("no type", "POST", {}, b"", 400, "malformed"),
    ("form without boundary", "POST", {"Content-Type": "multipart/form-data"}, b"x", 400, "malformed"),
    ("URL-encoded form", "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"interval=1&video=x", 400, "malformed"),
    ("empty form", "POST", FORM, f"--{BOUNDARY}--\r\n".encode(), 400, "missing_interval"),
    ("form that is none", "POST", FORM, b"\xff\xfe" * 50, 400, "missing_interval"),
    ("video as text", "POST", FORM, "\r\n".join([
        f"--{BOUNDARY}", 'Content-Disposition: form-data; name="interval"', "", "1000",
        f"--{BOUNDARY}", 'Content-Disposition: form-data; name="video"', "", "clip.mp4", f"--{BOUNDARY}--", "",
    ]).encode(), 400, "missing_video"),
    ("file under another name", "POST", FORM, "\r\n".join([
        f"--{BOUNDARY}", 'Content-Disposition: form-data; name="interval"', "", "1000",
        f"--{BOUNDARY}", 'Content-Disposition: form-data; name="file"; filename="a.mp4"', "", "x", f"--{BOUNDARY}--", "",
    ]).encode(), 400, "missing_video"),
    ("GET", "GET", {}, b"", 405, "method"),
    ("PUT", "PUT", FORM, b"", 405, "method"),
]  # fmt: skip

DOORS = ["/video", "/video-streaming"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _whole(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    limits = {"KIOSK_VIDEO_SECONDS": "20", "KIOSK_UPLOAD_MB": "2", "KIOSK_FACE_ENGINE": "fake"}
    with LiveServer(tmp_path_factory.mktemp("bad") / "data", **limits) as running:
        yield running


def _assert_refused(server: LiveServer, answer: requests.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    body = answer.json()
    assert body["code"] == code, body
    assert any("一" <= character <= "鿿" for character in body["error"])
    assert files_of(server) == set()
    assert rows(server, "SELECT count(*) FROM analytics_video") == [(0,)]


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(("make", "status", "code"), [case[1:] for case in CONTENTS], ids=[case[0] for case in CONTENTS])
def test_a_file_that_is_no_video_is_refused(
    server: LiveServer, tmp_path: Path, path: str, make: Make, status: int, code: str
) -> None:
    _assert_refused(server, upload(server, make(tmp_path), path=path), status, code)


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(("fields", "status", "code"), [case[1:] for case in FIELDS], ids=[case[0] for case in FIELDS])
def test_a_field_that_is_wrong_is_refused(
    server: LiveServer, clip: bytes, path: str, fields: dict[str, Any], status: int, code: str
) -> None:
    _assert_refused(server, upload(server, clip, path=path, **fields), status, code)


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "code"), [case[1:] for case in RAW], ids=[case[0] for case in RAW]
)
def test_a_request_of_another_kind_is_refused(
    server: LiveServer, path: str, method: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = requests.request(method, server.url + path, headers=headers, data=body, timeout=60)
    _assert_refused(server, answer, status, code)


@pytest.mark.parametrize("path", DOORS)
def test_an_upload_over_the_limit_is_cut_off(server: LiveServer, path: str) -> None:
    answer = upload(server, b"\0" * (3 * 1024 * 1024), path=path)
    _assert_refused(server, answer, 413, "too_large")


@pytest.mark.parametrize(
    ("method", "status", "code"), [("GET", 404, "not_found"), ("DELETE", 404, "not_found"), ("POST", 405, "method")]
)
def test_a_job_that_there_is_not(server: LiveServer, method: str, status: int, code: str) -> None:
    url = f"{server.url}/video/jobs/00000000-0000-4000-8000-000000000000"
    _assert_refused(server, requests.request(method, url, timeout=30), status, code)
