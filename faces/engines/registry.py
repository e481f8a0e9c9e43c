"""Which face engine runs: a choice becomes an EngineSpec in any process, and an EngineSpec becomes an engine in a worker."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faces.engines.base import EngineUnavailable, FaceEngine
from faces.engines.insightface_engine import is_installed, pack_folder

EngineName = Literal["dlib", "insightface", "fake"]

_PACKAGES: dict[EngineName, tuple[str, ...]] = {
    "dlib": ("dlib", "face_recognition_models", "onnxruntime", "onnx"),
    "insightface": ("insightface", "onnxruntime"),
    "fake": (),
}


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What it takes to make the engine in another process; can be pickled."""

    name: EngineName
    insightface_root: Path
    """Packs lie in its folder "models"."""
    pack: str
    cache_dir: Path
    """Where the dlib engine keeps its converted network; made where it is missing."""
    threads: int = 1
    """Of one engine; there are as many engines as workers."""


def resolve(
    choice: Literal["auto", "dlib", "insightface", "fake"],
    *,
    insightface_root: Path,
    pack: str,
    cache_dir: Path,
    threads: int = 1,
) -> tuple[EngineSpec, str]:
    """The engine to run and, for the log and the status page, why. Loads no vendor.

    "auto" is insightface where its pack is installed, else dlib. Raises EngineUnavailable where a package or the pack that the
    choice needs is missing, and ValueError for another choice.
    """
    name: EngineName
    match choice:
        case "auto" if is_installed(insightface_root, pack):
            name, reason = "insightface", f"auto: the model pack {pack} is installed"
        case "auto":
            name, reason = "dlib", f"auto: the model pack {pack} of insightface is not installed in {insightface_root}"
        case "insightface" if not is_installed(insightface_root, pack):
            folder = pack_folder(insightface_root, pack)
            raise EngineUnavailable(f"no model pack in {folder}: install it with `manage.py models pull {pack}`")
        case "dlib" | "insightface" | "fake":
            name, reason = choice, "chosen by name"
        case _:
            raise ValueError(f"no face engine is called {choice!r}: auto, dlib, insightface and fake are")
    for package in _PACKAGES[name]:
        if importlib.util.find_spec(package) is None:
            raise EngineUnavailable(
                f"the Python package {package} of the {name} engine is missing: `pip install -r requirements.txt`"
            )
    return EngineSpec(name, insightface_root, pack, cache_dir, threads), reason


def create_engine(spec: EngineSpec) -> FaceEngine:
    """The engine, its models loaded. Raises EngineUnavailable where they can't be."""
    match spec.name:
        case "dlib":
            from faces.engines.dlib_engine import DlibEngine

            return DlibEngine(spec.cache_dir, spec.threads)
        case "insightface":
            from faces.engines.insightface_engine import InsightFaceEngine

            return InsightFaceEngine(spec.insightface_root, spec.pack, spec.threads)
        case "fake":
            from faces.engines.fake import FakeEngine

            return FakeEngine()
