"""Finds and reads the licence plates of a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from analytics.boxes import BoxXYXY, overlap
from analytics.plates import regions as geometry
from analytics.plates.candidates import text_boxes
from analytics.plates.grammar import parse_characters
from analytics.plates.ocr import PlateReaderUnavailable, PlateReadingFailed, ReadLine, TextNetworks
from analytics.plates.panels import panel_around
from analytics.plates.types import UNREAD, ImageBGR, Plate, PlateColour, PlateKind, PlateReading, Quad, ReadCharacter
from analytics.plates.voting import sharpness

__all__ = ["PlateReader", "PlateReaderUnavailable", "PlateReadingFailed", "RapidPlateReader"]

_MIN_CONFIDENCE: Final = 0.4
_MIN_WEAK_CONFIDENCE: Final = 0.8
"""For what may as well be a model's name; it also has to fill a panel on a vehicle."""
_SURE: Final = 0.9
_MIN_LINE_HEIGHT_PX: Final = 6.0
_LINE_ASPECTS: Final = (0.8, 14.0)
_ONE_LINE_FROM: Final = 2.1
_TWO_LINES_TO: Final = 2.7
"""Of a panel: width to height. What lies between may be either."""
_UPPER, _LOWER = (0.02, 0.42), (0.36, 1.0)
_PICTURE_PIXELS: Final = (0.3e6, 1.0e6)
_REGION_PIXELS: Final = (0.1e6, 0.3e6)
"""The size at which text is searched: smaller pictures are enlarged, at most by _MAX_ENLARGED; larger ones reduced."""
_MAX_ENLARGED: Final = 3.0
_WIDEST_SHARE: Final = 0.8
"""Of the shorter side of a vehicle, or of a scene, how wide a plate can be; half of it is much."""
_MARGIN: Final = 0.04
_MIN_SIDE_PX: Final = 12
_MAX_LINES: Final = 64
"""In one picture or region; the widest are read, the rest are small print."""
_MAX_REFINED: Final = 6
_MAX_SECOND_LOOKS: Final = 4
_PLATE_LIKE: Final = (4, 11)
"""How many letters and digits a line must have to be worth a second look."""
_WIDER: Final = 0.6
_ROOM_ABOVE: Final = 0.27
"""Of a panel's height: so much free above a line, and it is the lower one of two."""
_LOW_CONTRAST: Final = 0.45
_VARIANTS: Final = ((0.12, False), (0.0, True), (0.12, True))
"""Of a second reading: how much wider, in heights of the line, and whether with contrast spread."""
_SAME_PLACE: Final = 0.5
_MIN_UPPER, _MAX_UPPER = 1, 6
_MIN_LOWER, _MAX_LOWER = 3, 10

_COLOURS: Final = {
    PlateKind.ORDINARY: {PlateColour.BLUE, PlateColour.YELLOW, PlateColour.BLACK},
    PlateKind.NEW_ENERGY: {PlateColour.GREEN, PlateColour.YELLOW},
    PlateKind.POLICE: {PlateColour.WHITE},
    PlateKind.TRAINING: {PlateColour.YELLOW},
    PlateKind.TRAILER: {PlateColour.YELLOW},
    PlateKind.HONG_KONG: {PlateColour.BLACK},
    PlateKind.MACAU: {PlateColour.BLACK},
    PlateKind.EMBASSY: {PlateColour.BLACK, PlateColour.GREEN},
    PlateKind.CONSULATE: {PlateColour.BLACK, PlateColour.GREEN},
    PlateKind.MILITARY: {PlateColour.WHITE},
    PlateKind.ARMED_POLICE: {PlateColour.WHITE},
    PlateKind.TRACTOR: {PlateColour.GREEN, PlateColour.YELLOW},
    PlateKind.EMERGENCY: {PlateColour.WHITE},
    PlateKind.FOREIGN: {PlateColour.WHITE, PlateColour.YELLOW, PlateColour.BLACK},
}
_OTHER_COLOUR_FACTOR: Final = 0.7
"""Light changes colours, and dirt; only green is a contradiction."""
_ORDINARY_ON_GREEN_FACTOR: Final = 0.45
"""Seven characters on green: one of a new energy plate's eight was lost."""


