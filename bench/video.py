"""The whole way of a video beside plain decoding and encoding of the same file, in turns in one run; and its memory.

    python -m bench.video [--videos FOLDER] [--model ONNX] [--detectors motion,yolox,hybrid] [--rounds 3] [--long MINUTES]

plain: PyAV decodes every frame and encodes it again with the settings of the processed video; nothing is looked at or drawn.
pipeline: analytics.pipeline with an output: decode, detect, track, count, draw, encode. Seconds are medians over the rounds.
--long also loops the first video to so many minutes, without encoding it anew, and prints the resident memory on the way.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from analytics.engines.base import Detector, DetectorUnavailable
from analytics.engines.registry import DetectorName, DetectorSpec, create_detector
from analytics.pipeline import Hooks, analyse, run_to_end
from analytics.video.reader import VideoReader
from analytics.video.writer import CRF, KEY_FRAME_SECONDS, PRESET

SHARED = Path(__file__).resolve().parents[2] / "shared"
DETECTORS: tuple[DetectorName, ...] = ("motion", "yolox", "hybrid")
MIB = 1024 * 1024
BAR = 1.5
"""What the pipeline may take, times plain, with the default detector."""
MEMORY_AT = (0.1, 0.25, 0.5, 0.75, 0.99)


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=SHARED / "testdata" / "video")
    parser.add_argument("--model", type=Path, default=SHARED / "models" / "yolox" / "yolox_nano.onnx")
    parser.add_argument("--detectors", type=lambda text: text.split(","), default=list(DETECTORS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", type=float, default=0, metavar="MINUTES")
    arguments = parser.parse_args()
    videos = sorted(arguments.videos.glob("*.mp4"))
    if not videos:
        parser.error(f"no videos in {arguments.videos}")
    detectors = list(available_detectors(arguments.detectors, arguments.model))
    with tempfile.TemporaryDirectory(prefix="bench-video-") as folder:
        output = Path(folder) / "processed.mp4"
        for path in videos:
            _compare(path, detectors, output, arguments.rounds)
        if arguments.long:
            _long(videos[0], detectors[0], Path(folder), arguments.long)


def available_detectors(names: Iterable[DetectorName], model: Path) -> Iterator[Detector]:
    """The detectors that can run here; says which can't."""
    for name in names:
        try:
            yield create_detector(DetectorSpec(name, None if name == "motion" else model))
        except DetectorUnavailable as error:
            print(f"{name}: skipped, {error}")


def _compare(path: Path, detectors: Sequence[Detector], output: Path, rounds: int) -> None:
    with VideoReader(path) as reader:
        info = reader.info
        frames = sum(1 for _ in reader)
    print(f"\n{path.stem}: {frames} frames of {info.width} x {info.height}, {info.fps:g} a second; medians of {rounds}")
    ways: dict[str, Callable[[], object]] = {"plain": lambda: _plain(path, output, info.fps)}
    for detector in detectors:
        ways[detector.name] = _pipeline(path, detector, output)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    processor: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            started, started_processor = time.perf_counter(), time.process_time()
            work()
            seconds[way].append(time.perf_counter() - started)
            processor[way].append(time.process_time() - started_processor)
    for way, taken in seconds.items():
        median = statistics.median(taken)
        ratio = _ratio(taken, seconds["plain"])
        verdict = "" if way != "motion" else "  ok" if ratio <= BAR else f"  MORE THAN {BAR:g}"
        print(
            f"  {way:26} {median:6.2f} s  {frames / median:5.0f} frames/s  {ratio:5.2f} x plain in time,"
            f" {_ratio(processor[way], processor['plain']):5.2f} x in processor time{verdict}"
        )


def _ratio(taken: list[float], plain: list[float]) -> float:
    """The median of each round's own ratio: what else the machine does slows both."""
    return statistics.median(a / b for a, b in zip(taken, plain, strict=True))


def _pipeline(path: Path, detector: Detector, output: Path) -> Callable[[], object]:
    return lambda: run_to_end(analyse(path, interval_ms=1000, detector=detector, output=output))


def _plain(path: Path, output: Path, fps: float) -> None:
    import av

    time_base = Fraction(1, 1000)
    with av.open(str(path)) as source, av.open(str(output), "w", format="mp4", options={"movflags": "+faststart"}) as target:
        decoded = source.streams.video[0]
        decoded.thread_type = "AUTO"
        encoded: Any = target.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        encoded.width, encoded.height, encoded.pix_fmt = decoded.width // 2 * 2, decoded.height // 2 * 2, "yuv420p"
        encoded.codec_context.time_base = time_base
        encoded.options = {"preset": PRESET, "crf": CRF, "g": str(max(1, round(fps * KEY_FRAME_SECONDS)))}
        for index, frame in enumerate(source.decode(decoded)):
            fitted = frame.reformat(encoded.width, encoded.height, "yuv420p")
            fitted.pts, fitted.time_base, fitted.pict_type = round(index * 1000 / fps), time_base, 0
            target.mux(encoded.encode(fitted))
        target.mux(encoded.encode())


def _long(path: Path, detector: Detector, folder: Path, minutes: float) -> None:
    looped = folder / "long.mp4"
    _loop(path, looped, minutes * 60)
    marks = list(MEMORY_AT)

    def report(share: float) -> None:
        if marks and share >= marks[0]:
            print(f"  at {marks.pop(0):4.0%}: {_resident_bytes() / MIB:6.0f} MiB", flush=True)

    print(f"\n{path.stem} looped to {minutes:g} minutes, {looped.stat().st_size / MIB:.0f} MiB, {detector.name}: resident memory")
    started = time.perf_counter()
    hooks = Hooks(on_progress=report)
    result = run_to_end(analyse(looped, interval_ms=1000, detector=detector, output=folder / "processed.mp4", hooks=hooks))
    print(
        f"  {result.frames} frames in {time.perf_counter() - started:.0f} s;"
        f" {result.total.people} people, {result.total.vehicles} vehicles"
    )


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
