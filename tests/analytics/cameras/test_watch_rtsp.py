"""Two men before a real RTSP camera, recognised by real engines: the whole way from the camera to the event socket."""

from __future__ import annotations

import base64
import io
import time

import numpy as np
import pytest
from PIL import Image

from faces.engines.registry import create_engine, resolve
from faces.similarity import similarity
from tests.analytics.cameras.films import ALEX_SECONDS, LEAD_SECONDS, LIN_SECONDS, looped, two_men
from tests.analytics.cameras.hall import Hall, until
from tests.media import INSIGHTFACE_PACK, as_jpeg, insightface_models, load_rgb, shared
from tests.rtsp_server import rtsp_camera

USER, PASSWORD = "camera", "p@ss:wörd/#Zq81"
LIN, ALEX = "林-曼努尔", "亚历克斯"
PORTRAITS = {LIN: "lin_manuel_miranda.png", ALEX: "alex_lacamoire.png"}
WITHIN_SECONDS = 2.0
ROUNDS = 6
"""Two are enough; more are shown only where he was missed."""
LOOKS_A_SECOND = 5
"""From here on he is known in every run; seldomer, there may be fewer than three pictures of him."""
CLIP = "testdata/video/hamilton_clip.mp4"
GUESTS = {"奥巴马": "obama.jpg", "拜登": "biden.jpg"}
"""Barack Obama sits in the clip's audience, Joe Biden does not."""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return two_men(tmp_path_factory.mktemp("film") / "two_men.mp4")


def engine_settings(name):
    if name == "dlib":
        return {"KIOSK_FACE_ENGINE": "dlib"}
    root, pack = insightface_models()
    return {"KIOSK_FACE_ENGINE": "insightface", "KIOSK_INSIGHTFACE_ROOT": str(root), "KIOSK_INSIGHTFACE_PACK": pack}


def shows(engine, jpeg, portrait):
    """How alike the face on the picture and that on the portrait are."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    # Enlarged: dlib's detector finds no face of 50 pixels in a picture that is hardly larger.
    seen = np.asarray(picture.resize((4 * picture.width, 4 * picture.height)))
    first, second = (engine.embed(image, engine.detect(image)[0]) for image in (seen, portrait))
    return similarity(engine.info.metric, first, second)


def loaded_engine(name, tmp_path):
    root = insightface_models()[0] if name == "insightface" else tmp_path
    spec, _known = resolve(name, insightface_root=root, pack=INSIGHTFACE_PACK, cache_dir=tmp_path / "data" / "models")
    return create_engine(spec)


def whose(event, engine, portraits):
    """Whose portrait the event's picture is most like."""
    jpeg = base64.b64decode(event["recognize_face_image"].partition(",")[2])
    likeness = {who: shows(engine, jpeg, portrait) for who, portrait in portraits.items()}
    return max(likeness, key=likeness.get)


