from __future__ import annotations

import hashlib
import socket
from dataclasses import replace

import cv2
import numpy as np
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as native

from faces.engines.base import DetectionFailed, EmbeddingFailed, EngineUnavailable
from faces.engines.insightface_engine import InsightFaceEngine, is_installed
from faces.types import Metric
from tests.media import blank, face_photo, insightface_models, insightface_sample, skimage_sample


@pytest.fixture
def pack_copy(tmp_path):
    """A root whose pack "broken" the test may spoil."""
    root, pack = insightface_models()
    folder = tmp_path / "models" / "broken"
    folder.mkdir(parents=True)
    for path in (root / "models" / pack).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path, folder


@pytest.mark.filterwarnings("ignore:.estimate. is deprecated:FutureWarning")
def test_embeddings_are_those_of_face_analysis(insightface_engine):
    from insightface.app import FaceAnalysis

    root, pack = insightface_models()
    analysis = FaceAnalysis(name=pack, root=str(root), providers=["CPUExecutionProvider"])
    analysis.prepare(ctx_id=-1)
    picture = insightface_sample("t1.jpg")
    theirs = sorted(analysis.get(picture[..., ::-1].copy()), key=lambda face: face.bbox[0])
    ours = sorted(insightface_engine.detect(picture), key=lambda face: face.bbox_xyxy[0])
    assert len(ours) == len(theirs) == 6
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.bbox_xyxy, other.bbox, atol=1e-3)
        np.testing.assert_allclose(mine.landmarks, other.kps, atol=1e-3)
        np.testing.assert_allclose(insightface_engine.embed(picture, mine), other.normed_embedding, atol=1e-5)


def test_the_identity_names_pack_and_weights(insightface_engine):
    root, pack = insightface_models()
    weights = (root / "models" / pack / "mobilefacenet.onnx").read_bytes()
    info = insightface_engine.info
    assert info.identity == f"insightface:{pack}@{hashlib.sha256(weights).hexdigest()[:8]}"
    assert (info.dimension, info.metric) == (128, Metric.COSINE)


def test_both_models_keep_to_their_threads():
    root, pack = insightface_models()
    engine = InsightFaceEngine(root, pack, threads=2)
    sessions = (engine._detector.session, engine._recogniser.session)
    assert [session.get_session_options().intra_op_num_threads for session in sessions] == [2, 2]
    assert [session.get_providers() for session in sessions] == [["CPUExecutionProvider"]] * 2


@pytest.mark.parametrize("files", [pytest.param(None, id="no folder"), pytest.param([], id="empty folder")])
def test_a_missing_pack_is_named_with_the_command_and_not_downloaded(tmp_path, monkeypatch, files):
    def no_network(*_args, **_kwargs):
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    if files is not None:
        (tmp_path / "models" / "buffalo_l").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EngineUnavailable, match=r"manage.py models pull buffalo_l"):
        InsightFaceEngine(tmp_path, "buffalo_l")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_that_name_in_the_current_directory_is_not_taken(tmp_path, monkeypatch):
    root, pack = insightface_models()
    (tmp_path / pack).mkdir()
    monkeypatch.chdir(tmp_path)
    assert InsightFaceEngine(root, pack).info.name == "insightface"


@pytest.mark.parametrize("pack", ["", ".", "..", "../models", "a/b", "/etc", "name with spaces", "x" * 44, "包"])
def test_an_impossible_pack_name_is_refused(tmp_path, pack):
    with pytest.raises(EngineUnavailable, match="no name of a model pack"):
        is_installed(tmp_path, pack)
    with pytest.raises(EngineUnavailable, match="no name of a model pack"):
        InsightFaceEngine(tmp_path, pack)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda folder: (folder / "mobilefacenet.onnx").write_bytes(b"garbage"), id="garbage"),
        pytest.param(lambda folder: (folder / "mobilefacenet.onnx").unlink(), id="no recogniser"),
        pytest.param(lambda folder: (folder / "det_500m.onnx").unlink(), id="no detector"),
        pytest.param(lambda folder: (folder / "det_500m.onnx").write_bytes(b""), id="empty file"),
    ],
)
def test_a_broken_pack_is_named_with_the_command(pack_copy, spoil):
    root, folder = pack_copy
    spoil(folder)
    with pytest.raises(EngineUnavailable, match=r"can't be loaded.*manage.py models verify broken"):
        InsightFaceEngine(root, "broken")


def test_a_detector_without_landmarks_is_refused(pack_copy):
    """SCRFD without its three outputs of landmarks: six outputs in place of nine."""
    import onnx

    root, folder = pack_copy
    model = onnx.load(folder / "det_500m.onnx")
    del model.graph.output[6:]
    onnx.save(model, folder / "det_500m.onnx")
    with pytest.raises(EngineUnavailable, match="gives no landmarks"):
        InsightFaceEngine(root, "broken")


@pytest.mark.parametrize(
    "landmarks",
    [
        pytest.param(np.full((5, 2), 100, np.float32), id="one point"),
        pytest.param(np.stack([np.arange(5), np.full(5, 100)], axis=1).astype(np.float32), id="one row"),
    ],
)
def test_landmarks_that_align_nothing_fail(insightface_engine, landmarks):
    picture = skimage_sample("astronaut.png")
    face = insightface_engine.detect(picture)[0]
    with pytest.raises(EmbeddingFailed, match="can't be aligned"):
        insightface_engine.embed(picture, replace(face, landmarks=landmarks))


class Broken:
    """A vendor's model that raises, whatever is asked of it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def detect(self, *_args):
        raise self.error

    get = detect


class Silent:
    """A recogniser whose network has nothing to say."""

    def get(self, *_args):
        return np.zeros(128, np.float32)


VENDOR_ERRORS = [
    pytest.param(Broken(RuntimeError("out of memory")), id="RuntimeError"),
    pytest.param(Broken(cv2.error("assertion failed")), id="OpenCV's"),
    pytest.param(Broken(np.linalg.LinAlgError("SVD did not converge")), id="NumPy's"),
    pytest.param(Broken(native.Fail("non-zero status code")), id="onnxruntime's"),
]


@pytest.mark.parametrize("model", VENDOR_ERRORS)
def test_errors_of_the_detector_become_detection_failed(insightface_engine, monkeypatch, model):
    monkeypatch.setattr(insightface_engine, "_detector", model)
    with pytest.raises(DetectionFailed):
        insightface_engine.detect(blank())


@pytest.mark.parametrize("model", [*VENDOR_ERRORS, pytest.param(Silent(), id="all zero")])
def test_errors_of_the_recogniser_become_embedding_failed(insightface_engine, monkeypatch, model):
    picture = skimage_sample("astronaut.png")
    face = insightface_engine.detect(picture)[0]
    monkeypatch.setattr(insightface_engine, "_recogniser", model)
    with pytest.raises(EmbeddingFailed):
        insightface_engine.embed(picture, face)


def test_known_photos_are_told_apart_with_room(insightface_engine):
    def embedding(name: str) -> np.ndarray:
        photo = face_photo(name)
        return insightface_engine.embed(photo, insightface_engine.detect(photo)[0])

    obama = [embedding(name) for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    biden = [embedding(name) for name in ("biden.jpg", "biden2.jpg")]
    same = [obama[0] @ obama[1], obama[0] @ obama[2], obama[1] @ obama[2], biden[0] @ biden[1]]
    assert min(same) > 0.5
    assert max(a @ b for a in obama for b in biden) < 0.3
