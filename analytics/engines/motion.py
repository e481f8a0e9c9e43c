"""People and vehicles by their motion alone: no model, works from the requirements.

Background subtraction (`background`, `holes`), outlines (`silhouettes`), and a memory of half a second that tells stiff things
from limbs. It sees what moves against a camera that stands; who stands still stays seen, who was there from the start is seen
once they go. A group that never parts is one outline.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from analytics.boxes import iou
from analytics.engines.arrays import Picture
from analytics.engines.background import BackgroundModel
from analytics.engines.base import Detection, Kind, require_frame, require_start
from analytics.engines.holes import HoleFinder
from analytics.engines.silhouettes import Silhouette, find_silhouettes, rigidity, vehicle_evidence
from analytics.video.types import ImageBGR

WORKING_SIDE_PX = 320
"""Longer side, at most, of the picture that is looked at. Somebody who is a tenth of it tall is still seen."""
STEP_MS = 280
"""A quarter of a walker's two steps: the legs have changed places."""
MEMORY_MS = 600
MOVED_SHARE = 0.1
"""Of its size, what something must have moved for its rigidity to tell anything."""
SURE_EVIDENCE = 3.0
CUT_WEIGHT = 0.25
"""What the kind of an outline that the frame cuts is worth."""
ROUGH_WEIGHT = 0.02
"""And of one seen before the background behind it was known, from the changes alone."""
ROUGH_SHARE = 0.2
"""How much of it that is."""
FAINT_SHARE = 0.002
"""Of the frame's area, below which something may go on being seen but doesn't begin to be."""


@dataclass(slots=True)
class _Seen:
    """One outline, and what it was just before."""

    silhouette: Silhouette = field(repr=False)
    time_ms: int
    before: _Seen | None = field(default=None, repr=False)


class MotionDetector:
    """Detector by background subtraction. All it finds `needs_motion`."""

    name = "motion"

    def __init__(self) -> None:
        try:
            import cv2
        except ImportError as error:
            from analytics.engines.base import DetectorUnavailable

            raise DetectorUnavailable(f"the Python package {error.name} is missing: `pip install -r requirements.txt`") from error
        # Of the whole process. Pictures as small as here are done before a second thread has woken up.
        cv2.setNumThreads(1)
        self._size = (0, 0)
        self._small = (0, 0)
        self._background = BackgroundModel()
        self._holes = HoleFinder()
        self._seen: deque[tuple[int, list[_Seen]]] = deque()
        """Of the last half second, frame by frame."""

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """As LooksReduced.picture_size."""
        scale = min(1.0, WORKING_SIDE_PX / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def start(self, width: int, height: int, fps: float) -> None:
        """As Detector.start."""
        require_start(width, height, fps)
        self._size = (width, height)
        self._small = self.picture_size(width, height)
        self._background = BackgroundModel()
        self._holes = HoleFinder()
        self._seen = deque()

    def detect(self, frame_bgr: ImageBGR, time_ms: int) -> list[Detection]:
        """As Detector.detect; empty while the background is learnt anew."""
        import cv2

        small = self._reduce(require_frame(frame_bgr, *self._size))
        foreground = self._background.apply(small, time_ms)
        if foreground is None:
            self._seen.clear()
            self._holes = HoleFinder()
            return []
        holes = self._holes.find(small, foreground, self._background.expected, self._background.still_ms, time_ms)
        if holes is not None:
            self._background.forget(small, holes)
            foreground = cv2.bitwise_and(foreground, cv2.bitwise_not(holes))
        seen = [self._remember(silhouette, time_ms) for silhouette in find_silhouettes(foreground)]
        self._seen.append((time_ms, seen))
        while time_ms - self._seen[0][0] > MEMORY_MS:
            self._seen.popleft()
        for one in self._seen[0][1]:
            one.before = None
        return [self._detection(one) for one in seen]

    def _reduce(self, frame: Picture) -> Picture:
        import cv2

        if self._small != self._size:
            frame = cv2.resize(frame, self._small, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(frame, (3, 3), 0)

    def _remember(self, silhouette: Silhouette, time_ms: int) -> _Seen:
        """The outline with what it was in the last frame: the one that covers most of it."""
        last = self._seen[-1][1] if self._seen else []
        before = max(last, key=lambda one: iou(silhouette.bbox_xyxy, one.silhouette.bbox_xyxy), default=None)
        if before is not None and iou(silhouette.bbox_xyxy, before.silhouette.bbox_xyxy) == 0:
            before = None
        return _Seen(silhouette, time_ms, before)

    def _detection(self, one: _Seen) -> Detection:
        silhouette = one.silhouette
        evidence = vehicle_evidence(silhouette, _rigid(one))
        weight = min(1.0, abs(evidence) / SURE_EVIDENCE)
        if silhouette.border.touched:
            weight *= CUT_WEIGHT
        if self._is_rough(silhouette):
            weight *= ROUGH_WEIGHT
        across, down = self._size[0] / self._small[0], self._size[1] / self._small[1]
        share = silhouette.area / (self._small[0] * self._small[1])
        return Detection(
            bbox_xyxy=(
                silhouette.left * across,
                silhouette.top * down,
                (silhouette.left + silhouette.width) * across,
                (silhouette.top + silhouette.height) * down,
            ),
            kind=Kind.VEHICLE if evidence > 0 else Kind.PERSON,
            score=0.9 if share >= FAINT_SHARE else 0.4,
            kind_weight=weight,
            needs_motion=True,
        )

    def _is_rough(self, silhouette: Silhouette) -> bool:
        rows = slice(silhouette.top, silhouette.top + silhouette.height)
        columns = slice(silhouette.left, silhouette.left + silhouette.width)
        unknown = ~self._background.known[rows, columns]
        return bool(unknown.any()) and float(unknown[silhouette.mask > 0].mean()) > ROUGH_SHARE


def _rigid(one: _Seen) -> float | None:
    """The outline's rigidity over one step; None where it wasn't wholly in sight or did not move."""
    then: _Seen | None = one
    while then is not None and one.time_ms - then.time_ms < STEP_MS:
        then = then.before
    if then is None or one.silhouette.border.touched or then.silhouette.border.touched:
        return None
    (x, y), (x0, y0) = one.silhouette.centre, then.silhouette.centre
    if abs(x - x0) + abs(y - y0) < MOVED_SHARE * one.silhouette.size:
        return None
    return rigidity(one.silhouette, then.silhouette)
