from __future__ import annotations

import importlib.util
import socket
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from analytics.plates import ocr
from analytics.plates.ocr import PlateReaderUnavailable, PlateReadingFailed, TextNetworks, model_folder


def written(text, width=420):
    image = np.full((90, width, 3), 235, np.uint8)
    cv2.putText(image, text, (20, 62), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 4)
    return image


def test_the_models_of_the_wheel_are_used_without_any_connection(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    networks = TextNetworks(threads=1)
    (line,) = networks.recognise([written("HELLO 123")])
    assert line.text.replace(" ", "").startswith("HELLO123")


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_what_was_asked_for_and_do_not_spin(threads):
    networks = TextNetworks(threads)
    for network in (networks._detector, networks._recogniser):
        options = network.session.session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_thread_is_refused(threads):
    with pytest.raises(ValueError, match="threads"):
        TextNetworks(threads)


def test_a_wheel_without_models_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    with pytest.raises(PlateReaderUnavailable, match=ocr.DETECTOR_FILE):
        model_folder()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(PlateReaderUnavailable, match="not installed"):
        TextNetworks()


def test_a_broken_model_is_named(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    for name in (ocr.DETECTOR_FILE, ocr.RECOGNISER_FILE):
        (tmp_path / "models" / name).write_bytes(b"not a model")
    monkeypatch.setattr(ocr, "model_folder", lambda: tmp_path / "models")
    with pytest.raises(PlateReaderUnavailable, match=ocr.DETECTOR_FILE):
        TextNetworks()


def test_lines_come_back_in_the_order_they_were_given(reader):
    words = ["ALPHA", "7", "LONGER TEXT 42", "B2", "GAMMA RAY", "12345", "DELTA", "KILO", "ZERO 9", "OMEGA"]
    lines = reader._networks.recognise([written(word, 90 + 42 * len(word)) for word in words])
    assert [line.text.replace(" ", "").replace("〓", "") for line in lines] == [word.replace(" ", "") for word in words]


def test_each_character_has_a_score_and_its_alternatives_are_of_plates(reader):
    (line,) = reader._networks.recognise([cv2.GaussianBlur(written("AB08Z"), (0, 0), 5)])
    assert all(0.0 <= character.score <= 1.0 for character in line.characters)
    others = [other for character in line.characters for other in character.alternatives]
    assert others
    assert set(others) <= ocr.ALPHABET


def test_no_lines_nothing_read(reader):
    assert reader._networks.recognise([]) == []
    assert reader._networks.detect(np.full((64, 64, 3), 128, np.uint8)) == []


def test_a_vendors_error_is_told_as_ours(reader, monkeypatch):
    from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

    def fail(_batch):
        raise ONNXRuntimeError("vendor")

    for network in (reader._networks._recogniser, reader._networks._detector):
        monkeypatch.setattr(network, "session", fail)
    with pytest.raises(PlateReadingFailed, match="recognition"):
        reader._networks.recognise([written("A")])
    with pytest.raises(PlateReadingFailed, match="detection"):
        reader._networks.detect(written("A"))


def test_room_at_an_end_is_marked_as_something_not_read(reader):
    image = written("AB1234", 420)
    (width, _), _ = cv2.getTextSize("AB1234", cv2.FONT_HERSHEY_SIMPLEX, 1.6, 4)
    (whole,) = reader._networks.recognise([np.ascontiguousarray(image[:, : width + 30])])
    (open_end,) = reader._networks.recognise([image])
    assert whole.text == "AB1234"
    assert open_end.text == "AB1234〓"
