"""The face engines on one thread: the dlib network beside dlib's own in the same run, and whole engines on 640x480 photos.

    python -m bench.engine [--photos FOLDER] [--rounds 20] [--insightface-root FOLDER] [--pack mobile]

Prints the greatest difference of a descriptor to dlib's own, what one embedding takes in either (they take turns, so that both
see the same machine), and for each engine that can run here what detecting and embedding the one face of a 640x480 photo takes.
Photos are those of the folder with one face, or scikit-image's sample photo where there is no folder.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from faces.engines.base import EngineUnavailable, FaceEngine
from faces.engines.dlib_engine import DlibEngine
from faces.engines.registry import EngineSpec, create_engine
from faces.types import ImageRGB

SHARED = Path(__file__).resolve().parents[2] / "shared"
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
KIOSK_SIZE = (640, 480)

DIFFERENCE_BAR = 1e-5
EMBEDDING_BAR_MS = 15.0
WHOLE_BAR_MS = 60.0


def main() -> None:
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=SHARED / "testdata" / "faces")
    parser.add_argument("--rounds", type=int, default=20)
    add_engine_arguments(parser)
    arguments = parser.parse_args()
    photos = [load_rgb(path) for path in photo_paths(arguments.photos)] or [_sample_photo()]
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as cache:
        for engine in available_engines(Path(cache), arguments.insightface_root, arguments.pack):
            print(f"\n{engine.info.identity}")
            if isinstance(engine, DlibEngine):
                _compare_with_dlib(engine, photos, arguments.rounds)
            _time_whole(engine, photos, arguments.rounds)


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say where an insightface pack is."""
    parser.add_argument("--insightface-root", type=Path, default=SHARED / "models" / "insightface")
    parser.add_argument("--pack", default="mobile")


def available_engines(cache_dir: Path, insightface_root: Path, pack: str) -> Iterator[FaceEngine]:
    """Each real engine that can run here, on one thread; says which one can't, and why."""
    for spec in (
        EngineSpec("dlib", insightface_root, pack, cache_dir),
        EngineSpec("insightface", insightface_root, pack, cache_dir),
    ):
        try:
            engine = create_engine(spec)
        except EngineUnavailable as error:
            print(f"\n{spec.name}: skipped, {error}")
        else:
            yield engine


def photo_paths(folder: Path) -> list[Path]:
    """The photos in a folder and its folders, by name; empty where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)


def load_rgb(path: Path) -> ImageRGB:
    """A photo as the engines want it."""
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def _sample_photo() -> ImageRGB:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("no photos: name a folder with --photos")
    return load_rgb(Path(spec.origin).parent / "data" / "astronaut.png")


def _compare_with_dlib(engine: DlibEngine, photos: Sequence[ImageRGB], rounds: int) -> None:
    import dlib

    own = dlib.face_recognition_model_v1(str(_dat_path()))
    faces = [(photo, face) for photo in photos for face in engine.detect(photo)]
    chips = [engine.chip(photo, face) for photo, face in faces]
    difference = max(
        float(np.abs(engine.embed(photo, face) - np.array(own.compute_face_descriptor(chip))).max())
        for (photo, face), chip in zip(faces, chips, strict=True)
    )
    print(f"  greatest difference to dlib's own, {len(faces)} faces: {difference:.1e} {_verdict(difference, DIFFERENCE_BAR)}")
    ours_ms, dlibs_ms = [], []
    for turn in range(rounds):
        (photo, face), chip = faces[turn % len(faces)], chips[turn % len(faces)]
        ours_ms.append(_milliseconds(engine.embed, photo, face))
        dlibs_ms.append(_milliseconds(own.compute_face_descriptor, chip))
    ours, dlibs = statistics.median(ours_ms), statistics.median(dlibs_ms)
    print(f"  one embedding, landmarks and chip included: {_spread(ours_ms)} {_verdict(ours, EMBEDDING_BAR_MS)}")
    print(f"  dlib's own network on the chip alone:       {_spread(dlibs_ms)}, {dlibs / ours:.1f} times as long")


def _dat_path() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"


def _time_whole(engine: FaceEngine, photos: Sequence[ImageRGB], rounds: int) -> None:
    fitted = [np.asarray(ImageOps.fit(Image.fromarray(photo), KIOSK_SIZE, centering=(0.5, 0.2))) for photo in photos]
    one_face = [(photo, found[0]) for photo in fitted if len(found := engine.detect(photo)) == 1]
    if not one_face:
        print("  no photo with one face")
        return
    detect_ms, embed_ms = [], []
    for turn in range(rounds):
        photo, face = one_face[turn % len(one_face)]
        detect_ms.append(_milliseconds(engine.detect, photo))
        embed_ms.append(_milliseconds(engine.embed, photo, face))
    whole_ms = [detect + embed for detect, embed in zip(detect_ms, embed_ms, strict=True)]
    print(f"  640x480, one face, {len(one_face)} photos: detect {_spread(detect_ms)}")
    print(f"  {'':32} embed  {_spread(embed_ms)}")
    print(f"  {'':32} both   {_spread(whole_ms)} {_verdict(statistics.median(whole_ms), WHOLE_BAR_MS)}")
    print(f"  640x480 without a face: detect {_spread([_milliseconds(engine.detect, _NO_FACE) for _ in range(5)])}")


_NO_FACE: ImageRGB = np.random.default_rng(0).integers(0, 256, (KIOSK_SIZE[1], KIOSK_SIZE[0], 3), dtype=np.uint8)


def _milliseconds(work: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - started) * 1000


def _spread(times_ms: Sequence[float]) -> str:
    return f"median {statistics.median(times_ms):.1f} ms, least {min(times_ms):.1f} ms"


def _verdict(value: float, bar: float) -> str:
    return f"(bar {bar:g}: {'met' if value <= bar else 'MISSED'})"


if __name__ == "__main__":
    main()
