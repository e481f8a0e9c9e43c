from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys

import pytest

from faces.engines.base import EngineUnavailable
from faces.engines.registry import EngineSpec, create_engine, resolve


@pytest.fixture
def root(tmp_path):
    """A folder of packs in which "installed" looks like one and "empty" doesn't."""
    (tmp_path / "models" / "installed").mkdir(parents=True)
    (tmp_path / "models" / "installed" / "recogniser.onnx").write_bytes(b"")
    (tmp_path / "models" / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("choice", "pack", "name", "reason"),
    [
        pytest.param("auto", "installed", "insightface", "auto: the model pack installed is installed", id="auto, installed"),
        pytest.param("auto", "missing", "dlib", "missing of insightface is not installed", id="auto, missing"),
        pytest.param("auto", "empty", "dlib", "empty of insightface is not installed", id="auto, empty folder"),
        pytest.param("insightface", "installed", "insightface", "by name", id="insightface by name"),
        pytest.param("dlib", "installed", "dlib", "by name", id="dlib by name"),
        pytest.param("fake", "installed", "fake", "by name", id="fake by name"),
    ],
)
def test_a_choice_becomes_an_engine_and_a_reason(root, tmp_path, choice, pack, name, reason):
    spec, why = resolve(choice, insightface_root=root, pack=pack, cache_dir=tmp_path, threads=3)
    assert spec == EngineSpec(name, root, pack, tmp_path, 3)
    assert reason in why


@pytest.mark.parametrize("pack", ["missing", "empty"])
def test_insightface_by_name_without_its_pack_is_an_error(root, tmp_path, pack):
    with pytest.raises(EngineUnavailable, match=f"manage.py models pull {pack}"):
        resolve("insightface", insightface_root=root, pack=pack, cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("choice", "package"),
    [("dlib", "dlib"), ("dlib", "face_recognition_models"), ("auto", "onnxruntime"), ("insightface", "insightface")],
)
def test_a_missing_package_is_an_error(monkeypatch, root, tmp_path, choice, package):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(EngineUnavailable, match=f"{package} .*pip install -r requirements.txt"):
        resolve(choice, insightface_root=root, pack="installed", cache_dir=tmp_path)


def test_another_choice_is_an_error(root, tmp_path):
    with pytest.raises(ValueError, match="'opencv'"):
        resolve("opencv", insightface_root=root, pack="installed", cache_dir=tmp_path)


def test_a_spec_travels_to_the_worker_that_makes_the_engine(root, tmp_path):
    spec, _ = resolve("fake", insightface_root=root, pack="installed", cache_dir=tmp_path)
    assert create_engine(pickle.loads(pickle.dumps(spec))).info.identity == "fake:v1"


def test_resolving_loads_no_vendor(root):
    program = f"""
import pathlib, sys
import faces.quality, faces.similarity
from faces.engines.registry import resolve
root = pathlib.Path({str(root)!r})
for choice in ("auto", "dlib", "insightface", "fake"):
    resolve(choice, insightface_root=root, pack="installed", cache_dir=root)
print(sorted({{"cv2", "dlib", "insightface", "onnx", "onnxruntime", "skimage", "face_recognition_models"}} & set(sys.modules)))
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "[]"
