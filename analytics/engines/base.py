"""The interface of a detector of people and vehicles. Adapters live beside this file; each imports its vendor inside itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np

from analytics.boxes import BoxXYXY
from analytics.video.types import ImageBGR

_CHANNELS = 3


class DetectorUnavailable(Exception):
    """The detector asked for can't run here; the message says what is missing and which command mends it."""


class DetectionFailed(Exception):
    """The vendor's network raised, or gave what is no result."""


class Kind(StrEnum):
    """What is counted."""

    PERSON = "person"
    VEHICLE = "vehicle"


class VehicleType(StrEnum):
    """Which vehicle, where the detector can tell."""

    CAR = "car"
    BUS = "bus"
    TRUCK = "truck"
    MOTORCYCLE = "motorcycle"
    BICYCLE = "bicycle"


@dataclass(frozen=True, slots=True)
class Detection:
    """One person or vehicle in one frame."""

    bbox_xyxy: BoxXYXY
    """Inside the frame; left < right and top < bottom."""
    kind: Kind
    """What it looks like in this frame; a track has the kind of most of its detections, weighed."""
    score: float
    """How sure it is that something is there, 0 to 1."""
    kind_weight: float = 1.0
    """How much this frame's `kind` is worth in the track's vote, from 0: half a body at the edge of the picture tells little."""
    vehicle_type: VehicleType | None = None
    needs_motion: bool = False
    """The detector saw a change and not a thing: it may be a change of light, and isn't counted unless it moves."""


class Detector(Protocol):
    """Finds people and vehicles. Used by one thread for one video at a time; `start` forgets the video before."""

    @property
    def name(self) -> str:
        """As in the settings, with the model where there is one: "motion", "yolox:yolox_nano"."""
        ...

    def start(self, width: int, height: int, fps: float) -> None:
        """A new video of frames of width x height, of which about `fps` a second will be given to `detect`."""
        ...

    def detect(self, frame_bgr: ImageBGR, time_ms: int) -> list[Detection]:
        """What is in the frame; `time_ms` grows from call to call.

        Raises ValueError for an array of another shape than `start` said or not of uint8, DetectionFailed for the vendor's
        errors.
        """
        ...


@runtime_checkable
class LooksReduced(Protocol):
    """A detector that looks at a smaller picture anyway: who decodes makes the smaller one in less time than both."""

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the frames that `start` and `detect` had best be given, for a video of width x height."""
        ...


def require_start(width: int, height: int, fps: float) -> None:
    """Raises ValueError for what can't be a video."""
    if width < 1 or height < 1 or not math.isfinite(fps) or fps <= 0:
        raise ValueError(f"a video needs pixels and a frame rate, not {width} x {height} at {fps}")


def require_frame(frame_bgr: ImageBGR, width: int, height: int) -> ImageBGR:
    """The frame in contiguous memory. Raises ValueError unless it is height x width x 3 of uint8."""
    expected = (height, width, _CHANNELS)
    if not isinstance(frame_bgr, np.ndarray):
        raise ValueError(f"a frame must be a numpy array, not {type(frame_bgr).__name__}")  # noqa: TRY004 - Detector says so
    if frame_bgr.shape != expected or str(frame_bgr.dtype) != "uint8":
        raise ValueError(f"a frame of this video must be {expected} of uint8, not {frame_bgr.shape} of {frame_bgr.dtype}")
    return np.ascontiguousarray(frame_bgr)
