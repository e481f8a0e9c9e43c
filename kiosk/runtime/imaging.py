"""Decoding of pictures that strangers send: JPEG, PNG, BMP and still WebP become upright RGB arrays, or an ImageError.

Everything is bounded before it is allocated, and nothing but ImageError leaves `decode_image`. Meant for worker processes: one
thread of a process decodes at a time, because Pillow's warnings are switched off around it for the whole process.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

PixelsRGB: TypeAlias = npt.NDArray[np.uint8]
"""height x width x 3, uint8, RGB."""

MIN_KEPT_SHARE = 0.75
"""A whole-number reduction, many times faster than a resampling, is taken if this share of max_side remains."""
MAX_JPEG_SCANS = 64
"""Encoders write about ten scans. One of a few bytes costs a pass over all pixels, so that a small file could run for hours."""
MAX_RUN_LENGTH_PIXELS = 4_000_000
"""Pillow unpacks run-length BMPs in Python, where 50 million pixels from a file of 30 KB take seven seconds."""
MAX_PROFILE_BYTES = 4 * 1024 * 1024
SAME_COLOUR_LEVELS = 2
"""A profile that moves no colour by more than this, of 255, is taken for sRGB."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB\x60\x82"
BMP_RUN_LENGTHS = frozenset({1, 2})
JPEG_SCAN = re.compile(rb"\xff\xda\x00[\x08\x0a\x0c\x0e]")

EXIF_ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDES_SWAPPED = frozenset({5, 6, 7, 8})


class ImageFault(StrEnum):
    """Why a picture was refused."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNREADABLE = "unreadable"
    TOO_MANY_PIXELS = "too_many_pixels"
    ANIMATED = "animated"
    TOO_SMALL = "too_small"


class ImageError(Exception):
    """A picture was refused; `detail` says more, for logs and developers, and tells nothing of what the picture shows."""

    def __init__(self, fault: ImageFault, detail: str) -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.fault}: {self.detail}"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may be, and how large it stays."""

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 50_000_000
    """Width times height of the source, checked from its header before anything is decoded."""
    max_side: int = 2048
    """Longest side of the result; a larger picture is reduced, not refused."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture ready for the engines."""

    pixels_rgb: PixelsRGB = field(repr=False)
    """height x width x 3, uint8, RGB (sRGB), C-contiguous, read-only, upright, no side beyond max_side."""
    scale: float
    """Source pixels for each pixel of `pixels_rgb`, along the longer side; exactly 1.0 where nothing was reduced."""
    width: int
    """Of the upright source picture, in its own pixels."""
    height: int


class _Kind(StrEnum):
    JPEG = "JPEG"
    PNG = "PNG"
    BMP = "BMP"
    WEBP = "WebP"


class _Jpeg(JpegImageFile):
    """A JPEG read without its resolution, which is of no use here: Pillow looks it up in EXIF, and some broken EXIF stops it."""

    def _open(self) -> None:
        super()._open()
        if self.layers and min(self.size) < 1:
            raise ImageError(ImageFault.TOO_SMALL, _dimensions(self.size))

    def _read_dpi_from_exif(self) -> None:
        return


# The classes, not Image.open: no other decoder can be reached, an MPO gives its first picture, and the limits are this module's.
_OPENERS: dict[_Kind, type[ImageFile]] = {
    _Kind.JPEG: _Jpeg,
    _Kind.PNG: PngImageFile,
    _Kind.BMP: BmpImageFile,
    _Kind.WEBP: WebPImageFile,
}


def decode_image(data: bytes, limits: ImageLimits = ImageLimits()) -> DecodedImage:
    """The picture, upright, in sRGB, on white where it was transparent, reduced to `limits.max_side`. Raises ImageError only.

    Pictures: JPEG (of an MPO the first picture), PNG, BMP, WebP; animated ones are refused, a broken EXIF or colour profile
    is ignored, a truncated file is refused.
    """
    kind = _recognise(data, limits)
    size = _declared_size(kind, data)
    if size is not None:
        _check_size(size, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(kind, data, limits)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(ImageFault.TOO_MANY_PIXELS, str(error)) from error
    except MemoryError as error:
        raise ImageError(ImageFault.UNREADABLE, f"no memory to decode this {kind}") from error
    except Exception as error:  # hostile bytes raise whatever they reach in Pillow, and this is the edge to it
        raise ImageError(ImageFault.UNREADABLE, f"{kind}: {type(error).__name__}: {error}") from error


def encode_jpeg(pixels_rgb: PixelsRGB, quality: int = 90) -> bytes:
    """A JPEG without any metadata. Raises ValueError for an array that is not height x width x 3 of uint8."""
    _check_pixels(pixels_rgb)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels_rgb)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def strip_metadata(data: bytes, limits: ImageLimits = ImageLimits(), quality: int = 90) -> bytes:
    """What is stored of an upload: an upright JPEG without EXIF, GPS, thumbnail or profile. Raises ImageError."""
    return encode_jpeg(decode_image(data, limits).pixels_rgb, quality)