class PlateReader(Protocol):
    """Finds and reads plates. Used by one thread of one worker process at a time."""

    def read_image(
        self, image_bgr: ImageBGR, regions: Sequence[BoxXYXY] | None = None, *, parts: Sequence[BoxXYXY] | None = None
    ) -> list[PlateReading]:
        """The plates of a picture, the surest first; only inside `regions` (left, top, right, bottom of vehicles) where given.

        Without regions, `parts` says which parts of a scene are looked at, each as large as in the whole; a plate is not nearly
        as wide as the scene is high. A foreign plate is claimed only inside a region: apart from a vehicle, AB 1234 is just a
        text. Each text is returned once. Regions may reach beyond the picture; one without area, or with coordinates that are not
        finite, is passed over.

        Raises TypeError for what is no array, ValueError for one that is not height x width x 3 of uint8, PlateReadingFailed for
        the vendor's errors.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Line:
    quad: Quad = field(repr=False)
    read: ReadLine


@dataclass(frozen=True, slots=True)
class _Found:
    plate: Plate
    lines: tuple[Quad, ...] = field(repr=False)
    """Of each line, the upper one first."""
    colour: PlateColour
    confidence: float
    region: int | None


class RapidPlateReader:
    """PlateReader by RapidOCR and the plate grammar."""

    def __init__(self, threads: int = 1) -> None:
        """Loads the networks, each with `threads` threads, and bounds OpenCV to as many. Raises PlateReaderUnavailable."""
        import cv2

        self._networks = TextNetworks(threads)
        cv2.setNumThreads(threads)

    def read_image(
        self, image_bgr: ImageBGR, regions: Sequence[BoxXYXY] | None = None, *, parts: Sequence[BoxXYXY] | None = None
    ) -> list[PlateReading]:
        _check(image_bgr)
        height, width = image_bgr.shape[:2]
        found: list[_Found] = []
        if regions is None:
            scale = _search_scale(width * height, _PICTURE_PIXELS)
            widest = math.inf if parts is None else _WIDEST_SHARE * min(width, height)
            for part in [(0.0, 0.0, float(width), float(height))] if parts is None else parts:
                box = _clipped(part, width, height)
                if box is not None:
                    found += self._read_part(image_bgr, box, None, scale, widest)
        else:
            for index, region in enumerate(regions):
                box = _clipped(region, width, height)
                if box is not None:
                    size = box[2] - box[0], box[3] - box[1]
                    scale = _search_scale(size[0] * size[1], _REGION_PIXELS)
                    found += self._read_part(image_bgr, box, index, scale, _WIDEST_SHARE * min(size))
        return [_reading(image_bgr, each) for each in _distinct(found)]

    def _read_part(
        self, image_bgr: ImageBGR, box: tuple[int, int, int, int], region: int | None, scale: float, widest: float
    ) -> list[_Found]:
        left, top, right, bottom = box
        part = image_bgr[top:bottom, left:right]
        if min(part.shape[:2]) < _MIN_SIDE_PX:
            return []
        places = text_boxes(part, widest)
        if not places:
            return []
        offset = np.array([left, top], np.float32)
        quads = [quad + offset for place in places for quad in self._text_quads(part, place, scale)]
        quads = sorted(quads, key=lambda quad: -geometry.quad_size(quad)[0])[:_MAX_LINES]
        lines = self._read_lines(image_bgr, quads)
        found = list(_from_lines(image_bgr, lines, region))
        again = self._second_looks(image_bgr, _unread(lines, found))
        if again:
            found = list(_from_lines(image_bgr, [*lines, *again], region))
        sure = [_around(each) for each in found if each.confidence >= _SURE and each.plate.is_distinctive]
        panels = [quad + offset for quad in geometry.plate_panels(part) if not _is_apart(_box(quad), places)]
        inside = self._panel_lines(image_bgr, [quad for quad in panels if _is_apart(_box(quad), sure)])
        found += [each for lines in inside if (each := _best(image_bgr, lines, region)) is not None]
        found = _strongest(found)
        found = [self._refined(image_bgr, each) if rank < _MAX_REFINED else each for rank, each in enumerate(found)]
        seen = [*lines, *again, *itertools.chain.from_iterable(inside)]
        return [each for each in found if _acceptable(image_bgr, each, seen)]

    def _text_quads(self, part_bgr: ImageBGR, place: tuple[int, int, int, int], scale: float) -> list[Quad]:
        """The lines of text in one place of a part, in the part's pixels."""
        import cv2

        left, top, right, bottom = place
        view = seen = part_bgr[top:bottom, left:right]
        if scale != 1.0:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            # A strip may be reduced to less than a pixel across.
            size = tuple(max(32, round(length * scale)) for length in seen.shape[1::-1])
            view = np.asarray(cv2.resize(seen, size, interpolation=method), np.uint8)
        ratio = np.array([seen.shape[1] / view.shape[1], seen.shape[0] / view.shape[0]], np.float32)
        offset = np.array([left, top], np.float32)
        quads = [quad * ratio + offset for quad in self._networks.detect(_legible(view))]
        return [quad for quad in quads if _may_be_line(quad)]

    def _read_lines(self, image_bgr: ImageBGR, quads: Sequence[Quad]) -> list[_Line]:
        if not quads:
            return []
        pictures = [_legible(geometry.rectified(image_bgr, quad)) for quad in quads]
        return [_Line(quad, read) for quad, read in zip(quads, self._networks.recognise(pictures), strict=True)]

    def _panel_lines(self, image_bgr: ImageBGR, panels: Sequence[Quad]) -> list[list[_Line]]:
        """What stands in each panel, as one line, as two, or, where its shape leaves it open, once as either."""
        parts: list[list[Quad]] = []
        for panel in panels:
            width, height = geometry.quad_size(panel)
            if width >= _ONE_LINE_FROM * height:
                parts.append([panel])
            if width <= _TWO_LINES_TO * height:
                parts.append([geometry.band(panel, *_UPPER), geometry.band(panel, *_LOWER)])
        lines = iter(self._read_lines(image_bgr, list(itertools.chain.from_iterable(parts))))
        return [list(itertools.islice(lines, len(quads))) for quads in parts]

    def _second_looks(self, image_bgr: ImageBGR, lines: Sequence[_Line]) -> list[_Line]:
        """Lines that are no plate as read, but may be with what the detector missed at their ends or above them."""
        quads = [quad for line in lines[:_MAX_SECOND_LOOKS] for quad in _second_look(image_bgr, line.quad)]
        return self._read_lines(image_bgr, quads)

    def _refined(self, image_bgr: ImageBGR, found: _Found) -> _Found:
        """The same place read again, wider and with more contrast, where the first reading was unsure."""
        if found.confidence >= _SURE:
            return found
        pictures = []
        for wider, spread in _VARIANTS:
            for quad in found.lines:
                picture = geometry.rectified(image_bgr, geometry.grown(quad, wider))
                pictures.append(geometry.stretched(picture) if spread else picture)
        reads = iter(self._networks.recognise(pictures))
        best = found
        for _ in _VARIANTS:
            again = _best(image_bgr, [_Line(quad, next(reads)) for quad in found.lines], found.region)
            if again is not None and again.confidence > best.confidence:
                best = again
        return best


