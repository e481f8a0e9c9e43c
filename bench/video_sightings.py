"""What looking for faces and plates costs: the time of a video's analysis with neither, with each, and with both, in one run.

    KIOSK_DATA_DIR=… python -m bench.video_sightings VIDEO… [--rounds 2]

The engines are those that the settings choose. Prints processor seconds, wall seconds, frames a second, and what was found.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")
django.setup()

from analytics.models import Video  # noqa: E402 - after the set-up
from analytics.videos.analysis import LoadedEngines, analyse_whole  # noqa: E402
from analytics.videos.engines import video_engines  # noqa: E402
from bench.engine import SHARED  # noqa: E402

_INTERVAL_MS = 1000


@dataclass(frozen=True, slots=True)
class Took:
    """One analysis."""

    cpu_seconds: float
    wall_seconds: float
    frames: float
    faces: int
    plates: int


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, default=sorted((SHARED / "testdata" / "video").glob("*.mp4")))
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    engines = LoadedEngines.load(video_engines())
    names = (engines.detector.name, engines.faces.info.identity if engines.faces else "no faces")
    print(f"detector {names[0]}, faces {names[1]}; the best of {arguments.rounds} rounds")
    print(f"{'video':28}{'with':16}{'cpu s':>8}{'ratio':>8}{'wall s':>8}{'fps':>8}{'faces':>8}{'plates':>8}")
    for path in arguments.videos:
        counting = None
        for label, faces, plates in (
            ("counting", False, False),
            ("faces", True, False),
            ("plates", False, True),
            ("both", True, True),
        ):
            chosen = LoadedEngines(
                engines.detector, engines.faces if faces else None, engines.plates if plates else None, engines.gallery
            )
            took = min((_analysed(path, chosen) for _ in range(arguments.rounds)), key=lambda one: one.cpu_seconds)
            counting = counting or took
            ratio = took.cpu_seconds / counting.cpu_seconds
            print(
                f"{path.name:28}{label:16}{took.cpu_seconds:8.1f}{ratio:8.2f}{took.wall_seconds:8.1f}"
                f"{took.frames / took.wall_seconds:8.0f}{took.faces:8}{took.plates:8}"
            )


def _analysed(path: Path, engines: LoadedEngines) -> Took:
    video = Video(pk=1, interval_ms=_INTERVAL_MS)
    cpu, wall = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = analyse_whole(video, path, Path(folder), engines, on_progress=lambda _share: None, cancelled=lambda: False)
    frames = outcome.fields["duration_ms"] * outcome.fields["fps"] / 1000
    return Took(time.process_time() - cpu, time.perf_counter() - wall, frames, len(outcome.faces), len(outcome.plates))


if __name__ == "__main__":
    main()
