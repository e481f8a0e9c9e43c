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