def _search_scale(pixels: int, bounds: tuple[float, float]) -> float:
    """How a picture of so many pixels is enlarged or reduced to have as many as the bounds say."""
    least, most = bounds
    return min(max(1.0, math.sqrt(least / pixels)), math.sqrt(most / pixels), _MAX_ENLARGED)


def _legible(line_bgr: ImageBGR) -> ImageBGR:
    return geometry.stretched(line_bgr) if geometry.contrast(line_bgr) < _LOW_CONTRAST else line_bgr


def _unread(lines: Sequence[_Line], found: Sequence[_Found]) -> list[_Line]:
    """The lines that might be a plate's and have not become one by themselves or together."""
    done = [_around(each) for each in found if each.plate.is_distinctive and each.confidence >= _MIN_CONFIDENCE]
    return [
        line
        for line in lines
        if _PLATE_LIKE[0] <= sum(each.isalnum() for each in line.read.text) <= _PLATE_LIKE[1]
        and any(each.isdigit() for each in line.read.text)
        and _is_apart(_box(line.quad), done)
    ]


def _second_look(image_bgr: ImageBGR, quad: Quad) -> list[Quad]:
    panel = panel_around(image_bgr, quad)
    if panel is None:
        return [geometry.lengthened(quad, _WIDER)]
    height = geometry.quad_size(panel.quad)[1]
    above = float(np.linalg.norm(quad[:2].mean(axis=0) - panel.quad[:2].mean(axis=0))) / max(1.0, height)
    return [panel.quad] if above < _ROOM_ABOVE else [geometry.band(panel.quad, 0.0, above)]


def _check(image_bgr: object) -> None:
    if not isinstance(image_bgr, np.ndarray):
        raise TypeError(f"expected an array of height x width x 3 of uint8, got {type(image_bgr).__name__}")
    shape = image_bgr.shape
    if len(shape) != 3 or shape[2] != 3 or image_bgr.dtype != np.uint8 or 0 in shape:  # noqa: PLR2004
        raise ValueError(f"expected height x width x 3 of uint8, got {shape} of {image_bgr.dtype}")


def _clipped(region: BoxXYXY, width: int, height: int) -> tuple[int, int, int, int] | None:
    """A region with a margin around it, in whole pixels of the picture; None where nothing of it is inside."""
    if not np.isfinite(region).all():
        return None
    left, top, right, bottom = region
    if right <= left or bottom <= top:
        return None
    across, down = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    box = (
        int(max(0, left - across)),
        int(max(0, top - down)),
        int(min(width, np.ceil(right + across))),
        int(min(height, np.ceil(bottom + down))),
    )
    return box if box[2] > box[0] and box[3] > box[1] else None


