"""Where the tests' pictures come from: synthetic faces for the fake engine, photos from installed packages and shared test data.

No photo of a face is part of the project. Shared test data and models lie in ../shared beside the repository where someone has
put them; a test that needs them says so through `shared`, and is skipped by name where they are missing.
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from faces.engines.fake import FRAME, FakeFace
from faces.types import ImageRGB

SHARED = Path(__file__).resolve().parents[2] / "shared"
INSIGHTFACE_ROOT = SHARED / "models" / "insightface"
INSIGHTFACE_PACK = "mobile"

MAGENTA = (255, 0, 255)
LIGHT, DARK = 215, 45
GREY = 128
"""Of the cells of a fake face, and of the background."""


def shared(relative: str) -> Path:
    """A file or folder of ../shared, e.g. "testdata/faces/obama.jpg"; skips the test where it is missing."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"needs ../shared/{relative}, which is not here")
    return path


def face_photo(name: str) -> ImageRGB:
    """One of the photos of testdata/faces, e.g. "obama.jpg"."""
    return load_rgb(shared(f"testdata/faces/{name}"))


def insightface_models() -> tuple[Path, str]:
    """The root and the name of the insightface pack that the tests use."""
    shared(f"models/insightface/models/{INSIGHTFACE_PACK}")
    return INSIGHTFACE_ROOT, INSIGHTFACE_PACK


def insightface_sample(name: str) -> ImageRGB:
    """One of the sample pictures in insightface's package: "t1.jpg" (six people), "Tom_Hanks_54745.png" (one)."""
    return load_rgb(_in_package("insightface", f"data/images/{name}"))


def skimage_sample(name: str) -> ImageRGB:
    """One of the sample pictures in scikit-image's package: "astronaut.png" (one person), "chelsea.png" (a cat), and more."""
    return load_rgb(_in_package("skimage", f"data/{name}"))


def _in_package(package: str, relative: str) -> Path:
    # Found, not imported: importing insightface takes a second.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"needs the Python package {package}, which is not here")
    path = Path(spec.origin).parent / relative
    if not path.is_file():
        pytest.skip(f"needs {relative} of the Python package {package}, which is not here")
    return path


def load_rgb(path: Path) -> ImageRGB:
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def as_jpeg(image_rgb: ImageRGB, quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image_rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def as_png(image_rgb: ImageRGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image_rgb).save(buffer, "PNG")
    return buffer.getvalue()


def blank(width: int = 640, height: int = 480, level: int = GREY) -> ImageRGB:
    """A picture of one grey: no face in it."""
    return np.full((height, width, 3), level, np.uint8)


@dataclass(frozen=True)
class Placed:
    """A fake face and where it stands in the picture."""

    face: FakeFace
    x: int
    y: int
    size_px: int = 200
    light: int = LIGHT
    dark: int = DARK


def fake_photo(*faces: FakeFace | Placed, width: int = 640, height: int = 480) -> ImageRGB:
    """A picture of the fake engine's faces: those without a place are set side by side, as large as fits, at most 200 pixels."""
    image = blank(width, height)
    room = width // max(1, len(faces))
    size_px = min(200, room * 3 // 4, height * 3 // 4)
    for index, face in enumerate(faces):
        placed = face
        if isinstance(placed, FakeFace):
            placed = Placed(placed, index * room + (room - size_px) // 2, (height - size_px) // 2, size_px)
        image[placed.y : placed.y + placed.size_px, placed.x : placed.x + placed.size_px] = _draw(placed)
    return image


def fake_jpeg(*faces: FakeFace | Placed, width: int = 640, height: int = 480, quality: int = 85) -> bytes:
    return as_jpeg(fake_photo(*faces, width=width, height=height), quality)


def _draw(placed: Placed) -> ImageRGB:
    drawn = np.full((placed.size_px, placed.size_px, 3), MAGENTA, np.uint8)
    frame = round(placed.size_px * FRAME)
    inside = placed.size_px - 2 * frame
    cells = np.where(placed.face.cells(), placed.light, placed.dark).astype(np.uint8)
    enlarged = Image.fromarray(cells).resize((inside, inside), Image.Resampling.NEAREST)
    drawn[frame : frame + inside, frame : frame + inside] = np.asarray(enlarged)[:, :, np.newaxis]
    return drawn
