"""Many readings of one plate become one text; and which frames of a track are worth reading at all.

A track shows the same plate again and again, mostly too small or blurred. `BestFrames` keeps the few best pictures while the
video goes by; the readings of those are put together by `vote`, character by character, so that two frames that are each wrong in
another place still give the right text.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np

from analytics.plates.grammar import parse
from analytics.plates.types import ImageBGR, Plate, PlateKind

T = TypeVar("T")

_FULL_WIDTH_PX: Final = 120.0
"""A plate this wide or wider is as readable as it gets."""
_SHARP: Final = 0.6
"""Brings a crisp plate of 200 pixels to about 0.8, one that is blurred beyond reading to 0.1."""
_PLATE_HEIGHT_PX, _VEHICLE_HEIGHT_PX = 48, 192
_STABLE_READINGS: Final = 2
_STABLE_CONFIDENCE: Final = 0.9
_MAX_SCORE: Final = 0.995
"""No single character of a single frame is certain."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One frame's reading of a track's plate."""

    plate: Plate
    confidence: float
    sharpness: float = 1.0
    width_px: float = _FULL_WIDTH_PX

    @property
    def weight(self) -> float:
        """How much it counts: confidence, times what sharpness and size make of it."""
        size = min(1.0, max(0.0, self.width_px) / _FULL_WIDTH_PX)
        sharp = min(1.0, max(0.0, self.sharpness))
        return max(0.0, self.confidence) * (0.2 + 0.8 * size) * (0.3 + 0.7 * sharp)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the frames of a track agree on."""

    text: str = field(repr=False)
    kind: PlateKind
    province: str
    confidence: float
    """0 to 1; grows with every frame that says the same, falls with those that say otherwise."""
    agreeing: int
    """How many readings have exactly this text."""
    readings: int

    @property
    def is_stable(self) -> bool:
        """Whether another frame will hardly change it: time to stop reading this track."""
        return self.agreeing >= _STABLE_READINGS and self.confidence >= _STABLE_CONFIDENCE


def vote(ballots: Sequence[Ballot]) -> Verdict | None:
    """The plate that the readings of one track speak for; None without any.

    The readings are aligned to the one most like all others, each character is decided by weight, and the result has to be a
    plate by the grammar; where it is not, the whole text with the most weight wins.
    """
    counted = [ballot for ballot in ballots if ballot.weight > 0 and ballot.plate.text]
    if not counted:
        return None
    text, scores = _by_character(counted)
    plate = next((plate for plate in parse(text) if plate.text == text), None)
    if plate is None:
        plate = _heaviest(counted)
        scores = _column_scores(counted, plate.text)
    elif (heaviest := _heaviest(counted)).text == plate.text:
        plate = heaviest  # with the kind that the frames saw: its colour may have told
    agreeing = sum(ballot.plate.text == plate.text for ballot in counted)
    return Verdict(plate.text, plate.kind, plate.province, math.prod(scores), agreeing, len(counted))


def _heaviest(ballots: Sequence[Ballot]) -> Plate:
    weights: dict[str, float] = {}
    for ballot in ballots:
        weights[ballot.plate.text] = weights.get(ballot.plate.text, 0.0) + ballot.weight
    text = max(weights, key=lambda each: (weights[each], each))
    return max((ballot for ballot in ballots if ballot.plate.text == text), key=lambda ballot: ballot.weight).plate


@dataclass(slots=True)
class _Column:
    """What the readings have in one place: "" where one has nothing there."""

    weights: dict[str, float] = field(default_factory=dict)
    doubts: dict[str, float] = field(default_factory=dict)
    """The probability that all readings of a character are wrong, as if each frame erred on its own."""

    def add(self, text: str, score: float, weight: float) -> None:
        self.weights[text] = self.weights.get(text, 0.0) + weight * score
        self.doubts[text] = self.doubts.get(text, 1.0) * (1.0 - min(_MAX_SCORE, score))

    def winner(self) -> str:
        return max(self.weights, key=lambda each: (self.weights[each], each))

    def score(self, text: str) -> float:
        total = sum(self.weights.values())
        return self.weights.get(text, 0.0) / total * (1.0 - self.doubts.get(text, 1.0)) if total > 0 else 0.0


def _by_character(ballots: Sequence[Ballot]) -> tuple[str, list[float]]:
    columns = _columns(ballots, _pivot(ballots))
    winners = [(column.winner(), column) for column in columns]
    return "".join(text for text, _ in winners), [column.score(text) for text, column in winners if text]


def _column_scores(ballots: Sequence[Ballot], text: str) -> list[float]:
    columns = _columns(ballots, text)
    return [column.score(character) for character, column in zip(text, columns[1::2], strict=True)]


def _pivot(ballots: Sequence[Ballot]) -> str:
    from rapidfuzz.distance import Levenshtein

    texts = sorted({ballot.plate.text for ballot in ballots})

    def strangeness(text: str) -> float:
        return sum(ballot.weight * Levenshtein.distance(text, ballot.plate.text) for ballot in ballots)

    return min(texts, key=lambda text: (strangeness(text), text))


def _columns(ballots: Sequence[Ballot], pivot: str) -> list[_Column]:
    """For each character of the pivot a column, with one for insertions before each and one at the end: 2n + 1."""
    from rapidfuzz.distance import Levenshtein

    columns = [_Column() for _ in range(2 * len(pivot) + 1)]
    for ballot in ballots:
        text = ballot.plate.text
        scores = ballot.plate.char_scores
        if len(scores) != len(text):
            scores = (ballot.plate.score,) * len(text)
        placed = [("", ballot.confidence)] * len(columns)
        for block in Levenshtein.opcodes(pivot, text):
            theirs = slice(block.dest_start, block.dest_end)
            if block.tag == "insert":
                placed[2 * block.src_start] = (text[theirs], min(scores[theirs]))
            elif block.tag != "delete":
                placed[2 * block.src_start + 1 : 2 * block.src_end : 2] = zip(text[theirs], scores[theirs], strict=True)
        for column, (character, score) in zip(columns, placed, strict=True):
            column.add(character, score, ballot.weight)
    return columns


def sharpness(image_bgr: ImageBGR, height_px: int = _PLATE_HEIGHT_PX) -> float:
    """0 (blurred, or nothing in it) to 1 (crisp): how fast brightness changes, beside how much it changes at all.

    Seen at one height, so that large and small pictures of one plate compare.
    """
    import cv2

    height, width = image_bgr.shape[:2]
    if height < 4 or width < 4:  # noqa: PLR2004
        return 0.0
    scale = height_px / height
    size = (max(8, min(1024, round(width * scale))), height_px)
    seen = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)
    spread = float(np.std(grey))
    if spread < 2:  # noqa: PLR2004
        return 0.0
    rough = float(np.std(cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F)))
    return min(1.0, _SHARP * rough / spread)


def frame_quality(vehicle_bgr: ImageBGR, *, touches_edge: bool = False) -> float:
    """How much a picture of a vehicle promises to a reader: its size times its sharpness, half where the frame cuts it."""
    height, width = vehicle_bgr.shape[:2]
    return math.sqrt(height * width) * (0.2 + 0.8 * sharpness(vehicle_bgr, _VEHICLE_HEIGHT_PX)) * (0.5 if touches_edge else 1.0)


class BestFrames(Generic[T]):
    """The few best frames of one track, kept while it is under way: memory stays flat however long a vehicle is in view.

    Frames nearer to each other than `apart_ms` show the same; of those only the best is kept.
    """

    def __init__(self, limit: int = 5, apart_ms: int = 200) -> None:
        if limit < 1 or apart_ms < 0:
            raise ValueError(f"limit must be at least 1 and apart_ms not negative, not {limit} and {apart_ms}")
        self._limit = limit
        self._apart_ms = apart_ms
        self._kept: list[tuple[float, int, int, T]] = []
        self._tie = itertools.count()

    def __len__(self) -> int:
        return len(self._kept)

    def wants(self, time_ms: int, quality: float) -> bool:
        """Whether a frame would be kept: ask before cropping it."""
        if not math.isfinite(quality) or quality <= 0:
            return False
        near = [kept for kept in self._kept if abs(kept[2] - time_ms) < self._apart_ms]
        if near:
            return all(quality > kept[0] for kept in near)
        return len(self._kept) < self._limit or quality > self._kept[0][0]

    def offer(self, time_ms: int, quality: float, frame: T) -> bool:
        """Keeps the frame if it is among the best; says whether."""
        if not self.wants(time_ms, quality):
            return False
        self._kept = [kept for kept in self._kept if abs(kept[2] - time_ms) >= self._apart_ms]
        heapq.heapify(self._kept)
        heapq.heappush(self._kept, (quality, -next(self._tie), time_ms, frame))
        if len(self._kept) > self._limit:
            heapq.heappop(self._kept)
        return True

    def best_first(self) -> list[tuple[int, T]]:
        """Time and frame, the most promising first: read until the verdict is stable."""
        return [(time_ms, frame) for _, _, time_ms, frame in sorted(self._kept, key=lambda kept: (-kept[0], kept[2]))]
