"""The engines under test, each made once, with pictures of its own kind of face."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.engines.base import FaceEngine
from faces.engines.dlib_engine import DlibEngine
from faces.engines.fake import FakeEngine, FakeFace
from faces.engines.insightface_engine import InsightFaceEngine
from faces.types import ImageRGB
from tests.media import as_jpeg, fake_photo, insightface_models, insightface_sample, skimage_sample


@dataclass(frozen=True)
class EngineCase:
    """An engine and what it is tried on."""

    engine: FaceEngine
    portrait: ImageRGB
    """One person."""
    portrait_again: ImageRGB
    """The same person in another picture."""
    group: ImageRGB
    """Several other people, one larger than the others."""


def again(picture: ImageRGB) -> ImageRGB:
    """The picture at three quarters of its size, after JPEG compression."""
    height, width = picture.shape[:2]
    smaller = Image.fromarray(picture).resize((width * 3 // 4, height * 3 // 4), Image.Resampling.LANCZOS)
    return np.asarray(Image.open(io.BytesIO(as_jpeg(np.asarray(smaller), quality=60))).convert("RGB"))


@pytest.fixture(scope="session")
def dlib_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that holds the converted network."""
    return tmp_path_factory.mktemp("dlib-cache")


@pytest.fixture(scope="session")
def dlib_engine(dlib_cache: Path) -> DlibEngine:
    return DlibEngine(dlib_cache)


@pytest.fixture(scope="session")
def insightface_engine() -> InsightFaceEngine:
    root, pack = insightface_models()
    return InsightFaceEngine(root, pack)


def _fake_case() -> EngineCase:
    portrait, group = fake_photo(FakeFace(7)), fake_photo(FakeFace(1), FakeFace(2), FakeFace(3))
    return EngineCase(FakeEngine(), portrait, again(fake_photo(FakeFace(7, variation=4))), group)


@pytest.fixture(scope="session", params=["fake", "dlib", "insightface"])
def case(request: pytest.FixtureRequest) -> EngineCase:
    """Each engine in turn."""
    if request.param == "fake":
        return _fake_case()
    portrait = skimage_sample("astronaut.png")[:280, 80:360]
    engine = request.getfixturevalue(f"{request.param}_engine")
    return EngineCase(engine, portrait, again(portrait), insightface_sample("t1.jpg"))
