"""The panel that a text stands on: a plate's text fills its panel, a model's name stands on the vehicle's body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.plates.regions import order_corners, quad_size
from analytics.plates.types import ImageBGR, Quad

_TEXT_HEIGHT_PX: Final = 24
_ACROSS: Final = 2.5
_DOWN: Final = 1.6
"""How far around the text a panel's edge is looked for, in heights of the text."""
_TOLERANCE: Final = (0.35, 12.0)
"""How far a colour may lie from the ground's: a share of what lies between ground and ink, and at least so much (Lab)."""
_MIN_CONTRAST: Final = 12.0
_MIN_FILLED: Final = 0.7
_MIN_WIDTH_SHARE, _MIN_HEIGHT_SHARE = 0.55, 0.38
_MAX_MARGIN: Final = 0.75
_MAX_OFF_CENTRE: Final = 0.4
"""In heights of the text; a character that was not read leaves more free on its side."""


@dataclass(frozen=True, slots=True)
class Panel:
    """An evenly coloured panel around a text."""

    quad: Quad = field(repr=False)
    is_filled: bool
    """Whether the text fills it from edge to edge, so that no character is missing at an end."""


def panel_around(image_bgr: ImageBGR, text: Quad) -> Panel | None:
    """The panel whose ground the text stands on; None where that ground runs on, as a vehicle's body or a wall does."""
    import cv2

    width, height = quad_size(text)
    scale = _TEXT_HEIGHT_PX / max(1.0, height)
    inner_width = round(width * scale)
    left, top = round(_ACROSS * _TEXT_HEIGHT_PX), round(_DOWN * _TEXT_HEIGHT_PX)
    inner = np.array(
        [[left, top], [left + inner_width, top], [left + inner_width, top + _TEXT_HEIGHT_PX], [left, top + _TEXT_HEIGHT_PX]],
        np.float32,
    )
    matrix = cv2.getPerspectiveTransform(text.astype(np.float32), inner)
    size = (2 * left + inner_width, 2 * top + _TEXT_HEIGHT_PX)
    patch = cv2.warpPerspective(
        image_bgr, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 0, 255)
    )
    mask = _ground_mask(np.asarray(patch, np.uint8), (left, top, left + inner_width, top + _TEXT_HEIGHT_PX))
    if mask is None:
        return None
    component = _component_at(mask, (left + inner_width // 2, top + _TEXT_HEIGHT_PX // 2))
    x, y, across, down = (int(value) for value in cv2.boundingRect(component))
    if x <= 0 or y <= 0 or x + across >= size[0] or y + down >= size[1]:
        return None
    if float(component.sum()) < _MIN_FILLED * across * down:
        return None
    if inner_width < _MIN_WIDTH_SHARE * across or down * _MIN_HEIGHT_SHARE > _TEXT_HEIGHT_PX:
        return None
    margins = left - x, x + across - left - inner_width
    is_filled = (
        max(margins) <= _MAX_MARGIN * _TEXT_HEIGHT_PX and abs(margins[0] - margins[1]) <= _MAX_OFF_CENTRE * _TEXT_HEIGHT_PX
    )
    corners = np.array([[[x, y], [x + across, y], [x + across, y + down], [x, y + down]]], np.float32)
    back = cv2.perspectiveTransform(corners, np.linalg.inv(matrix))[0]
    return Panel(order_corners(np.asarray(back, np.float32)), is_filled)


def _ground_mask(patch_bgr: ImageBGR, inner: tuple[int, int, int, int]) -> npt.NDArray[np.uint8] | None:
    """Where the patch has the colour of the ground inside the text's box, the box itself included; None without contrast."""
    import cv2

    left, top, right, bottom = inner
    smooth = cv2.GaussianBlur(patch_bgr, (3, 3), 0)
    lab = cv2.cvtColor(smooth, cv2.COLOR_BGR2LAB).astype(np.float32)
    box = lab[top:bottom, left:right].reshape(-1, 3)
    levels = np.clip(box[:, 0], 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = levels > threshold
    if light.all() or not light.any():
        return None
    classes = np.median(box[light], axis=0), np.median(box[~light], axis=0)
    ground, ink = classes if light.mean() > 0.5 else classes[::-1]  # noqa: PLR2004
    between = float(np.linalg.norm(ground - ink))
    if between < _MIN_CONTRAST:
        return None
    near = np.linalg.norm(lab - ground, axis=2) < max(_TOLERANCE[0] * between, _TOLERANCE[1])
    near[top:bottom, left:right] = True
    return np.asarray(near, np.uint8)


def _component_at(mask: npt.NDArray[np.uint8], point: tuple[int, int]) -> npt.NDArray[np.uint8]:
    import cv2

    # Four neighbours: a thin frame around a plate must hold, also where it is drawn aslant.
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    return np.asarray(labels == labels[point[1], point[0]], np.uint8)
