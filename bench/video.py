"""The whole way of a video beside plain decoding and encoding of the same file, in turns in one run; and its memory.

    KIOSK_DATA_DIR=… python -m bench.video [VIDEO…] [--detectors motion,yolox,hybrid] [--faces dlib,insightface] [--rounds 3]
        [--long MINUTES] [--stream]

plain: PyAV decodes every frame and encodes it again with the settings of the processed video; nothing is looked at or drawn.
It runs again with each of the others, before it and behind it in turn: machines change their speed from second to second.
x264 as it comes: the same with the encoder's own settings, which are slower and smaller than those of the processed video.
counting: analytics.pipeline with an output: decode, detect, track, count, draw, encode.
/video: what a worker process does for POST /video with the first detector: counting, faces by the engine that is named, and
plates, as the defaults have it. Only storing the rows is left out.
Seconds are medians over the rounds. --long also loops the first video to so many minutes, without encoding it anew, and prints
the resident memory on the way, with everything that is looked for. --stream prints the time to the first object of
/video-streaming, from the moment at which the upload is there, for the first video and for the long one.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after the set-up

from analytics.engines.base import Detector, DetectorUnavailable  # noqa: E402
from analytics.engines.registry import DetectorName, DetectorSpec, create_detector  # noqa: E402
from analytics.models import Video  # noqa: E402
from analytics.pipeline import analyse, run_to_end  # noqa: E402
from analytics.plates.reader import RapidPlateReader  # noqa: E402
from analytics.video.reader import VideoReader  # noqa: E402
from analytics.video.writer import CRF, KEY_FRAME_SECONDS, PRESET  # noqa: E402
from analytics.videos import stream_worker  # noqa: E402
from analytics.videos.analysis import LoadedEngines, analyse_whole  # noqa: E402
from analytics.videos.engines import detector_spec, video_limits  # noqa: E402
from analytics.videos.jobs import Outcome  # noqa: E402
from faces.engines.base import EngineUnavailable, FaceEngine  # noqa: E402
from faces.engines.registry import EngineName, EngineSpec, create_engine  # noqa: E402
from kiosk.runtime.workers import WorkerPool  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"
DETECTORS: tuple[DetectorName, ...] = ("motion", "yolox", "hybrid")
MIB = 1024 * 1024
BAR = 1.5
"""What the pipeline may take, times plain, with the default detector."""
LONG_MINUTES = 30
FIRST_SECONDS, FIRST_OBJECTS = 1.0, 5
"""Until the first object of a stream, and how often that is measured."""
MEMORY_AT = (0.1, 0.25, 0.5, 0.75, 0.99)


class _Taken(NamedTuple):
    seconds: float
    processor_seconds: float


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, default=sorted((SHARED / "testdata" / "video").glob("*.mp4")))
    parser.add_argument("--model", type=Path, default=SHARED / "models" / "yolox" / "yolox_nano.onnx")
    parser.add_argument("--detectors", type=_names, default=list(DETECTORS))
    parser.add_argument("--faces", type=_names, default=["dlib", "insightface"])
    parser.add_argument("--insightface-root", type=Path, default=SHARED / "models" / "insightface")
    parser.add_argument("--pack", default="mobile")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--stream", action="store_true")
    arguments = parser.parse_args()
    if not arguments.videos:
        parser.error("no videos to analyse")
    detectors = list(available_detectors(arguments.detectors, arguments.model))
    whole = [
        LoadedEngines(detectors[0], engine, RapidPlateReader())
        for engine in _face_engines(arguments.faces, arguments.insightface_root, arguments.pack)
    ]
    with tempfile.TemporaryDirectory(prefix="bench-video-") as folder:
        for path in arguments.videos if arguments.rounds else ():
            _compare(path, detectors, whole, Path(folder), arguments.rounds)
        if arguments.long or arguments.stream:
            looped = Path(folder) / "long.mp4"
            _loop(arguments.videos[0], looped, (arguments.long or LONG_MINUTES) * 60)
            if arguments.stream:
                _stream(arguments.videos[0], looped)
            for engines in whole if arguments.long else ():
                _long(looped, engines, Path(folder))


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _face_engines(names: Iterable[EngineName], root: Path, pack: str) -> Iterator[FaceEngine]:
    """Those that can run here; says which can't."""
    for name in names:
        try:
            yield create_engine(EngineSpec(name, root, pack, settings.KIOSK.model_dir))
        except EngineUnavailable as error:
            print(f"faces by {name}: skipped, {error}")