def crop_with_margin(pixels_rgb: PixelsRGB, bbox_xyxy: tuple[float, float, float, float], margin: float) -> PixelsRGB:
    """A copy of the box, on each side wider by `margin` of its own width or height, cut to the picture.

    Raises ValueError for a wrong array, a negative margin, and a box that is empty or outside of the picture.
    """
    _check_pixels(pixels_rgb)
    left, top, right, bottom = bbox_xyxy
    if not (all(map(math.isfinite, bbox_xyxy)) and right > left and bottom > top and margin >= 0):
        raise ValueError(f"not a box with a margin: {bbox_xyxy}, {margin}")
    height, width = pixels_rgb.shape[:2]
    extra_x, extra_y = (right - left) * margin, (bottom - top) * margin
    columns = slice(max(0, math.floor(left - extra_x)), min(width, math.ceil(right + extra_x)))
    rows = slice(max(0, math.floor(top - extra_y)), min(height, math.ceil(bottom + extra_y)))
    crop = pixels_rgb[rows, columns]
    if crop.size == 0 or columns.start >= columns.stop or rows.start >= rows.stop:
        raise ValueError(f"the box {bbox_xyxy} lies outside of a picture of {width}x{height}")
    return crop.copy()


def thumbnail(pixels_rgb: PixelsRGB, max_side: int) -> PixelsRGB:
    """The picture reduced so that no side is longer than `max_side`; itself where it is small enough."""
    _check_pixels(pixels_rgb)
    if max(pixels_rgb.shape[:2]) <= max_side:
        return pixels_rgb
    return np.asarray(_resampled(Image.fromarray(np.ascontiguousarray(pixels_rgb)), max_side))


def _recognise(data: bytes, limits: ImageLimits) -> _Kind:
    if not data:
        raise ImageError(ImageFault.EMPTY, "no bytes")
    if len(data) > limits.max_bytes:
        raise ImageError(ImageFault.TOO_MANY_BYTES, f"{len(data)} bytes, at most {limits.max_bytes}")
    if data.startswith(b"\xff\xd8\xff"):
        return _Kind.JPEG
    if data.startswith(PNG_MAGIC):
        return _Kind.PNG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _Kind.WEBP
    if data.startswith(b"BM"):
        return _Kind.BMP
    raise ImageError(ImageFault.UNSUPPORTED_FORMAT, "neither JPEG, PNG, BMP nor WebP")


