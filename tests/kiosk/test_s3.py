"""Photos and videos in S3-compatible storage: put there, shown from there, and gone from there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.analytics import clips
from tests.analytics.videos.doors import upload
from tests.live_server import LiveServer
from tests.media import as_jpeg, skimage_sample

BUCKET = "hall"
SECONDS = 60


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """A bucket on a server of its own, on loopback."""
    storage = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    storage.start()
    host, port = storage.get_host_and_port()
    made = boto3.resource(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="hall",
        aws_secret_access_key="hall-key",
    ).Bucket(BUCKET)
    made.create()
    try:
        yield made
    finally:
        storage.stop()


@pytest.fixture(scope="module")
def hall(bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, str]]:
    """A server that keeps its media there, and its first admin's password."""
    settings = {
        "KIOSK_MEDIA_STORAGE": "s3",
        "KIOSK_S3_BUCKET": BUCKET,
        "KIOSK_S3_ENDPOINT": bucket.meta.client.meta.endpoint_url,
        "KIOSK_S3_REGION": "us-east-1",
        "KIOSK_S3_ACCESS_KEY": "hall",
        "KIOSK_S3_SECRET_KEY": "hall-key",
        "KIOSK_FACE_ENGINE": "dlib",
        "KIOSK_ENGINE_WORKERS": "1",
        "KIOSK_VIDEO_WORKERS": "1",
    }
    running = LiveServer(tmp_path_factory.mktemp("s3") / "data", **settings)
    password = found(r"password: (\S+)", running.manage("bootstrap"))
    try:
        running.start()
        yield running, password
    finally:
        running.stop()


@pytest.fixture(scope="module")
def server(hall: tuple[LiveServer, str]) -> LiveServer:
    return hall[0]


@pytest.fixture(scope="module")
def staff(hall: tuple[LiveServer, str]) -> requests.Session:
    """Signed in to admin."""
    server, password = hall
    session = requests.Session()
    session.headers["Referer"] = server.url
    page = session.get(f"{server.url}/admin/login/", timeout=SECONDS)
    answer = session.post(
        page.url,
        {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]},
        timeout=SECONDS,
    )
    assert answer.ok
    assert "sessionid" in session.cookies
    return session


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def stored(bucket: Any, folder: str = "") -> list[str]:
    return sorted(item.key for item in bucket.objects.all() if item.key.startswith(folder))


def delete_in_admin(staff: requests.Session, server: LiveServer, model: str, key: int) -> None:
    url = f"{server.url}/admin/{model}/{key}/delete/"
    assert staff.get(url, timeout=SECONDS).status_code == 200
    gone = staff.post(url, {"post": "yes", "csrfmiddlewaretoken": staff.cookies["csrftoken"]}, timeout=SECONDS)
    assert gone.status_code == 200


def test_a_photo_is_kept_shown_and_deleted(server: LiveServer, bucket: Any, staff: requests.Session) -> None:
    photo = base64.b64encode(as_jpeg(skimage_sample("astronaut.png"))).decode()
    added = server.post("/face", {"type": "face", "action": "add", "name": "艾琳", "image": photo})
    assert added["status"] == "success", added
    assert added["data"]["method"] == "dlib_with_s3"
    (name,) = stored(bucket)
    link = added["data"]["oss_url"]
    shown = requests.get(link, timeout=SECONDS)
    assert shown.content == bucket.Object(name).get()["Body"].read()
    assert shown.content.startswith(b"\xff\xd8\xff")
    assert "Signature" in requests.get(link, timeout=SECONDS, allow_redirects=False).headers.get("Location", link)
    assert server.post("/recognize", {"photo": photo})["statusCode"] == 200

    person = 1
    page = staff.get(f"{server.url}/admin/faces/person/{person}/change/", timeout=SECONDS)
    picture = found(r'src="(/admin/faces/facesample/[^"]+)"', page.text)
    assert staff.get(server.url + picture, timeout=SECONDS).content.startswith(b"\xff\xd8\xff")
    delete_in_admin(staff, server, "faces/person", person)
    assert stored(bucket) == []
    assert server.post("/recognize", {"photo": photo})["statusCode"] != 200


def test_a_video_is_kept_played_and_deleted(server: LiveServer, bucket: Any, staff: requests.Session, tmp_path: Path) -> None:
    clip = clips.write(tmp_path / "clip.mp4")
    answer = upload(server, clip, interval=500)
    assert answer.status_code == 200, answer.text
    url = answer.json()["processed_video_url"]
    assert url.startswith(server.url)
    assert stored(bucket, "videos")
    (processed,) = stored(bucket, "processed")
    played = requests.get(url, headers={"Range": "bytes=4-7"}, timeout=SECONDS)
    assert (played.status_code, played.content) == (206, b"ftyp")
    assert requests.get(url, timeout=SECONDS).content == bucket.Object(processed).get()["Body"].read()
    delete_in_admin(staff, server, "analytics/video", 1)
    assert stored(bucket, "videos") == stored(bucket, "processed") == []
    assert requests.get(url, timeout=SECONDS).status_code == 404


def test_nothing_of_it_is_on_the_servers_own_disk(server: LiveServer) -> None:
    media = server.data_dir / "media"
    assert not media.exists() or not [path for path in media.rglob("*") if path.is_file()]
