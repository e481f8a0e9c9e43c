"""YOLOX and motion together: the network says what a thing is, the motion that there is one.

A network trained on photos from eye level does not know a car from straight above: YOLOX-Nano calls it a cell phone, or
nothing. Its motion and its stiff outline are those of a car all the same. So what the network finds is taken as it is, and what
only moves is added where it looks like a vehicle. What only moves and looks like a person is not: people are what the network
knows best.
"""

from __future__ import annotations

from dataclasses import replace

from analytics.boxes import BoxXYXY, overlap
from analytics.engines.base import Detection, Kind
from analytics.engines.motion import MotionDetector
from analytics.engines.yolox import YoloxDetector
from analytics.video.types import ImageBGR

COVERED_SHARE = 0.3
"""Of what moves, how much the network's boxes must cover for it to be what the network found."""
MOTION_WEIGHT = 0.5
"""What the kind is worth that motion alone suggests."""


class HybridDetector:
    """Detector by YOLOX, with the moving vehicles that it does not know."""

    def __init__(self, yolox: YoloxDetector, motion: MotionDetector) -> None:
        self._yolox = yolox
        self._motion = motion
        self.name = f"{yolox.name}+{motion.name}"

    def start(self, width: int, height: int, fps: float) -> None:
        """As Detector.start."""
        self._yolox.start(width, height, fps)
        self._motion.start(width, height, fps)

    def detect(self, frame_bgr: ImageBGR, time_ms: int) -> list[Detection]:
        """As Detector.detect."""
        recognised = self._yolox.detect(frame_bgr, time_ms)
        moving = self._motion.detect(frame_bgr, time_ms)
        unknown = [
            replace(one, kind_weight=one.kind_weight * MOTION_WEIGHT)
            for one in moving
            if one.kind is Kind.VEHICLE and _covered(one.bbox_xyxy, recognised) < COVERED_SHARE
        ]
        return recognised + unknown


def _covered(box: BoxXYXY, by: list[Detection]) -> float:
    """The largest share of the box that one of the detections covers, or of a detection that the box covers."""
    return max((overlap(box, one.bbox_xyxy) for one in by), default=0.0)
