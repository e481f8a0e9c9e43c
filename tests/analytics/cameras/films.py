"""Films for the tests' cameras, and a camera that speaks MJPEG over HTTP."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageEnhance

from faces.engines.fake import FakeFace
from faces.types import ImageRGB
from tests.media import Placed, as_jpeg, blank, fake_photo, load_rgb, shared

FPS = 30
SIZE = (640, 360)
LEAD_SECONDS = 2.0
LIN_SECONDS = LEAD_SECONDS + 3.5
"""Where the close-up of Lin-Manuel Miranda begins; before, his face is 42 pixels wide."""
ALEX_SECONDS = LEAD_SECONDS + 10.0 + 1.0
"""Where Alex Lacamoire's portrait comes in; in the clip itself his face is 24 pixels wide, or in profile."""


def write_film(path: Path, frames: Iterator[ImageRGB], fps: int = FPS) -> Path:
    """A film as a camera would send it: H.264, a key frame every half second, no frame ahead of its time, none in slices."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=fps)
        stream.thread_count = 1
        stream.pix_fmt, stream.options = (
            "yuv420p",
            {"g": str(fps // 2), "bf": "0", "preset": "ultrafast", "crf": "18", "slices": "1"},
        )
        for number, image in enumerate(frames):
            if number == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def two_men(path: Path) -> Path:
    """An empty hall, hamilton_clip.mp4 as it is, the empty hall, Alex Lacamoire who moves before it, and the empty hall."""
    return write_film(path, _two_men())


def _two_men() -> Iterator[ImageRGB]:
    empty = blank(*SIZE, level=40)
    yield from [empty] * round(LEAD_SECONDS * FPS)
    with av.open(str(shared("testdata/video/hamilton_clip.mp4"))) as clip:
        shown = 0
        for frame in clip.decode(video=0):
            while shown <= frame.time * FPS:  # a few are missing in the clip
                yield frame.to_ndarray(format="rgb24")
                shown += 1
    yield from [empty] * round(10 * FPS - shown + FPS)
    portrait = Image.fromarray(load_rgb(shared("testdata/faces/alex_lacamoire.png"))).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for step in range(4 * FPS):
        share = step / (4 * FPS)
        scale = 0.6 + 0.15 * share
        small = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))
        image = Image.fromarray(empty.copy())
        image.paste(ImageEnhance.Brightness(small).enhance(0.8 + 0.3 * share), (round(60 + 220 * share), 30))
        yield np.asarray(image)
    yield from [empty] * FPS


def looped(path: Path, clip: Path, times: int) -> tuple[Path, float]:
    """The clip so many times one after the other, its packets as they are, and how long it is once, in seconds."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        stream: Any = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        length = stream.duration
        for turn in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is None:
                    continue
                packet.pts, packet.dts = packet.pts + turn * length, packet.dts + turn * length
                packet.stream = copy
                output.mux(packet)
        return path, float(length * stream.time_base)


def hall_film(path: Path, *parts: tuple[float, tuple[FakeFace | Placed, ...]], fps: int = 10) -> Path:
    """Faces of the fake engine: for so many seconds these, and then those. Each moves a little."""
    return write_film(path, _hall(parts, fps), fps)


def _hall(parts: tuple[tuple[float, tuple[FakeFace | Placed, ...]], ...], fps: int) -> Iterator[ImageRGB]:
    for seconds, faces in parts:
        image = fake_photo(*faces)
        for step in range(round(seconds * fps)):
            yield np.ascontiguousarray(np.roll(image, 4 * (step % 4), axis=1))


@contextmanager
def mjpeg_camera(picture: Callable[[], ImageRGB], username: str, password: str) -> Iterator[str]:
    """The URL of a camera that sends its picture ten times a second, to who knows the password (Basic)."""
    login = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != login:
                self.send_response(HTTPStatus.UNAUTHORIZED)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                while not stopped.is_set():
                    jpeg = as_jpeg(picture())
                    self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
                    self.wfile.write(jpeg + b"\r\n")
                    time.sleep(0.1)
            except OSError:
                return

        def log_message(self, *_args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
