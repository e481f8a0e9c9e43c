from __future__ import annotations

import importlib.util
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faces.engines import dlib_network
from faces.engines.dlib_network import INPUT_NAME, OUTPUT_NAME, UnknownNetwork, convert, network_path

TOLERANCE = 1e-5


def models_folder() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "models"


DAT = models_folder() / "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def onnx_path(dlib_cache: Path) -> Path:
    return network_path(DAT, dlib_cache)


@pytest.fixture(scope="module")
def session(onnx_path: Path):
    import onnxruntime

    return onnxruntime.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def dlibs_own():
    import dlib

    return dlib.face_recognition_model_v1(str(DAT))


@pytest.mark.parametrize(
    "chip",
    [
        pytest.param(np.zeros((150, 150, 3), np.uint8), id="black"),
        pytest.param(np.full((150, 150, 3), 255, np.uint8), id="white"),
        pytest.param(np.random.default_rng(1).integers(0, 256, (150, 150, 3), dtype=np.uint8), id="noise"),
        pytest.param(np.tile(np.linspace(0, 255, 150).astype(np.uint8)[:, np.newaxis, np.newaxis], (1, 150, 3)), id="ramp"),
        pytest.param(np.full((150, 150, 3), (255, 0, 0), np.uint8), id="red"),
        pytest.param(np.full((150, 150, 3), (0, 0, 255), np.uint8), id="blue"),
    ],
)
def test_the_network_computes_what_dlib_computes(session, dlibs_own, chip):
    (descriptors,) = session.run([OUTPUT_NAME], {INPUT_NAME: chip[np.newaxis]})
    np.testing.assert_allclose(descriptors[0], np.array(dlibs_own.compute_face_descriptor(chip)), atol=TOLERANCE)


def test_a_batch_is_computed_chip_by_chip(session):
    chips = np.random.default_rng(2).integers(0, 256, (3, 150, 150, 3), dtype=np.uint8)
    (batch,) = session.run([OUTPUT_NAME], {INPUT_NAME: chips})
    singles = [session.run([OUTPUT_NAME], {INPUT_NAME: chip[np.newaxis]})[0][0] for chip in chips]
    np.testing.assert_allclose(batch, singles, atol=TOLERANCE)


def test_converting_twice_gives_the_same_bytes(onnx_path, tmp_path):
    convert(DAT, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == onnx_path.read_bytes()


def test_what_is_cached_is_not_converted_again(onnx_path, dlib_cache, monkeypatch):
    monkeypatch.setattr(dlib_network, "convert", lambda *_: pytest.fail("converted again"))
    assert network_path(DAT, dlib_cache) == onnx_path


def test_another_converter_version_is_another_file(onnx_path, monkeypatch, tmp_path):
    monkeypatch.setattr(dlib_network, "CONVERTER_VERSION", dlib_network.CONVERTER_VERSION + 1)
    newer = network_path(DAT, tmp_path)
    assert newer.is_file()
    assert newer.name != onnx_path.name


def test_another_source_is_another_file(onnx_path, tmp_path):
    other = tmp_path / "other.dat"
    other.write_bytes(DAT.read_bytes() + b"\0")
    assert network_path(other, tmp_path / "cache").name != onnx_path.name


def test_several_processes_convert_at_once(onnx_path, tmp_path):
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        paths = list(pool.map(network_path, [DAT] * 3, [tmp_path / "new" / "cache"] * 3))
    assert len(set(paths)) == 1
    assert [path.name for path in (tmp_path / "new" / "cache").iterdir()] == [onnx_path.name]
    assert paths[0].read_bytes() == onnx_path.read_bytes()


def test_a_failed_write_leaves_nothing(monkeypatch, tmp_path):
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        convert(DAT, tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


def _first_half() -> bytes:
    source = DAT.read_bytes()
    return source[: len(source) // 2]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"no network at all", id="text"),
        pytest.param(_first_half, id="cut in the middle of a tensor"),
        pytest.param(lambda: DAT.read_bytes()[:22_334_900], id="without its last layer"),
        pytest.param(lambda: DAT.read_bytes().replace(b"\x01\x05con_4\x01\x02", b"\x01\x05con_4\x01\x01", 1), id="older tensor"),
        pytest.param(lambda: DAT.read_bytes().replace(b"\x01\x05con_4", b"\x01\x05con_9", 1), id="unknown layer"),
        pytest.param(lambda: DAT.read_bytes().replace(b"\x01\x05relu_", b"\x01\x05prelu", 1), id="one ReLU less"),
        pytest.param((models_folder() / "mmod_human_face_detector.dat").read_bytes, id="dlib's detector"),
        pytest.param((models_folder() / "shape_predictor_5_face_landmarks.dat").read_bytes, id="dlib's landmarks"),
    ],
)
def test_another_network_is_refused(source, tmp_path):
    (tmp_path / "source.dat").write_bytes(source())
    with pytest.raises(UnknownNetwork):
        convert(tmp_path / "source.dat", tmp_path / "network.onnx")
    assert not (tmp_path / "network.onnx").exists()
