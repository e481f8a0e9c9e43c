"""RapidOCR's text detector and text recogniser, run on the PP-OCR models inside its wheel.

RapidOCR's own front door downloads what it misses and hides what else a character may be. Here its two networks are given open
sessions on the files of the wheel, so that nothing can be downloaded, threads are bounded, and the recogniser's second thoughts
reach the grammar.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from analytics.plates.templates import ALPHABET
from analytics.plates.types import UNREAD, ImageBGR, Quad, ReadCharacter
from faces.engines.onnx_session import onnxruntime_errors, session_options

DETECTOR_FILE: Final = "PP-OCRv6_det_small.onnx"
RECOGNISER_FILE: Final = "PP-OCRv6_rec_small.onnx"

_LINE_HEIGHT: Final = 48
_NARROWEST: Final = 160
"""Pixels: the least width of the recogniser's input, a plate's at the line's height."""
_BATCH: Final = 8
_WIDER: Final = 1.25
"""How much wider than the narrowest line of a batch the others may be."""
_STEP: Final = 8
"""Pixels of the input for each step of the recogniser's output."""
_ROOM: Final = 1.6
_MIN_PLACES: Final = 4
_MIN_ALTERNATIVE: Final = 1e-3
_MIN_FAINT: Final = 0.02


class PlateReaderUnavailable(Exception):
    """The reader can't run here; the message says what is missing and how to mend it."""


class PlateReadingFailed(Exception):
    """RapidOCR or onnxruntime raised; the cause is chained."""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What the recogniser read in one picture of a line."""

    characters: tuple[ReadCharacter, ...] = field(repr=False)

    @property
    def text(self) -> str:
        return "".join(character.text for character in self.characters)


class TextNetworks:
    """The two networks. Used by one thread at a time."""

    def __init__(self, threads: int = 1) -> None:
        """Loads both models, each for `threads` threads. Raises PlateReaderUnavailable."""
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        folder = model_folder()
        try:
            from omegaconf import OmegaConf
            from rapidocr.ch_ppocr_det import TextDetector
            from rapidocr.ch_ppocr_rec import TextRecognizer
            from rapidocr.utils.log import logger
            from rapidocr.utils.typings import EngineType
        except ImportError as error:
            raise PlateReaderUnavailable(f"RapidOCR can't be imported ({error.name}): pip install -r requirements.txt") from error
        logger.setLevel("ERROR")
        common = {"engine_type": EngineType.ONNXRUNTIME, "lang_type": "ch", "font_path": None}
        flags = {"allow_objects": True}
        detector = {
            "limit_side_len": 32,  # with "min": pictures come at the size they are to be searched at
            "limit_type": "min",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "unclip_ratio": 1.6,
            "session": _session(folder / DETECTOR_FILE, threads),
        }
        recogniser = {
            "rec_batch_num": _BATCH,
            "rec_img_shape": [3, _LINE_HEIGHT, _NARROWEST],
            "session": _session(folder / RECOGNISER_FILE, threads),
        }
        self._detector = TextDetector(cast("dict[str, Any]", OmegaConf.create(common | detector, flags=flags)))
        self._recogniser = TextRecognizer(cast("dict[str, Any]", OmegaConf.create(common | recogniser, flags=flags)))
        self._characters: list[str] = self._recogniser.postprocess_op.character
        self._plate_indices = np.array([index for index, text in enumerate(self._characters) if text in ALPHABET])

    def detect(self, image_bgr: ImageBGR) -> list[Quad]:
        """The lines of text in a picture, in its pixels, searched at the size it has. Raises PlateReadingFailed."""
        try:
            found = self._detector(image_bgr)
        except _vendor_errors() as error:
            raise PlateReadingFailed("text detection failed") from error
        return [] if found.boxes is None else [np.asarray(box, np.float32) for box in found.boxes]

    def recognise(self, lines_bgr: Sequence[ImageBGR]) -> list[ReadLine]:
        """What stands in each picture of one line, in their order. Raises PlateReadingFailed."""
        read: dict[int, ReadLine] = {}
        for batch in _batches([max(_NARROWEST, _LINE_HEIGHT * line.shape[1] / line.shape[0]) for line in lines_bgr]):
            probabilities = self._probabilities([lines_bgr[index] for index in batch])
            for index, steps in zip(batch, probabilities, strict=True):
                height, width = lines_bgr[index].shape[:2]
                read[index] = self._decode(steps, _LINE_HEIGHT * width / height / _STEP)
        return [read[index] for index in range(len(lines_bgr))]

    def _probabilities(self, lines_bgr: Sequence[ImageBGR]) -> npt.NDArray[np.float32]:
        widest = max(line.shape[1] / line.shape[0] for line in lines_bgr)
        ratio = max(widest, _NARROWEST / _LINE_HEIGHT)
        try:
            batch = np.stack([self._recogniser.resize_norm_img(line, ratio) for line in lines_bgr])
            return np.asarray(self._recogniser.session(batch.astype(np.float32)), np.float32)
        except _vendor_errors() as error:
            raise PlateReadingFailed("text recognition failed") from error

    def _decode(self, steps: npt.NDArray[np.float32], length: float) -> ReadLine:
        """CTC's best path, with what a plate could have in each character's place; of the steps `length` show the line."""
        best = steps.argmax(axis=1)
        characters: list[ReadCharacter] = []
        places: list[int] = []
        starts = np.flatnonzero(np.diff(best, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(best)], strict=True):
            run = steps[start:end]
            likely = run[:, self._plate_indices].max(axis=0)
            alternatives = {
                self._characters[self._plate_indices[place]]: float(likely[place])
                for place in np.flatnonzero(likely > _MIN_ALTERNATIVE)
                if self._plate_indices[place] != best[start]
            }
            if best[start] == 0:
                if start == 0 or end == len(best):
                    characters += _faint(alternatives)
                continue
            places.append(int(start))
            score = float(run[:, best[start]].max())
            characters.append(ReadCharacter(self._characters[best[start]], score, alternatives))
        if _leaves_room(places) and characters[0].text != UNREAD:
            characters.insert(0, ReadCharacter(UNREAD, 0.0))
        if _leaves_room([round(length) - 1 - place for place in reversed(places)]) and characters[-1].text != UNREAD:
            characters.append(ReadCharacter(UNREAD, 0.0))
        return ReadLine(tuple(characters))


def _batches(widths_px: Sequence[float]) -> Iterator[list[int]]:
    """Lines of nearly one width together: each is as dear as the widest beside it."""
    batch: list[int] = []
    for index in sorted(range(len(widths_px)), key=lambda index: widths_px[index]):
        if batch and (len(batch) == _BATCH or widths_px[index] > _WIDER * widths_px[batch[0]]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _leaves_room(places: Sequence[int]) -> bool:
    """Whether more than a character's place is free before the first of some characters, given where each stands."""
    if len(places) < _MIN_PLACES:
        return False
    return places[0] > _ROOM * (places[-1] - places[0]) / (len(places) - 1)