def test_the_clip_as_it_is_on_a_camera_set_for_faces_far_off(tmp_path):
    """hamilton_clip.mp4 again and again: one event for each of the two men, within two seconds of appearing, each with his face.

    Both are in view as the clip begins, 42 and 24 pixels wide, the latter for two thirds of a second and never again. It takes
    the device's own settings, threshold 0.25 and faces from 20 pixels on, and insightface: with the general ones, 0.4 and 40,
    Lacamoire gets no name, and on dlib's scale he is nobody's likeness. The first second of a stream may pass while the
    connection is made; then they are known when Miranda turns to the front, and Lacamoire when the clip begins again. It is one
    visit each, however often it does.
    """
    film, clip_seconds = looped(tmp_path / "film.mp4", shared(CLIP), ROUNDS)
    portraits = {who: load_rgb(shared(f"testdata/faces/{file}")) for who, file in (PORTRAITS | GUESTS).items()}
    settings = engine_settings("insightface") | {"KIOSK_LOG_LEVEL": "DEBUG"}
    with rtsp_camera(film, USER, PASSWORD) as camera, Hall(tmp_path / "data", **settings) as hall:
        for who, portrait in portraits.items():
            hall.enrol(who, as_jpeg(portrait, 95))
        # The engines are loaded before the film begins.
        hall.add_device("坏摄像头", "rtsp://127.0.0.1:9/live")
        until(lambda: hall.device("坏摄像头")["error"])
        with hall.follow(with_face_image=True) as client:
            hall.add_device("大厅", camera.url, username=USER, password=PASSWORD, threshold=0.25, min_face=20)
            until(lambda: camera.sent)
            for _round in range(ROUNDS - 1):
                client.wait(clip_seconds)
                if {LIN, ALEX} <= {event["identity_name"] for event in client.events}:
                    break
            client.wait(clip_seconds)
        log = hall.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        looks_a_second = log.count("faces, done") / (time.time() - camera.sent[0][1])
    named = {event["identity_name"]: event for event in client.events if event["identity_name"]}
    assert len(named) == sum(bool(event["identity_name"]) for event in client.events), "somebody was told twice"
    assert named.keys() <= {LIN, ALEX, "奥巴马"}
    if ALEX not in named and looks_a_second < LOOKS_A_SECOND:
        pytest.skip(f"needs {LOOKS_A_SECOND} looks a second; this machine is busy and had time for {looks_a_second:.1f}")
    assert {LIN, ALEX} <= named.keys()
    appearances = {LIN: (0.0, LIN_SECONDS - LEAD_SECONDS), ALEX: (0.0,)}
    delays = {
        who: min((named[who]["received"] - camera.sent[0][1] - second) % clip_seconds for second in seconds)
        for who, seconds in appearances.items()
    }
    scores = {who: event["score"] for who, event in named.items()}
    print(f"{delays} s from appearing to the client; scores {scores}")  # noqa: T201
    assert max(delays.values()) <= WITHIN_SECONDS
    assert 25 <= scores[ALEX] < 40, "no longer needs a threshold of its own"
    engine = loaded_engine("insightface", tmp_path)
    assert {who: whose(event, engine, portraits) for who, event in named.items()} == {who: who for who in named}


@pytest.mark.parametrize("name", ["insightface", "dlib"])
def test_both_men_get_one_event_each_with_name_and_face_within_two_seconds(name, film, tmp_path):
    settings = engine_settings(name)
    portraits = {who: load_rgb(shared(f"testdata/faces/{file}")) for who, file in PORTRAITS.items()}
    with rtsp_camera(film, USER, PASSWORD) as camera, Hall(tmp_path / "data", **settings) as hall:
        for who, portrait in portraits.items():
            hall.enrol(who, as_jpeg(portrait, 95))
        # What is broken must not keep the watch from what is not; and the engines are loaded before the film begins.
        hall.add_device("坏摄像头", "rtsp://127.0.0.1:9/live", username=USER, password=PASSWORD)
        until(lambda: hall.device("坏摄像头")["error"])
        with hall.follow(with_face_image=True) as client:
            device = hall.add_device("大厅", camera.url, username=USER, password=PASSWORD, ip="127.0.0.1", cooldown_seconds=60)
            until(lambda: camera.sent)
            client.wait(ALEX_SECONDS + 8)
        working, broken = hall.device("大厅"), hall.device("坏摄像头")
        log = hall.log.read_text(encoding="utf-8")
    named = [event for event in client.events if event["identity_name"]]

    assert [event["identity_name"] for event in named] == [LIN, ALEX]
    # One engine makes him out in the long shot, the other one in the close-up.
    appearances = {LIN: (LEAD_SECONDS, LIN_SECONDS), ALEX: (ALEX_SECONDS,)}
    delays = [
        min(delay for second in appearances[event["identity_name"]] if (delay := event["received"] - camera.shown_at(second)) > 0)
        for event in named
    ]
    print(f"{name}: {', '.join(f'{delay:.2f}' for delay in delays)} s from appearing to the client")  # noqa: T201
    assert max(delays) <= WITHIN_SECONDS
    assert all(event["score"] >= 40 and event["media_device_id"] == device for event in named)
    assert {event["user_type"] for event in client.events if not event["identity_name"]} <= {"stranger"}

    engine = loaded_engine(name, tmp_path)
    assert all(whose(event, engine, portraits) == event["identity_name"] for event in named)

    assert broken["error"] == "refused"
    assert broken["error_since"]
    assert working["last_seen_at"]
    assert working["snapshot"]
    assert "Traceback" not in log
    for secret in (PASSWORD, "Zq81", "p%40ss"):
        assert secret not in log + str(working["error"]) + str(broken["error"])
