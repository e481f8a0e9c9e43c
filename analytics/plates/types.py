"""What the plates library passes around: frozen values. A plate leads to a person: no repr shows its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.boxes import BoxXYXY

ImageBGR: TypeAlias = npt.NDArray[np.uint8]
"""height x width x 3, uint8, BGR, upright."""

Quad: TypeAlias = npt.NDArray[np.float32]
"""(4, 2) x, y in pixels: top left, top right, bottom right, bottom left, as one reads."""


UNREAD: Final = "〓"
"""Stands for a character that was seen but not read; the printers' own sign for it."""


class PlateKind(StrEnum):
    """What a plate is for. Values are stored; labels for people belong to whoever shows them."""

    ORDINARY = "ordinary"
    NEW_ENERGY = "new_energy"
    POLICE = "police"
    TRAINING = "training"
    TRAILER = "trailer"
    HONG_KONG = "hong_kong"
    """粤Z….港: a vehicle of Hong Kong that may drive on the mainland."""
    MACAU = "macau"
    EMBASSY = "embassy"
    CONSULATE = "consulate"
    MILITARY = "military"
    ARMED_POLICE = "armed_police"
    TEMPORARY = "temporary"
    """临, and the likewise temporary 试 (test drive) and 超 (oversize)."""
    TRACTOR = "tractor"
    EMERGENCY = "emergency"
    FOREIGN = "foreign"
    """Any plate that is not a mainland one, those of Hong Kong, Macau and Taiwan themselves included."""


class PlateColour(StrEnum):
    """The colour of a plate's ground."""

    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    WHITE = "white"
    BLACK = "black"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReadCharacter:
    """One character as a text recogniser saw it."""

    text: str = field(repr=False)
    score: float = 1.0
    """The recogniser's probability of `text`, 0 to 1."""
    alternatives: Mapping[str, float] = field(default_factory=dict, repr=False)
    """What else it may be, with probabilities; may be empty."""


@dataclass(frozen=True, slots=True)
class Plate:
    """One way to read a text as a licence plate."""

    text: str = field(repr=False)
    """Without separators, capitals, simplified characters: "苏BD00111"."""
    kind: PlateKind
    province: str
    """The province's character, or "" where the kind has none."""
    score: float
    """0 to 1: how likely every character is right, lessened for what is unusual."""
    char_scores: tuple[float, ...] = ()
    """One for each character of `text`, 0 to 1."""

    @property
    def is_distinctive(self) -> bool:
        """Whether the text alone says that it is a plate. A foreign one, like "AB1234", may as well be a lorry's model."""
        return self.kind is not PlateKind.FOREIGN and not self.text.isascii()


@dataclass(frozen=True, slots=True)
class PlateReading:
    """One plate found in a picture."""

    bbox_xyxy: BoxXYXY
    """In pixels of the whole picture, clipped to it."""
    quad: Quad = field(repr=False)
    """The corners in the same pixels; of a plate with two lines, around both."""
    plate: Plate
    colour: PlateColour
    confidence: float
    """0 to 1: the grammar's score, lessened where the colour contradicts the kind."""
    sharpness: float
    """0 to 1, see `voting.sharpness`."""
    region: int | None = None
    """Which of the regions given to the reader it was found in."""

    @property
    def text(self) -> str:
        return self.plate.text

    @property
    def kind(self) -> PlateKind:
        return self.plate.kind

    @property
    def width_px(self) -> float:
        return self.bbox_xyxy[2] - self.bbox_xyxy[0]
