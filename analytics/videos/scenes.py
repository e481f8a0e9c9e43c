"""Whether a picture shows the same as an earlier one: cuts between scenes, and stretches in which nothing happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.video.types import Frame

_SIZE = (64, 36)
_CUT = 28.0
"""Mean difference of brightness, 0 to 255, between two looks half a second apart, from which they show different scenes."""
_STILL = 1.5
_STILL_SPOT = 24.0
"""A face or a plate that comes into an empty picture changes some spot by more."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A picture as small as it takes to compare it."""

    grey: npt.NDArray[np.int16]

    @classmethod
    def of(cls, frame: Frame) -> Glance:
        import cv2

        return cls(np.asarray(cv2.cvtColor(frame.reduced_bgr(*_SIZE), cv2.COLOR_BGR2GRAY), np.int16))

    def is_cut_from(self, earlier: Glance) -> bool:
        """Whether there is another scene now. Light that changes alone, everywhere by the same, is no cut."""
        difference = self.grey - earlier.grey
        return float(np.abs(difference - np.median(difference)).mean()) > _CUT

    def is_as(self, earlier: Glance) -> bool:
        """Whether nothing has happened in between that is worth another look."""
        difference = np.abs(self.grey - earlier.grey)
        return float(difference.mean()) < _STILL and float(difference.max()) < _STILL_SPOT
