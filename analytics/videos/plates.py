"""The licence plates of a video: read on the best frames of each vehicle, and on whole frames where no vehicle is seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analytics.boxes import BoxXYXY, overlap
from analytics.plates.reader import PlateReader
from analytics.plates.search import folded_key
from analytics.plates.types import ImageBGR, PlateReading
from analytics.plates.voting import Ballot, BestFrames, Verdict, frame_quality, vote
from analytics.video.types import Frame
from analytics.videos.scenes import Glance, Part, Seen, mark, parts_of
from faces.types import Box
from kiosk.runtime.imaging import encode_jpeg, thumbnail

FRAMES_READ = 5
"""Of one vehicle, at most."""
APART_MS = 200
"""Between two frames of a vehicle that are worth keeping."""
_MIN_VEHICLE_PX = 96
"""Of the shorter side. A plate is at most 0.4 of it wide, and one of less than 40 pixels can't be read: its strokes are none."""
_MARGIN = 0.08
_EDGE_PX = 2
WHOLE_EVERY_MS = 3000
"""How often a frame is looked at as a whole while no vehicle is seen, and read where it shows something new."""
_WHOLE_EMPTY_MS = 8000
"""How long not, where everything was new and had no plate: it costs ten vehicles."""
_MIN_CONFIDENCE = 0.5
_PICTURE_SIDE = 960
_AROUND_PLATE = 4.0
"""Of the plate's width, shown around one without a vehicle's box."""
_SAME_PLATE = 1
"""So many characters apart, lookalikes not counted, two texts are readings of one plate."""
_SAME_PLACE = 0.5
"""Of the smaller box, covered by the other."""


@dataclass(frozen=True, slots=True)
class FoundPlate:
    """One vehicle's plate, as its frames voted, with the picture of the frame that shows it best."""

    track: int
    """Of the vehicle; 0 where there was none."""
    time_ms: int
    box: Box
    """Of the vehicle, or of what is shown around the plate."""
    verdict: Verdict
    colour: str
    picture: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Shot:
    """A vehicle cut out of a frame."""

    image_bgr: ImageBGR = field(repr=False)
    box: Box


@dataclass(frozen=True, slots=True)
class _Read:
    time_ms: int
    shot: _Shot
    reading: PlateReading

    @property
    def ballot(self) -> Ballot:
        return Ballot(self.reading.plate, self.reading.confidence, self.reading.sharpness, self.reading.width_px)


