"""The arrays that the motion detector's modules pass around.

OpenCV's stubs call every result an array of any number, so that dtypes can't be checked where it is used; they are said here.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[Any]
"""height x width x 3, uint8, BGR; all pictures of one video are of one size."""

Mask: TypeAlias = npt.NDArray[Any]
"""height x width, uint8: 0, and 255 or, where it is said, 1."""

FloatArray: TypeAlias = npt.NDArray[Any]
"""float32."""

Truth: TypeAlias = npt.NDArray[np.bool_]
"""height x width."""

Milliseconds: TypeAlias = npt.NDArray[np.int32]
"""height x width."""


def split(image: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The three colours of a picture. OpenCV takes four times as long where it has to find the memory itself."""
    import cv2

    colours = [np.empty(image.shape[:2], image.dtype) for _ in range(3)]
    cv2.split(image, colours)
    return colours


def greatest(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The greatest of the three colours of each pixel."""
    import cv2

    blue, green, red = split(image)
    return cv2.max(cv2.max(blue, green), red)


def window_of(mask: Mask, margin: int) -> tuple[slice, slice]:
    """The rows and columns outside of which a mask is empty, with a margin: most work costs by the pixel."""
    import cv2

    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(0, top - margin), min(mask.shape[0], top + height + margin))
    return rows, slice(max(0, left - margin), min(mask.shape[1], left + width + margin))