def _declared_size(kind: _Kind, data: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a PNG, BMP or WebP, None where it can't be told; Pillow's WebP allocates as it opens."""
    try:
        if kind is _Kind.PNG and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
        elif kind is _Kind.BMP:
            short = struct.unpack_from("<I", data, 14) == (12,)
            width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
        elif data[12:16] == b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        elif data[12:16] == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif data[12:16] == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        else:
            return None
    except struct.error:
        return None
    return width, abs(height)


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(ImageFault.TOO_SMALL, _dimensions(size))
    if width * height > limits.max_pixels:
        raise ImageError(ImageFault.TOO_MANY_PIXELS, f"{_dimensions(size)}, at most {limits.max_pixels} pixels")


def _dimensions(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]} pixels"


def _decode(kind: _Kind, data: bytes, limits: ImageLimits) -> DecodedImage:
    if kind is _Kind.PNG and data.rfind(PNG_END) < 0:  # Pillow overlooks a missing end
        raise ImageError(ImageFault.UNREADABLE, "PNG: truncated")
    with _OPENERS[kind](io.BytesIO(data)) as source:
        _check_size(source.size, limits)
        if getattr(source, "is_animated", False):
            raise ImageError(ImageFault.ANIMATED, f"{kind} with several frames")
        width, height = source.size
        if kind is _Kind.BMP and source.info.get("compression") in BMP_RUN_LENGTHS:
            _check_size(source.size, replace(limits, max_pixels=min(limits.max_pixels, MAX_RUN_LENGTH_PIXELS)))
        if isinstance(source, JpegImageFile):
            _check_scans(source, data)
            _draft(source, limits.max_side)
        source.load()
        orientation = _orientation(source)
        image = _in_srgb(_opaque(_reduced(_plain(source, kind), limits.max_side)), source.info.get("icc_profile"))
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    if orientation in SIDES_SWAPPED:
        width, height = height, width
    pixels_rgb = _fitted(np.asarray(image), limits.max_side)
    pixels_rgb.flags.writeable = False
    return DecodedImage(pixels_rgb, max(width, height) / max(pixels_rgb.shape[:2]), width, height)


def _check_scans(source: JpegImageFile, data: bytes) -> None:
    if source.info.get("progressive") and sum(1 for _ in JPEG_SCAN.finditer(data)) > MAX_JPEG_SCANS:
        raise ImageError(ImageFault.UNREADABLE, f"JPEG with more than {MAX_JPEG_SCANS} scans")


def _draft(source: JpegImageFile, max_side: int) -> None:
    """Lets libjpeg decode a large picture at 1/2, 1/4 or 1/8 of its size."""
    for factor in (8, 4, 2):
        if max(source.size) >= MIN_KEPT_SHARE * max_side * factor:
            source.draft(None, (max(1, source.width // factor), max(1, source.height // factor)))
            return


def _orientation(source: ImageFile) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it can't be read."""
    try:
        value: Any = source.getexif().get(EXIF_ORIENTATION)
    except Exception:  # noqa: BLE001 - broken EXIF raises whatever it reaches in Pillow's TIFF reader
        return 1
    return value if isinstance(value, int) and value in UPRIGHT else 1


def _plain(source: ImageFile, kind: _Kind) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: L, RGB, RGBA or CMYK, 8 bits a channel."""
    if source.mode == "I;16":  # convert() would cut every value at 255
        return Image.fromarray((np.asarray(source) >> 8).astype(np.uint8))
    if source.has_transparency_data and kind is not _Kind.BMP:
        return source.convert("RGBA")
    if source.mode in {"P", "RGBA"}:  # many writers of BMP leave the fourth channel at zero, which would hide all
        return source.convert("RGB")
    return source if source.mode != "1" else source.convert("L")


def _reduced(image: Image.Image, max_side: int) -> Image.Image:
    """The picture reduced by a whole number, so that `max_side` or at most half again as much remains."""
    longer = max(image.size)
    if longer <= max_side:
        return image
    factor = math.ceil(longer / max_side)
    if longer >= MIN_KEPT_SHARE * max_side * factor:
        return image.reduce(factor)
    return image.reduce(factor - 1) if factor > 2 else image  # noqa: PLR2004 - reduce(1) is a copy


def _fitted(pixels_rgb: PixelsRGB, max_side: int) -> PixelsRGB:
    """What _reduced left, at most half again as large as it may be: interpolated, in a sixth of a resampling's time."""
    height, width = pixels_rgb.shape[:2]
    if max(width, height) <= max_side:
        return pixels_rgb
    import cv2

    return np.asarray(cv2.resize(pixels_rgb, _size_within((width, height), max_side)), dtype=np.uint8)


def _resampled(image: Image.Image, max_side: int) -> Image.Image:
    return image.resize(_size_within(image.size, max_side), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _size_within(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    ratio = max_side / max(size)
    width, height = (max(1, round(side * ratio)) for side in size)
    return width, height


def _opaque(image: Image.Image) -> Image.Image:
    """The picture on white."""
    if image.mode != "RGBA":
        return image
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image)
    return canvas


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # convert() copies even where nothing changes


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """The picture as RGB, by its colour profile where that can be used."""
    if isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE_BYTES:
        transform = _srgb_transform(profile, image.mode)
        if transform is not None:
            return transform.apply(_in_mode(image, transform.input_mode))
    return _in_mode(image, "RGB")


@lru_cache(maxsize=8)
def _srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where the profile is broken, is not one for such a picture, or is sRGB already."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        suitable = {("GRAY", "L"): "L", ("CMYK", "CMYK"): "CMYK", ("RGB", "RGB"): "RGB", ("RGB", "L"): "RGB"}
        input_mode = suitable.get((space, mode))
        if input_mode is None:
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.ImageCmsTransform(source, srgb, input_mode, "RGB")
        return None if _keeps_colours(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _keeps_colours(transform: ImageCms.ImageCmsTransform) -> bool:
    if transform.input_mode == "CMYK":
        return False
    if transform.input_mode == "L":
        probe = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        levels = np.arange(0, 256, 51, dtype=np.uint8)
        probe = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))
    before, after = (np.asarray(picture, dtype=np.int16) for picture in (probe.convert("RGB"), transform.apply(probe)))
    return bool(np.abs(before - after).max() <= SAME_COLOUR_LEVELS)


def _check_pixels(pixels_rgb: PixelsRGB) -> None:
    if pixels_rgb.dtype != np.uint8 or pixels_rgb.ndim != 3 or pixels_rgb.shape[2] != 3 or pixels_rgb.size == 0:  # noqa: PLR2004
        raise ValueError(f"expected height x width x 3 of uint8, got {pixels_rgb.shape} of {pixels_rgb.dtype}")
