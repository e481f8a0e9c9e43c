"""What a client of the video interfaces does: upload, wait, ask."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.live_server import LiveServer

WAIT_SECONDS = 180


def upload(
    server: LiveServer, video: Path | bytes, *, interval: object = 1000, path: str = "/video", prefer: str = "", **fields: str
) -> requests.Response:
    """POSTs a video as the protocol says."""
    data = video.read_bytes() if isinstance(video, Path) else video
    form = {**({} if interval is None else {"interval": str(interval)}), **fields}
    headers = {"Prefer": prefer} if prefer else {}
    return requests.post(server.url + path, data=form, files={"video": ("clip.mp4", data)}, headers=headers, timeout=WAIT_SECONDS)


def submit(server: LiveServer, video: Path | bytes, **options: Any) -> str:
    """Uploads a video without waiting; the job's URL."""
    answer = upload(server, video, prefer="respond-async", **options)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Preference-Applied"] == "respond-async"
    location: str = answer.headers["Location"]
    return location


def job(url: str) -> dict[str, Any]:
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def wait_for(url: str, *states: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
    """The job once it is in one of these states, and has begun to move where it is running."""
    deadline = time.monotonic() + seconds
    body = job(url)
    while body["state"] not in states or (body["state"] == "running" and body["progress"] == 0):
        assert time.monotonic() < deadline, body
        assert body["state"] in {"queued", "running", *states}, body
        time.sleep(0.1)
        body = job(url)
    return body


@dataclass(slots=True)
class Stream:
    """A /video-streaming under way: iterate it for its objects."""

    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse
    sent_at: float
    """When the last byte of the upload was sent."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for line in self.answer:
            yield json.loads(line)

    def close(self) -> None:
        """Goes away, whether or not all was said."""
        self.answer.close()
        self.connection.close()


def stream(server: LiveServer, video: Path, interval: int = 1000) -> Stream:
    """Uploads a video to /video-streaming and returns when the answer begins; waits while streams that were left are ended."""
    prepared = requests.Request(
        "POST",
        server.url + "/video-streaming",
        data={"interval": str(interval)},
        files={"video": ("clip.mp4", video.read_bytes())},
    ).prepare()
    deadline = time.monotonic() + 20
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)
        connection.request("POST", "/video-streaming", prepared.body, dict(prepared.headers))
        sent_at = time.monotonic()
        answer = connection.getresponse()
        if answer.status != 503 or sent_at > deadline:
            break
        connection.close()
        time.sleep(0.1)
    assert (answer.status, answer.getheader("Content-Type")) == (200, "application/x-ndjson"), answer.read()
    return Stream(connection, answer, sent_at)


def rows(server: LiveServer, query: str) -> list[tuple[Any, ...]]:
    """What the server's database holds."""
    with closing(sqlite3.connect(server.data_dir / "kiosk.sqlite3")) as database:
        return database.execute(query).fetchall()


def files_of(server: LiveServer) -> set[str]:
    """Every file that has to do with videos."""
    folders = ("uploads", "work", "media")
    return {
        str(path.relative_to(server.data_dir))
        for folder in folders
        for path in (server.data_dir / folder).rglob("*")
        if path.is_file()
    }