def available_detectors(names: Iterable[DetectorName], model: Path) -> Iterator[Detector]:
    """The detectors that can run here; says which can't."""
    for name in names:
        try:
            yield create_detector(DetectorSpec(name, None if name == "motion" else model))
        except DetectorUnavailable as error:
            print(f"{name}: skipped, {error}")


def _compare(path: Path, detectors: Sequence[Detector], whole: Sequence[LoadedEngines], folder: Path, rounds: int) -> None:
    with VideoReader(path) as reader:
        info = reader.info
        frames = sum(1 for _ in reader)
    print(f"\n{path.stem}: {frames} frames of {info.width} x {info.height}, {info.fps:g} a second; medians of {rounds}")

    def plain() -> None:
        _plain(path, folder / "plain.mp4", info.fps, _as_processed(info.fps))

    ways: dict[str, Callable[[], object]] = {"plain, x264 as it comes": lambda: _plain(path, folder / "plain.mp4", info.fps, {})}
    for detector in detectors:
        ways[f"counting, {detector.name}"] = _pipeline(path, detector, folder / "processed.mp4")
    for engines in whole:
        assert engines.faces is not None, "they are made with faces"
        ways[f"/video, {engines.detector.name}, faces {engines.faces.info.name}, plates"] = _everything(path, engines, folder)
    taken: dict[str, list[tuple[_Taken, _Taken]]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, work in ways.items():
            if number % 2:
                own = _timed(work)
                taken[way].append((_timed(plain), own))
            else:
                taken[way].append((_timed(plain), _timed(work)))
    _print("plain", frames, [beside.seconds for pairs in taken.values() for beside, _ in pairs], "")
    for way, pairs in taken.items():
        ratio = statistics.median(own.seconds / beside.seconds for beside, own in pairs)
        processor = statistics.median(own.processor_seconds / beside.processor_seconds for beside, own in pairs)
        is_default = way.startswith("/video") or way == "counting, motion"
        verdict = "" if not is_default else f"  {BAR:g} met" if ratio <= BAR else f"  {BAR:g} MISSED"
        told = f"  {ratio:5.2f} x plain in time, {processor:5.2f} x in processor time{verdict}"
        _print(way, frames, [own.seconds for _, own in pairs], told)


def _print(way: str, frames: int, seconds: list[float], told: str) -> None:
    median = statistics.median(seconds)
    print(f"  {way:42} {median:6.2f} s  {frames / median:5.0f} frames/s{told}", flush=True)


def _timed(work: Callable[[], object]) -> _Taken:
    started, started_processor = time.perf_counter(), time.process_time()
    work()
    return _Taken(time.perf_counter() - started, time.process_time() - started_processor)


def _pipeline(path: Path, detector: Detector, output: Path) -> Callable[[], object]:
    return lambda: run_to_end(analyse(path, interval_ms=1000, detector=detector, output=output))


def _everything(
    path: Path, engines: LoadedEngines, folder: Path, on_progress: Callable[[float], None] = lambda _share: None
) -> Callable[[], Outcome]:
    video = Video(pk=1, interval_ms=1000)
    return lambda: analyse_whole(video, path, folder, engines, on_progress=on_progress, cancelled=lambda: False)


def _as_processed(fps: float) -> dict[str, str]:
    return {"preset": PRESET, "crf": CRF, "g": str(max(1, round(fps * KEY_FRAME_SECONDS)))}


def _plain(path: Path, output: Path, fps: float, options: dict[str, str]) -> None:
    import av

    time_base = Fraction(1, 1000)
    with av.open(str(path)) as source, av.open(str(output), "w", format="mp4", options={"movflags": "+faststart"}) as target:
        decoded = source.streams.video[0]
        decoded.thread_type = "AUTO"
        encoded: Any = target.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        encoded.width, encoded.height, encoded.pix_fmt = decoded.width // 2 * 2, decoded.height // 2 * 2, "yuv420p"
        encoded.codec_context.time_base = time_base
        encoded.options = options
        for index, frame in enumerate(source.decode(decoded)):
            fitted = frame.reformat(encoded.width, encoded.height, "yuv420p")
            fitted.pts, fitted.time_base, fitted.pict_type = round(index * 1000 / fps), time_base, 0
            target.mux(encoded.encode(fitted))
        target.mux(encoded.encode())


def _long(looped: Path, engines: LoadedEngines, folder: Path) -> None:
    """Prints the resident memory of this process, which does all of it, on the way through a long video."""
    marks = list(MEMORY_AT)

    def report(share: float) -> None:
        if marks and share >= marks[0]:
            print(f"  at {marks.pop(0):4.0%}: {_resident_bytes() / MIB:6.0f} MiB", flush=True)

    assert engines.faces is not None, "they are made with faces"
    print(f"\na video looped, {looped.stat().st_size / MIB:.0f} MiB, faces by {engines.faces.info.name}, plates: resident memory")
    started = time.perf_counter()
    outcome = _everything(looped, engines, folder, report)()
    fields = outcome.fields
    print(
        f"  {fields['duration_ms'] / 60_000:.1f} minutes in {time.perf_counter() - started:.0f} s; {fields['people']} people,"
        f" {fields['vehicles']} vehicles, {len(outcome.faces)} faces, {len(outcome.plates)} plates"
    )


def _stream(*paths: Path) -> None:
    """Prints the time to the first object of /video-streaming, in a process as the server keeps them for it."""
    limits = video_limits()
    pool = WorkerPool(
        "bench-stream",
        workers=1,
        queue_limit=1,
        timeout_seconds=60.0,
        prepare=stream_worker.prepare,
        prepare_args=(detector_spec()[0], limits, settings.KIOSK.video_threads),
    )
    pool.warm_up()
    try:
        for path in paths:
            took = [_first_object(pool, path) for _ in range(FIRST_OBJECTS)]
            verdict = "met" if max(took) <= FIRST_SECONDS else "MISSED"
            print(
                f"first object of /video-streaming, {path.stat().st_size / MIB:.0f} MiB: {statistics.median(took):.3f} s,"
                f" at most {max(took):.3f} of {FIRST_OBJECTS}; {FIRST_SECONDS:g} s {verdict}",
                flush=True,
            )
    finally:
        pool.close()


def _first_object(pool: WorkerPool, path: Path) -> float:
    """Seconds for what a request waits for: the probe, and the first line."""
    started = time.perf_counter()
    pool.run(stream_worker.probe, str(path))
    pool.run(stream_worker.start, str(path), 1000)
    piece = pool.run(stream_worker.next_piece, 0.0)
    seconds = time.perf_counter() - started
    assert piece.line, "a stream begins with an object"
    pool.run(stream_worker.stop)
    return seconds


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _loop(path: Path, target: Path, seconds: float) -> None:
    """Copies the video's packets again and again."""
    import av

    with av.open(str(target), "w") as output:
        stream: Any = None
        offset = 0
        while stream is None or offset * stream.time_base < seconds:
            with av.open(str(path)) as source:
                decoded = source.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(decoded)
                    stream.time_base = decoded.time_base
                last = 0
                for packet in source.demux(decoded):
                    if packet.dts is None or packet.pts is None:
                        continue
                    last = max(last, packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
                offset += last


if __name__ == "__main__":
    main()
