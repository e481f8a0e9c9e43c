"""How well licence plates are read: the sample photos beside their truth, and a set of made-up plates and other texts.

    python -m bench.plates [--each 2] [--widths 60 90 140 220] [--seed 0] [--threads 2] [--no-raw]

Every made-up picture is read three times in the same run: inside the vehicle's box, as the video pipeline does; as a whole
picture; and by RapidOCR through its own front door, as a whole picture, where a plate counts as read when it is one of the
lines, or two lines together: it does not say which of its lines is a plate. Prints the share read exactly by kind, width and
condition, what was claimed where there is no plate, and the time.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from tqdm import tqdm

from analytics.boxes import BoxXYXY
from analytics.plates.grammar import normalise
from analytics.plates.reader import PlateReader, RapidPlateReader
from analytics.plates.types import ImageBGR
from bench.engine import SHARED
from bench.made_up_plates import DESIGNS, OTHER_TEXTS, MadeUp, PlatePainter, cjk_font

CONDITIONS: Final = ("plain", "tilted", "night", "hazy", "blurred")
REGION, WHOLE, RAW = "in the vehicle's box", "whole picture", "raw RapidOCR"

_SAMPLES: Final[tuple[tuple[str, BoxXYXY | None, str], ...]] = (
    ("align.jpg", None, "藏DT5022"),
    ("demo.png", (15, 135, 135, 240), "苏D561GM"),
    ("demo.png", (110, 130, 390, 310), "苏BD00111"),
    ("demo.png", (450, 0, 790, 320), "云2627252"),
    ("demo.png", (850, 0, 1280, 310), "豫CG117挂"),
    ("demo.png", (1310, 0, 1660, 320), "粤Z5A55港"),
    ("demo.png", (1715, 50, 2102, 300), "苏ED51712"),
    ("1.jpg", None, ""),
    ("1.jpg", (90, 70, 250, 250), ""),
)
"""Photo, vehicle, truth. demo.png carries its plates' texts a second time, printed into the picture by whoever made it."""


@dataclass(slots=True)
class Tally:
    """What one way of reading got right."""

    exact: dict[tuple[str, str], list[bool]] = field(default_factory=lambda: defaultdict(list))
    """By what is counted (kind, width, condition) and its value."""
    wrong: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(self, picture: MadeUp, read: Sequence[str], took_ms: float) -> None:
        self.milliseconds.append(took_ms)
        if not picture.text:
            self.claimed += [f"{picture.name} -> {text}" for text in read]
            return
        right = picture.text in read
        for key in (
            ("kind", picture.name),
            ("width", f"{picture.width_px} px"),
            ("condition", picture.condition),
            ("all", "all"),
        ):
            self.exact[key].append(right)
        self.wrong += [f"{picture.text} -> {text}" for text in read if text != picture.text]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=2, help="pictures of each kind and width")
    parser.add_argument("--widths", type=int, nargs="+", default=[60, 90, 140, 220], help="of the plates, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-raw", action="store_true", help="leave out RapidOCR by itself")
    arguments = parser.parse_args()
    reader = RapidPlateReader(arguments.threads)
    _samples(reader)
    font = cjk_font()
    if font is None:
        print("made-up plates: skipped, no CJK font known here is installed (for example fonts-noto-cjk)")
        return
    readers: dict[str, Callable[[MadeUp], list[str]]] = {
        REGION: lambda picture: [each.text for each in reader.read_image(picture.image_bgr, [picture.vehicle_xyxy])],
        WHOLE: lambda picture: [each.text for each in reader.read_image(picture.image_bgr)],
    }
    if not arguments.no_raw:
        readers[RAW] = _raw_reader(arguments.threads)
    painter = PlatePainter(font, list(_backgrounds()), arguments.seed)
    pictures = list(_pictures(painter, arguments.each, arguments.widths))
    tallies = {name: Tally() for name in readers}
    for picture in tqdm(pictures, unit="picture", disable=None):
        for name, read in readers.items():
            start = time.perf_counter()
            texts = read(picture)
            tallies[name].add(picture, texts, 1000 * (time.perf_counter() - start))
    _print_tables(tallies)
    _false_photos(reader)


