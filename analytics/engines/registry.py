"""Which detector runs: a choice becomes a DetectorSpec in any process, and a DetectorSpec becomes a detector in a worker."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from analytics.engines.base import Detector, DetectorUnavailable
from analytics.engines.hybrid import HybridDetector
from analytics.engines.motion import MotionDetector
from analytics.engines.yolox import YoloxDetector

DetectorName = Literal["motion", "yolox", "hybrid"]
DetectorChoice = Literal["auto", "motion", "yolox", "hybrid"]

_PACKAGES: dict[DetectorName, tuple[str, ...]] = {
    "motion": ("cv2",),
    "yolox": ("cv2", "onnxruntime"),
    "hybrid": ("cv2", "onnxruntime"),
}
_PACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,42}")


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What it takes to make the detector in another process; can be pickled."""

    name: DetectorName
    model: Path | None = None
    """The ONNX file, where the detector has one."""
    threads: int = 0
    """Of the network; 0 is one a core."""


def resolve(choice: DetectorChoice, *, detection_root: Path, pack: str, threads: int = 0) -> tuple[DetectorSpec, str]:
    """The detector to run and, for the log and the status page, why. Loads no vendor.

    "auto" is hybrid where the pack is installed in a folder of its name below `detection_root`, else motion. Raises
    DetectorUnavailable where a package or the pack that the choice needs is missing, and ValueError for another choice.
    """
    model = find_model(detection_root, pack)
    name: DetectorName
    match choice:
        case "auto" if model is not None:
            name, reason = "hybrid", f"auto: the model pack {pack} is installed"
        case "auto":
            name, reason = "motion", f"auto: the model pack {pack} is not installed in {detection_root}"
        case "yolox" | "hybrid" if model is None:
            raise DetectorUnavailable(f"no model pack in {detection_root / pack}: install it with `manage.py models pull {pack}`")
        case "motion" | "yolox" | "hybrid":
            name, reason = choice, "chosen by name"
        case _:
            raise ValueError(f"no detector is called {choice!r}: auto, motion, yolox and hybrid are")
    for package in _PACKAGES[name]:
        if importlib.util.find_spec(package) is None:
            raise DetectorUnavailable(
                f"the Python package {package} of the {name} detector is missing: `pip install -r requirements.txt`"
            )
    return DetectorSpec(name, None if name == "motion" else model, threads), reason


def find_model(detection_root: Path, pack: str) -> Path | None:
    """The pack's ONNX file, the first by name; None where there is none. Raises DetectorUnavailable for an impossible name."""
    if not _PACK_NAME.fullmatch(pack):
        raise DetectorUnavailable(f"{pack!r} is no name of a model pack: letters, digits, '.', '_' and '-', at most 43")
    return min((detection_root / pack).glob("*.onnx"), default=None)


def create_detector(spec: DetectorSpec) -> Detector:
    """The detector, its model loaded. Raises DetectorUnavailable where it can't be."""
    match spec.name:
        case "motion":
            return MotionDetector()
        case "yolox":
            return _yolox(spec)
        case "hybrid":
            return HybridDetector(_yolox(spec), MotionDetector())


def _yolox(spec: DetectorSpec) -> YoloxDetector:
    if spec.model is None:
        raise DetectorUnavailable(f"the {spec.name} detector needs a model")
    return YoloxDetector(spec.model, spec.threads)