def _may_be_line(quad: Quad) -> bool:
    width, height = geometry.quad_size(quad)
    return height >= _MIN_LINE_HEIGHT_PX and _LINE_ASPECTS[0] <= width / height <= _LINE_ASPECTS[1]


def _from_lines(image_bgr: ImageBGR, lines: Sequence[_Line], region: int | None) -> Iterator[_Found]:
    for line in lines:
        found = _best(image_bgr, [line], region)
        if found is not None:
            yield found
    for upper, lower in itertools.permutations(lines, 2):
        if not (_MIN_UPPER <= len(upper.read.text) <= _MAX_UPPER and _MIN_LOWER <= len(lower.read.text) <= _MAX_LOWER):
            continue
        if geometry.one_above_the_other(upper.quad, lower.quad):
            found = _best(image_bgr, [upper, lower], region)
            if found is not None:
                yield found


def _best(image_bgr: ImageBGR, lines: Sequence[_Line], region: int | None) -> _Found | None:
    """The likeliest plate of one line, or of two lines of which the first stands above the second."""
    characters: list[ReadCharacter] = []
    for line in lines:
        characters += [ReadCharacter("\n"), *line.read.characters]
    plates = parse_characters(characters, foreign=region is not None)
    if not plates:
        return None
    colour = geometry.ground_colour(image_bgr, lines[-1].quad)
    confidence, plate = max(
        ((plate.score * _colour_factor(plate.kind, colour), plate) for plate in plates), key=lambda pair: pair[0]
    )
    return _Found(plate, tuple(line.quad for line in lines), colour, confidence, region)


def _colour_factor(kind: PlateKind, colour: PlateColour) -> float:
    usual = _COLOURS.get(kind)
    if usual is None or colour is PlateColour.UNKNOWN or colour in usual:
        return 1.0
    if kind is PlateKind.ORDINARY and colour is PlateColour.GREEN:
        return _ORDINARY_ON_GREEN_FACTOR
    return _OTHER_COLOUR_FACTOR


def _acceptable(image_bgr: ImageBGR, found: _Found, seen: Iterable[_Line]) -> bool:
    if found.plate.is_distinctive:
        return found.confidence >= _MIN_CONFIDENCE
    if found.confidence < _MIN_WEAK_CONFIDENCE or found.colour is PlateColour.UNKNOWN:
        return False
    # "AB1234" where another look at the same place saw "琼AB1234", or half of it: a mainland plate that was not read to the end.
    if any(_says_more(line, found) for line in seen):
        return False
    panel = panel_around(image_bgr, geometry.around(found.lines))
    return panel is not None and panel.is_filled


def _says_more(line: _Line, found: _Found) -> bool:
    # Room at an end alone says nothing here: the places looked at again are wider than the text.
    read = [each.text for each in line.read.characters if each.text.isalnum() or (each.text == UNREAD and each.alternatives)]
    more = len(read) > len(found.plate.text) or not "".join(read).isascii()
    return more and not _is_apart(_box(line.quad), [_around(found)])


def _box(quad: Quad) -> BoxXYXY:
    return geometry.bounding_box([quad], np.inf, np.inf)


def _around(found: _Found) -> BoxXYXY:
    return geometry.bounding_box(found.lines, np.inf, np.inf)


def _is_apart(box: BoxXYXY, others: Iterable[BoxXYXY]) -> bool:
    return all(overlap(box, other) < _SAME_PLACE for other in others)


def _strongest(found: Iterable[_Found]) -> list[_Found]:
    """Of readings that share a place only the strongest, strongest first."""
    kept: list[_Found] = []
    for each in sorted(found, key=_strength):
        if _is_apart(_around(each), map(_around, kept)):
            kept.append(each)
    return kept


def _strength(found: _Found) -> tuple[float, int]:
    return -found.confidence, -len(found.plate.text)


def _distinct(found: Iterable[_Found]) -> list[_Found]:
    """Each text once: no two vehicles share one, but lorries repeat theirs in large letters, and regions overlap."""
    texts: dict[str, _Found] = {}
    for each in sorted(found, key=_strength):
        texts.setdefault(each.plate.text, each)
    return _strongest(texts.values())


def _reading(image_bgr: ImageBGR, found: _Found) -> PlateReading:
    height, width = image_bgr.shape[:2]
    return PlateReading(
        bbox_xyxy=geometry.bounding_box(found.lines, width, height),
        quad=geometry.around(found.lines) if len(found.lines) > 1 else found.lines[0],
        plate=found.plate,
        colour=found.colour,
        confidence=found.confidence,
        sharpness=sharpness(geometry.rectified(image_bgr, found.lines[-1])),
        region=found.region,
    )