def _samples(reader: PlateReader) -> None:
    folder = SHARED / "testdata" / "plates"
    print("sample photos: truth, read (confidence)")
    for name, region, truth in _SAMPLES:
        image = cv2.imread(str(folder / name)) if (folder / name).is_file() else None
        if image is None:
            print(f"  {name}: skipped, not in {folder}")
            continue
        found = reader.read_image(np.asarray(image, np.uint8), None if region is None else [region])
        read = ", ".join(f"{each.text} ({each.confidence:.2f}, {each.kind}, {each.colour})" for each in found)
        print(f"  {name} {'whole' if region is None else 'vehicle'}: {truth or 'nothing'}, {read or 'nothing'}")


def _pictures(painter: PlatePainter, each: int, widths: Sequence[int]) -> Iterator[MadeUp]:
    conditions = itertools.cycle(CONDITIONS)
    for _, design, width in itertools.product(range(each), DESIGNS, widths):
        yield painter.plate(design, width, next(conditions))
    for lines in OTHER_TEXTS:
        yield painter.other(lines, widths[len(widths) // 2], next(conditions))


def _backgrounds() -> Iterator[ImageBGR]:
    """Photos of other things that happen to be installed, and noise."""
    for path in sorted((SHARED / "testdata" / "faces").glob("*.jpg"))[:4]:
        image = cv2.imread(str(path))
        if image is not None:
            yield np.asarray(image, np.uint8)
    generator = np.random.default_rng(1)
    rough = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    yield np.asarray(cv2.resize(rough, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)


def _raw_reader(threads: int) -> Callable[[MadeUp], list[str]]:
    from rapidocr import RapidOCR

    options = {"EngineConfig.onnxruntime.intra_op_num_threads": threads, "Global.log_level": "error"}
    engine: Any = RapidOCR(params=options)

    def read(picture: MadeUp) -> list[str]:
        lines = [normalise(text) for text in engine(picture.image_bgr).txts or ()]
        pairs = ["".join(pair) for pair in itertools.permutations(lines, 2)]
        # It does not say which of its lines is a plate: only whether the right one is among them can be counted.
        return [text for text in (*lines, *pairs) if text and text == picture.text]

    return read


def _print_tables(tallies: dict[str, Tally]) -> None:
    names = list(tallies)
    keys = dict.fromkeys(key for tally in tallies.values() for key in tally.exact)
    print(f"\nread exactly, of made-up plates{'':21}" + "".join(f"{name:>24}" for name in names))
    for what, value in sorted(keys, key=lambda key: ("all", "width", "condition", "kind").index(key[0])):
        row = [tallies[name].exact[what, value] for name in names]
        print(
            f"{what:>10}  {value:38} " + "".join(f"{f'{sum(hits)}/{len(hits)} {sum(hits) / len(hits):6.1%}':>24}" for hits in row)
        )
    for name in names:
        tally = tallies[name]
        print(f"\n{name}: median {statistics.median(tally.milliseconds):.0f} ms a picture")
        if name != RAW:
            _print_list(f"texts without a plate ({len(OTHER_TEXTS)}) taken for one", tally.claimed)
            _print_list("plates read wrongly", tally.wrong)


def _print_list(title: str, items: Sequence[str]) -> None:
    print(f"  {title}: {len(items)}")
    for item in items:
        print(f"    {item}")


def _false_photos(reader: PlateReader) -> None:
    paths = [path for suffix in ("*.jpg", "*.png") for path in sorted((SHARED / "testdata" / "faces").glob(suffix))]
    claimed = [f"{path.name} -> {text}" for path in paths for text in _claims(reader, path)]
    _print_list(f"photos of faces ({len(paths)}) with a plate claimed, whole and as a vehicle's box", claimed)


def _claims(reader: PlateReader, path: Path) -> Iterable[str]:
    image = cv2.imread(str(path))
    if image is None:
        return
    height, width = image.shape[:2]
    for regions in (None, [(0.0, 0.0, float(width), float(height))]):
        yield from (each.text for each in reader.read_image(np.asarray(image, np.uint8), regions))


if __name__ == "__main__":
    main()
