"""Where in a picture a plate can be, and what it looks like there: geometry and colour, with OpenCV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from analytics.boxes import BoxXYXY, overlap
from analytics.plates.types import ImageBGR, PlateColour, Quad

_SEARCH_WIDTH: Final = 960
"""Panels are searched in a picture reduced to this width."""
_MIN_PANEL_WIDTH_PX: Final = 28
_PANEL_ASPECTS: Final = (1.5, 6.0)
"""A motorcycle's plate is 220 x 140 mm, a lorry's rear one 440 x 220, a car's 440 x 140, a European one 520 x 110."""
_MIN_FILL: Final = 0.55
_MIN_EDGES: Final = 0.06
_MAX_SHARE: Final = 0.6
"""Of the picture: what fills more is no plate on a vehicle, but a picture of a plate, which is a candidate as a whole."""

if TYPE_CHECKING:
    import cv2.typing

_Mask = npt.NDArray[np.uint8]


def order_corners(points: npt.NDArray[np.float32]) -> Quad:
    """Four corners in the order in which one reads: top left, top right, bottom right, bottom left."""
    by_x = points[np.argsort(points[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]]).astype(np.float32)


def quad_size(quad: Quad) -> tuple[float, float]:
    """Width and height in pixels, each the mean of two opposite sides."""
    top, right, bottom, left = (float(np.hypot(*(quad[(i + 1) % 4] - quad[i]))) for i in range(4))
    return (top + bottom) / 2, (left + right) / 2


def bounding_box(quads: Iterable[Quad], width: float, height: float) -> BoxXYXY:
    """The upright box around some quads, clipped to a picture."""
    points = np.concatenate(list(quads))
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return (
        float(np.clip(left, 0, width)),
        float(np.clip(top, 0, height)),
        float(np.clip(right, 0, width)),
        float(np.clip(bottom, 0, height)),
    )


def grown(quad: Quad, by: float) -> Quad:
    """The quad pushed outwards by a share of its height on every side."""
    _, height = quad_size(quad)
    across = _unit(quad[1] + quad[2] - quad[0] - quad[3]) * height * by
    down = _unit(quad[2] + quad[3] - quad[0] - quad[1]) * height * by
    return np.asarray(quad + np.stack([-across - down, across - down, across + down, down - across]), np.float32)


def lengthened(quad: Quad, by: float) -> Quad:
    """The quad pushed outwards by a share of its height to the left and to the right."""
    _, height = quad_size(quad)
    along = _unit(quad[1] + quad[2] - quad[0] - quad[3]) * np.float32(height * by)
    return np.asarray(quad + np.stack([-along, along, along, -along]), np.float32)


def band(quad: Quad, top: float, bottom: float) -> Quad:
    """The part of a quad between two shares of its height: 0.0 is its top, 1.0 its bottom."""
    left, right = quad[3] - quad[0], quad[2] - quad[1]
    return np.stack([quad[0] + left * top, quad[1] + right * top, quad[1] + right * bottom, quad[0] + left * bottom]).astype(
        np.float32
    )