class PlateCollector:
    """Takes the frames of one video in order; has the plates at the end."""

    def __init__(self, reader: PlateReader, folder: Path) -> None:
        """`folder` takes the pictures."""
        self._reader = reader
        self._folder = folder
        self._best: dict[int, BestFrames[_Shot]] = {}
        self._loose: list[list[_Read]] = []
        """Readings without a vehicle, those of one plate together."""
        self._not_before_ms = 0
        """The earliest time to read everything again."""
        self._seen = Seen()
        self.found: list[FoundPlate] = []

    def finish(self) -> list[FoundPlate]:
        """All plates of the video, by time."""
        known = [plate.verdict.text for plate in self.found]
        for number, reads in enumerate(self._loose):
            found = self._verdict(0, reads, f"loose-{number}")
            # A vehicle's plate that was seen before it was followed, or after.
            if found is not None and not any(_alike(found.verdict.text, text) for text in known):
                self.found.append(found)
        return sorted(self.found, key=lambda plate: (plate.time_ms, plate.track))

    def keep(self, frame: Frame, vehicles: Iterable[tuple[int, BoxXYXY]]) -> None:
        """Keeps the vehicles, by track, that a frame of its own shows better than those before."""
        for track_id, bbox_xyxy in vehicles:
            box = _part_around(bbox_xyxy, frame.size)
            if min(box.size) < _MIN_VEHICLE_PX:
                continue
            image_bgr = frame.part_bgr(box.left, box.top, box.right, box.bottom)
            quality = frame_quality(image_bgr, touches_edge=_touches_edge(bbox_xyxy, frame.size))
            best = self._best.setdefault(track_id, BestFrames(FRAMES_READ, APART_MS))
            best.offer(frame.time_ms, quality, _Shot(image_bgr, _as_box(box)))

    def close(self, track_id: int, *, is_vehicle: bool) -> None:
        """The track is over: reads the plate, if it was a vehicle after all. Raises PlateReadingFailed."""
        best = self._best.pop(track_id, None)
        if best is None or not is_vehicle:
            return
        reads: list[_Read] = []
        for time_ms, shot in best.best_first():
            height, width = shot.image_bgr.shape[:2]
            readings = self._reader.read_image(shot.image_bgr, [(0.0, 0.0, float(width), float(height))])
            reads += [_Read(time_ms, shot, reading) for reading in readings[:1]]
            verdict = vote([read.ballot for read in reads])
            if verdict is not None and verdict.is_stable:
                break
        found = self._verdict(track_id, reads, str(track_id))
        if found is not None:
            self.found.append(found)

    def read_whole(self, frame: Frame, people: Iterable[BoxXYXY]) -> None:
        """Reads a frame in which no vehicle is seen, where it shows something new that is nobody. Raises PlateReadingFailed."""
        glance = Glance.of(frame)
        changed = self._seen.changed(glance)
        if not changed.all():
            mark(changed, people, frame.size, 0)
        parts = parts_of(changed, frame.size)
        everywhere = Part.whole(frame.size) in parts
        if not parts or (everywhere and frame.time_ms < self._not_before_ms):
            return
        self._seen.note(glance, parts, frame.size)
        readings = self._reader.read_image(frame.image_bgr, parts=[part.box for part in parts])
        if everywhere:
            self._not_before_ms = frame.time_ms + (0 if readings else _WHOLE_EMPTY_MS)
        for reading in readings:
            around = _part_around(_around(reading.bbox_xyxy), frame.size)
            image_bgr = frame.part_bgr(around.left, around.top, around.right, around.bottom)
            self._note_loose(_Read(frame.time_ms, _Shot(image_bgr, _as_box(around)), reading))

    def _note_loose(self, read: _Read) -> None:
        for reads in self._loose:
            if any(_is_same_plate(read, other) for other in reads):
                reads.append(read)
                if len(reads) > FRAMES_READ:
                    reads.remove(min(reads, key=lambda one: one.ballot.weight))
                return
        self._loose.append([read])

    def _verdict(self, track_id: int, reads: list[_Read], name: str) -> FoundPlate | None:
        verdict = vote([read.ballot for read in reads])
        if verdict is None or verdict.confidence < _MIN_CONFIDENCE:
            return None
        agreeing = [read for read in reads if read.reading.text == verdict.text] or reads
        shown = max(agreeing, key=lambda read: read.ballot.weight)
        picture = self._folder / f"car-{name}-{shown.time_ms}.jpg"
        picture.write_bytes(encode_jpeg(thumbnail(np.ascontiguousarray(shown.shot.image_bgr[:, :, ::-1]), _PICTURE_SIDE)))
        return FoundPlate(track_id, shown.time_ms, shown.shot.box, verdict, str(shown.reading.colour), picture)


def _is_same_plate(one: _Read, other: _Read) -> bool:
    """Whether two readings without a vehicle are of one plate: by the text, or by the place in the same frame."""
    if _alike(one.reading.text, other.reading.text):
        return True
    return one.time_ms == other.time_ms and overlap(one.reading.bbox_xyxy, other.reading.bbox_xyxy) > _SAME_PLACE


def _alike(one: str, other: str) -> bool:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(folded_key(one), folded_key(other)) <= _SAME_PLATE


def _part_around(bbox_xyxy: BoxXYXY, size: tuple[int, int]) -> Part:
    """The box with some margin, inside a picture of `size`."""
    width, height = size
    left, top, right, bottom = bbox_xyxy
    across, down = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    x0, y0 = min(width - 1, max(0, int(left - across))), min(height - 1, max(0, int(top - down)))
    x1, y1 = max(x0 + 1, min(width, int(right + across) + 1)), max(y0 + 1, min(height, int(bottom + down) + 1))
    return Part(x0, y0, x1, y1)


def _as_box(part: Part) -> Box:
    return Box(part.left, part.top, *part.size)


def _touches_edge(bbox_xyxy: BoxXYXY, size: tuple[int, int]) -> bool:
    width, height = size
    left, top, right, bottom = bbox_xyxy
    return left < _EDGE_PX or top < _EDGE_PX or right > width - _EDGE_PX or bottom > height - _EDGE_PX


def _around(plate_xyxy: BoxXYXY) -> BoxXYXY:
    """A box that shows whose plate it is: mostly above it."""
    left, top, right, bottom = plate_xyxy
    side = (right - left) * _AROUND_PLATE / 2
    middle = (left + right) / 2
    return (middle - side, top - 1.5 * side, middle + side, bottom + 0.5 * side)