def _faint(alternatives: dict[str, float]) -> list[ReadCharacter]:
    """A character at a line's end that is rather nothing, but perhaps one of a plate's Chinese ones: those blur first."""
    chinese = {text: score for text, score in alternatives.items() if not text.isascii() and score >= _MIN_FAINT}
    return [ReadCharacter(UNREAD, 0.0, chinese)] if chinese else []


def model_folder() -> Path:
    """Where RapidOCR's wheel keeps its models. Raises PlateReaderUnavailable, naming the file that is missing."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise PlateReaderUnavailable("RapidOCR is not installed: pip install -r requirements.txt")
    folder = Path(spec.origin).parent / "models"
    for name in (DETECTOR_FILE, RECOGNISER_FILE):
        if not (folder / name).is_file():
            raise PlateReaderUnavailable(
                f"the installed RapidOCR has no {name} in its wheel: install the version that requirements.txt names"
            )
    return folder


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(path), session_options(threads), providers=["CPUExecutionProvider"])
    except onnxruntime_errors() as error:
        raise PlateReaderUnavailable(f"{path.name} can't be loaded: reinstall rapidocr") from error


def _vendor_errors() -> tuple[type[Exception], ...]:
    import cv2
    from rapidocr.ch_ppocr_det.utils import ResizeImgError
    from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

    return (ONNXRuntimeError, ResizeImgError, cv2.error, *onnxruntime_errors())
