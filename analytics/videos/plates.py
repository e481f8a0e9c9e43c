"""The licence plates of a video: read on the best frames of each vehicle, and on whole frames where no vehicle is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analytics.engines.base import BoxXYXY, Kind
from analytics.pipeline import Observation
from analytics.plates.reader import PlateReader
from analytics.plates.regions import overlap
from analytics.plates.search import folded_key
from analytics.plates.types import ImageBGR, PlateReading
from analytics.plates.voting import Ballot, BestFrames, Verdict, frame_quality, vote
from analytics.tracking import Track
from analytics.video.types import Frame
from analytics.videos.scenes import Glance
from faces.types import Box
from kiosk.runtime.imaging import encode_jpeg, thumbnail

FRAMES_READ = 5
"""Of one vehicle, at most."""
_APART_MS = 200
_MIN_VEHICLE_PX = 48
_MARGIN = 0.08
_EDGE_PX = 2
_WHOLE_EVERY_MS, _WHOLE_EMPTY_MS = 3000, 8000
"""How often a whole frame is read while no vehicle is seen, after one with and one without a plate: it costs ten vehicles."""
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
    """Takes the observations of one video in order; has the plates at the end. May raise PlateReadingFailed."""

    def __init__(self, reader: PlateReader, folder: Path) -> None:
        """`folder` takes the pictures."""
        self._reader = reader
        self._folder = folder
        self._best: dict[int, BestFrames[_Shot]] = {}
        self._offered_ms: dict[int, int] = {}
        self._loose: list[list[_Read]] = []
        """Readings without a vehicle, those of one plate together."""
        self._whole_ms: int | None = None
        self._whole_pause_ms = _WHOLE_EVERY_MS
        self._glance: Glance | None = None
        self.found: list[FoundPlate] = []

    def look(self, observation: Observation, *, is_new: bool) -> None:
        """Keeps the vehicles that are seen well, and reads the plates of those that have gone.

        `is_new`: the frame is as it was decoded; of another only the tracks that ended are of interest.
        """
        vehicles = [track for track in observation.visible if track.kind is Kind.VEHICLE]
        if is_new:
            for track in vehicles:
                self._keep(track, observation.frame)
        for track in observation.finished:
            self._close(track)
        if is_new and not vehicles:
            self._read_whole(observation.frame)

    def finish(self) -> list[FoundPlate]:
        """All plates of the video, by time."""
        known = [plate.verdict.text for plate in self.found]
        for number, reads in enumerate(self._loose):
            found = self._verdict(0, reads, f"loose-{number}")
            # A vehicle's plate that was seen before it was followed, or after.
            if found is not None and not any(_alike(found.verdict.text, text) for text in known):
                self.found.append(found)
        return sorted(self.found, key=lambda plate: (plate.time_ms, plate.track))

    def _keep(self, track: Track, frame: Frame) -> None:
        if frame.time_ms - self._offered_ms.get(track.track_id, -_APART_MS) < _APART_MS:
            return
        self._offered_ms[track.track_id] = frame.time_ms
        shot = _cut_out(frame.image_bgr, track.bbox_xyxy)
        if min(shot.box.w, shot.box.h) < _MIN_VEHICLE_PX:
            return
        quality = frame_quality(shot.image_bgr, touches_edge=_touches_edge(track.bbox_xyxy, frame.image_bgr))
        best = self._best.setdefault(track.track_id, BestFrames(FRAMES_READ, _APART_MS))
        if best.wants(frame.time_ms, quality):
            best.offer(frame.time_ms, quality, _Shot(shot.image_bgr.copy(), shot.box))

    def _close(self, track: Track) -> None:
        self._offered_ms.pop(track.track_id, None)
        best = self._best.pop(track.track_id, None)
        if best is None or track.kind is not Kind.VEHICLE:
            return
        reads: list[_Read] = []
        for time_ms, shot in best.best_first():
            height, width = shot.image_bgr.shape[:2]
            readings = self._reader.read_image(shot.image_bgr, [(0.0, 0.0, float(width), float(height))])
            reads += [_Read(time_ms, shot, reading) for reading in readings[:1]]
            verdict = vote([read.ballot for read in reads])
            if verdict is not None and verdict.is_stable:
                break
        found = self._verdict(track.track_id, reads, str(track.track_id))
        if found is not None:
            self.found.append(found)

    def _read_whole(self, frame: Frame) -> None:
        if self._whole_ms is not None and frame.time_ms - self._whole_ms < self._whole_pause_ms:
            return
        self._whole_ms = frame.time_ms
        glance, before = Glance.of(frame), self._glance
        if before is not None and glance.is_as(before):
            return
        self._glance = glance
        readings = self._reader.read_image(frame.image_bgr)
        self._whole_pause_ms = _WHOLE_EVERY_MS if readings else _WHOLE_EMPTY_MS
        for reading in readings:
            shot = _cut_out(frame.image_bgr, _around(reading.bbox_xyxy))
            self._note_loose(_Read(frame.time_ms, _Shot(shot.image_bgr.copy(), shot.box), reading))

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


def _cut_out(image_bgr: ImageBGR, bbox_xyxy: BoxXYXY) -> _Shot:
    """The box with some margin, as a view of the frame."""
    height, width = image_bgr.shape[:2]
    left, top, right, bottom = bbox_xyxy
    across, down = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    x0, y0 = min(width - 1, max(0, int(left - across))), min(height - 1, max(0, int(top - down)))
    x1, y1 = max(x0 + 1, min(width, int(right + across) + 1)), max(y0 + 1, min(height, int(bottom + down) + 1))
    return _Shot(image_bgr[y0:y1, x0:x1], Box(x0, y0, x1 - x0, y1 - y0))


def _touches_edge(bbox_xyxy: BoxXYXY, image_bgr: ImageBGR) -> bool:
    height, width = image_bgr.shape[:2]
    left, top, right, bottom = bbox_xyxy
    return left < _EDGE_PX or top < _EDGE_PX or right > width - _EDGE_PX or bottom > height - _EDGE_PX


def _around(plate_xyxy: BoxXYXY) -> BoxXYXY:
    """A box that shows whose plate it is: mostly above it."""
    left, top, right, bottom = plate_xyxy
    side = (right - left) * _AROUND_PLATE / 2
    middle = (left + right) / 2
    return (middle - side, top - 1.5 * side, middle + side, bottom + 0.5 * side)
