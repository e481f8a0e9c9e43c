from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.plates.reader import RapidPlateReader
from bench.made_up_plates import PlatePainter, cjk_font


@pytest.fixture(scope="package")
def reader():
    return RapidPlateReader(threads=2)


@pytest.fixture
def painter():
    font = cjk_font()
    if font is None:
        pytest.skip("needs a CJK font (for example fonts-noto-cjk), which is not here")
    rough = np.random.default_rng(1).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return PlatePainter(font, [cv2.resize(rough, (640, 480), interpolation=cv2.INTER_CUBIC)], seed=21)