def rectified(image_bgr: ImageBGR, quad: Quad, height_px: int = 48, widest: float = 9.0) -> ImageBGR:
    """What is inside the quad, seen straight on, `height_px` high and at most `widest` times as wide."""
    import cv2

    width, height = quad_size(quad)
    width_px = max(8, round(min(widest, width / max(1.0, height)) * height_px))
    corners = np.array([[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    # Reduced far by a plain interpolation, strokes would fall between the samples: area averaging first.
    shrink = height / (2 * height_px)
    if shrink > 1:
        return np.asarray(_rectified_large(image_bgr, quad, shrink, (width_px, height_px), corners), np.uint8)
    return np.asarray(
        cv2.warpPerspective(image_bgr, matrix, (width_px, height_px), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _rectified_large(
    image_bgr: ImageBGR, quad: Quad, shrink: float, size: tuple[int, int], corners: Quad
) -> npt.NDArray[np.uint8]:
    import cv2

    factor = int(np.ceil(shrink))
    large = (size[0] * factor, size[1] * factor)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners * factor)
    warped = cv2.warpPerspective(image_bgr, matrix, large, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(warped, size, interpolation=cv2.INTER_AREA), np.uint8)


def stretched(line_bgr: ImageBGR) -> ImageBGR:
    """The same line with its contrast spread evenly: for plates at night, in fog, against the light."""
    import cv2

    lab = cv2.cvtColor(line_bgr, cv2.COLOR_BGR2LAB)
    low, high = np.percentile(lab[:, :, 0], (2, 98))
    spread = (lab[:, :, 0].astype(np.float32) - low) * (255.0 / max(8.0, high - low))
    lab[:, :, 0] = np.clip(spread, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def contrast(line_bgr: ImageBGR) -> float:
    """0 to 1: how far the dark and the light of a line lie apart."""
    low, high = np.percentile(line_bgr.max(axis=2), (5, 95))
    return float(high - low) / 255.0


def plate_panels(image_bgr: ImageBGR, limit: int = 8) -> list[Quad]:
    """Quads that look like a plate by colour, shape and the edges inside, the likeliest first.

    They find what a text detector misses: plates that are small, skewed, or touch other text.
    """
    import cv2

    height, width = image_bgr.shape[:2]
    scale = min(1.0, _SEARCH_WIDTH / max(height, width))
    small = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image_bgr
    edges = _vertical_edges(np.asarray(small, np.uint8))
    ranked: list[tuple[float, Quad]] = []
    for mask in [*_colour_masks(np.asarray(small, np.uint8)), _edge_mask(edges)]:
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            candidate = _panel(contour.reshape(-1, 2).astype(np.float32), edges, scale)
            if candidate is not None:
                ranked.append(candidate)
    ranked.sort(key=lambda item: -item[0])
    chosen: list[Quad] = []
    for _, quad in ranked:
        if len(chosen) == limit:
            break
        if all(overlap(_box(quad), _box(other)) < 0.6 for other in chosen):  # noqa: PLR2004
            chosen.append(quad)
    return chosen


def _panel(points: Quad, edges: _Mask, scale: float) -> tuple[float, Quad] | None:
    import cv2

    rectangle = cv2.minAreaRect(points)
    long_side, short_side = max(rectangle[1]), min(rectangle[1])
    if short_side < 1 or long_side < _MIN_PANEL_WIDTH_PX * scale:
        return None
    if not _PANEL_ASPECTS[0] <= long_side / short_side <= _PANEL_ASPECTS[1]:
        return None
    if long_side * short_side > _MAX_SHARE * edges.size:
        return None
    hull = cv2.convexHull(points)
    area = float(cv2.contourArea(points.reshape(-1, 1, 2)))
    fill = area / (long_side * short_side)
    quad = _corners(hull, rectangle)
    quad_width, quad_height = quad_size(quad)
    if fill < _MIN_FILL or quad_width < quad_height:
        return None
    inside = np.zeros(edges.shape, np.uint8)
    cv2.fillConvexPoly(inside, quad.astype(np.int32), 1)
    density = float(edges[inside > 0].mean()) / 255.0 if inside.any() else 0.0
    if density < _MIN_EDGES:
        return None
    return fill * min(density, 0.4), quad / np.float32(scale)


def _corners(hull: npt.NDArray[Any], rectangle: cv2.typing.RotatedRect) -> Quad:
    """Four corners of a contour: its own where it has four, which shows perspective; else those of the rectangle."""
    import cv2

    length = cv2.arcLength(hull, closed=True)
    for tolerance in (0.02, 0.04, 0.06):
        approximate = cv2.approxPolyDP(hull, tolerance * length, closed=True)
        if len(approximate) == 4:  # noqa: PLR2004
            return order_corners(approximate.reshape(-1, 2).astype(np.float32))
    return order_corners(np.asarray(cv2.boxPoints(rectangle), np.float32))


def _vertical_edges(image_bgr: ImageBGR) -> _Mask:
    import cv2

    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    gradient = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0, ksize=3)).astype(np.float32)
    threshold = max(40.0, float(np.percentile(gradient, 85)))
    return np.asarray((gradient > threshold) * 255, np.uint8)


def _edge_mask(edges: _Mask) -> _Mask:
    import cv2

    closed = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (15, 3)))
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (9, 5))), np.uint8)


def _colour_masks(image_bgr: ImageBGR) -> list[_Mask]:
    import cv2

    hsv = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2HSV)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 3))
    masks = []
    for low, high in _HSV_RANGES.values():
        mask = cv2.inRange(hsv, np.array(low, np.uint8), np.array(high, np.uint8))
        masks.append(np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), np.uint8))
    return masks


_HSV_RANGES: Final = {
    PlateColour.BLUE: ((97, 70, 35), (128, 255, 255)),
    PlateColour.GREEN: ((38, 35, 40), (92, 255, 255)),
    PlateColour.YELLOW: ((14, 80, 60), (37, 255, 255)),
}
_MIN_COLOUR_SHARE: Final = 0.35
_MIN_CONTRAST: Final = 0.15
_GREY_SATURATION: Final = 70


def ground_colour(image_bgr: ImageBGR, quad: Quad) -> PlateColour:
    """The colour that the characters inside a quad stand on; UNKNOWN where there is none of a plate's."""
    import cv2

    patch = rectified(image_bgr, quad, 32)
    hsv = cv2.cvtColor(patch, cv2.COLOR_BGR2HSV)
    shares = {
        colour: float(np.mean(cv2.inRange(hsv, np.array(low, np.uint8), np.array(high, np.uint8)) > 0))
        for colour, (low, high) in _HSV_RANGES.items()
    }
    colour = max(shares, key=lambda key: shares[key])
    if shares[colour] >= _MIN_COLOUR_SHARE:
        return colour
    if float(np.median(hsv[:, :, 1])) > _GREY_SATURATION or contrast(patch) < _MIN_CONTRAST:
        return PlateColour.UNKNOWN
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    _, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Strokes cover less than the ground does.
    return PlateColour.WHITE if float(light.mean()) > 0.5 else PlateColour.BLACK  # noqa: PLR2004


def one_above_the_other(upper: Quad, lower: Quad) -> bool:
    """Whether two lines of text can be the two lines of one plate."""
    upper_width, upper_height = quad_size(upper)
    lower_width, lower_height = quad_size(lower)
    if not (0.2 * lower_width <= upper_width <= 1.15 * lower_width and 0.25 * lower_height <= upper_height <= 1.3 * lower_height):
        return False
    across = _unit(lower[1] - lower[0])
    down = np.array([-across[1], across[0]], np.float32)
    between = lower.mean(axis=0) - upper.mean(axis=0)
    nearest = (upper_height + lower_height) / 2
    return bool(abs(between @ across) < 0.3 * lower_width and 0.6 * nearest < between @ down < 1.9 * nearest)


def around(quads: Sequence[Quad]) -> Quad:
    """The smallest turned rectangle around some quads."""
    import cv2

    return order_corners(np.asarray(cv2.boxPoints(cv2.minAreaRect(np.concatenate(list(quads)))), np.float32))


def _box(quad: Quad) -> BoxXYXY:
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vector / np.float32(max(1e-6, float(np.hypot(*vector))))
