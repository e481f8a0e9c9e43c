"""Pictures of licence plates, and of other texts, that nobody owns: drawn, tilted, dimmed, blurred and set into a background.

The characters are those of a Noto or other CJK font pressed into the cells of a plate, not the ones that real plates are stamped
with. Figures measured on them compare sizes, kinds and conditions; they don't promise the same on the road.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from analytics.boxes import BoxXYXY
from analytics.plates.templates import CITY_LETTERS
from analytics.plates.types import ImageBGR, PlateKind

_RGB = tuple[int, int, int]
_WHITE: Final = (240, 240, 240)
_BLACK: Final = (25, 25, 25)
_GROUNDS: Final[dict[str, tuple[_RGB, _RGB]]] = {
    "blue": ((20, 60, 160), _WHITE),
    "yellow": ((235, 175, 25), _BLACK),
    "white": ((235, 235, 235), _BLACK),
    "black": ((25, 25, 30), _WHITE),
    "green": ((20, 110, 60), _WHITE),
    "new energy": ((120, 200, 140), _BLACK),
}
_CELL: Final = (45, 90)
_FONT_NAMES: Final = (
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Bold.otf",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
    "simhei.ttf",
)


@dataclass(frozen=True, slots=True)
class Design:
    """One sort of plate: the lines with a sign for each character as in `analytics.plates.templates`, and its looks."""

    name: str
    kind: PlateKind
    lines: tuple[str, ...]
    ground: str


DESIGNS: Final = (
    Design("ordinary, blue", PlateKind.ORDINARY, ("pc·sdddd",), "blue"),
    Design("ordinary, yellow, one line", PlateKind.ORDINARY, ("pc·sdddd",), "yellow"),
    Design("ordinary, yellow, two lines", PlateKind.ORDINARY, ("pc", "sdddd"), "yellow"),
    Design("new energy, small", PlateKind.NEW_ENERGY, ("pc·fsdddd",), "new energy"),
    Design("new energy, large", PlateKind.NEW_ENERGY, ("pc·dddddf",), "new energy"),
    Design("police", PlateKind.POLICE, ("pc·dddd警",), "white"),
    Design("training", PlateKind.TRAINING, ("pc·dddd学",), "yellow"),
    Design("trailer, two lines", PlateKind.TRAILER, ("pc", "dddd挂"), "yellow"),
    Design("Hong Kong", PlateKind.HONG_KONG, ("粤Z·sddd港",), "black"),
    Design("Macau", PlateKind.MACAU, ("粤Z·sddd澳",), "black"),
    Design("embassy", PlateKind.EMBASSY, ("使dddddd",), "black"),
    Design("consulate", PlateKind.CONSULATE, ("pc·dddd领",), "black"),
    Design("military", PlateKind.MILITARY, ("ml·ddddd",), "white"),
    Design("armed police", PlateKind.ARMED_POLICE, ("WJ·pddddd",), "white"),
    Design("temporary", PlateKind.TEMPORARY, ("pc·dddd临",), "white"),
    Design("tractor, two lines", PlateKind.TRACTOR, ("p·dd", "ddddd"), "green"),
    Design("emergency", PlateKind.EMERGENCY, ("pX·dddd应急",), "white"),
    Design("foreign, GB", PlateKind.FOREIGN, ("lldd lll",), "yellow"),
    Design("foreign, FR", PlateKind.FOREIGN, ("ll-ddd-ll",), "white"),
    Design("foreign, HK", PlateKind.FOREIGN, ("ll dddd",), "white"),
)

OTHER_TEXTS: Final = (
    ("FORLAND",), ("18787609746",), ("BEIJING",), ("DONGFENG",), ("ISUZU CXZ",), ("空车拉货", "13912345678"), ("公正 法治",),
    ("24H 便利店",), ("3000KG",), ("限速40",), ("SALE 50%",), ("京东物流",), ("豫章书院",), ("川味火锅",), ("苏宁易购",),
    ("粤港直通",), ("桂林米粉 12元",), ("总质量3000KG",), ("核载 5 人",), ("A座 1203",), ("NO.20240518",), ("2024-05-18",),
    ("12:34:56",), ("CAM 01 2024",), ("TAXI 96106",), ("400-820-8820",), ("浙江万里",), ("MODEL S",), ("4WD TURBO",),
    ("V6 24V",), ("新疆大盘鸡",), ("海军路 88号",), ("学校 慢行",), ("警务站",), ("www.kiosk.cn",), ("BJ1040",),
    ("解放 J6P",), ("CX50",), ("G45 大广高速",), ("B2 出口",),
)  # fmt: skip
"""What stands on lorries, shops, roads and camera pictures and is no plate."""


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A picture and what is in it."""

    image_bgr: ImageBGR = field(repr=False)
    text: str
    """"" where there is no plate."""
    name: str
    width_px: int
    condition: str
    vehicle_xyxy: BoxXYXY


def cjk_font() -> Path | None:
    """A font with the characters of plates; None where the machine has none that is known here."""
    if shutil.which("fc-list") is None:
        return None
    listed = subprocess.run(["fc-list", "--format", "%{file}\n"], capture_output=True, text=True, check=False)
    paths = {Path(line).name: Path(line) for line in listed.stdout.splitlines()}
    return next((paths[name] for name in _FONT_NAMES if name in paths), None)


class PlatePainter:
    """Draws plates; the same seed draws the same ones."""

    def __init__(self, font: Path, backgrounds: Sequence[ImageBGR], seed: int = 0) -> None:
        self._font = ImageFont.truetype(str(font), 80)
        self._backgrounds = backgrounds
        self._random = np.random.default_rng(seed)

    def text_of(self, design: Design) -> tuple[str, ...]:
        """The lines of a plate of this design, made up."""
        province = self._one("".join(CITY_LETTERS))
        signs = {
            "p": lambda: province,
            "c": lambda: self._one(CITY_LETTERS[province]),
            "s": lambda: self._one("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"),
            "d": lambda: self._one("0123456789"),
            "f": lambda: self._one("DFA"),
            "l": lambda: self._one("ABCDEFGHJKLMNPRSTVWXYZ"),
            "m": lambda: self._one("VKHBSLJNGC"),
        }
        return tuple("".join(signs[sign]() if sign in signs else sign for sign in line) for line in design.lines)

    def plate(self, design: Design, width_px: int, condition: str) -> MadeUp:
        """A picture of a vehicle's rear with a plate of so many pixels in width."""
        lines = self.text_of(design)
        text = "".join(character for line in lines for character in line if character.isalnum())
        picture, box = self._scene(self._panel(lines, *_GROUNDS[design.ground]), width_px, condition)
        return MadeUp(picture, text, design.name, width_px, condition, box)

    def other(self, lines: tuple[str, ...], width_px: int, condition: str) -> MadeUp:
        """The same with a text that is no plate, in a plate's or another colour."""
        ground, ink = _GROUNDS[list(_GROUNDS)[int(self._random.integers(len(_GROUNDS)))]]
        picture, box = self._scene(self._panel(lines, ground, ink), width_px, condition)
        return MadeUp(picture, "", " ".join(lines), width_px, condition, box)

    def _one(self, characters: str) -> str:
        return characters[int(self._random.integers(len(characters)))]

    def _panel(self, lines: tuple[str, ...], ground: _RGB, ink: _RGB) -> Image.Image:
        rows = [self._row(line, ground, ink, small=len(lines) > 1 and number == 0) for number, line in enumerate(lines)]
        width = max(row.width for row in rows) + 34
        height = sum(row.height for row in rows) + 25 * (len(rows) + 1)
        panel = Image.new("RGB", (width, height), ground)
        ImageDraw.Draw(panel).rounded_rectangle((4, 4, width - 5, height - 5), 10, outline=ink, width=3)
        top = 25
        for row in rows:
            panel.paste(row, ((width - row.width) // 2, top))
            top += row.height + 25
        return panel

    def _row(self, line: str, ground: _RGB, ink: _RGB, *, small: bool) -> Image.Image:
        width, height = (_CELL[0] * 5 // 4, _CELL[1] * 2 // 3) if small else _CELL
        gap = 12
        advance = [12 if character in "· -" else width for character in line]
        row = Image.new("RGB", (sum(advance) + gap * (len(line) - 1), height), ground)
        left = 0
        for character, step in zip(line, advance, strict=True):
            if character == "·":
                ImageDraw.Draw(row).ellipse((left, height // 2 - 5, left + 10, height // 2 + 5), fill=ink)
            elif character == "-":
                ImageDraw.Draw(row).rectangle((left, height // 2 - 3, left + 11, height // 2 + 3), fill=ink)
            elif character != " ":
                row.paste(self._glyph(character, (width, height), ground, ink), (left, 0))
            left += step + gap
        return row

    def _glyph(self, character: str, size: tuple[int, int], ground: _RGB, ink: _RGB) -> Image.Image:
        box = self._font.getbbox(character)
        glyph = Image.new("RGB", (max(1, int(box[2] - box[0])), max(1, int(box[3] - box[1]))), ground)
        ImageDraw.Draw(glyph).text((-box[0], -box[1]), character, fill=ink, font=self._font)
        if character in "1.:I-":
            # Pressed into a full cell, a stroke would become a block.
            cell = Image.new("RGB", size, ground)
            narrow = glyph.resize(
                (max(8, size[0] // 3), size[1] if character in "1I" else size[1] // 4), Image.Resampling.LANCZOS
            )
            cell.paste(narrow, ((size[0] - narrow.width) // 2, size[1] - narrow.height))
            return cell
        return glyph.resize(size, Image.Resampling.LANCZOS)

    def _scene(self, panel: Image.Image, width_px: int, condition: str) -> tuple[ImageBGR, BoxXYXY]:
        background = self._backgrounds[int(self._random.integers(len(self._backgrounds)))]
        scene = np.asarray(cv2.resize(background, (640, 480), interpolation=cv2.INTER_AREA), np.uint8)
        car_width = min(600, int(width_px * self._random.uniform(2.4, 3.4)))
        car_height = int(car_width * self._random.uniform(0.65, 0.8))
        left = int(self._random.integers(0, 640 - car_width))
        top = int(self._random.integers(0, max(1, 480 - car_height)))
        body = self._random.integers(30, 220, 3).tolist()
        cv2.rectangle(scene, (left, top), (left + car_width, min(479, top + car_height)), body, -1)
        glass = [max(0, value - 60) for value in body]
        inner = (left + car_width // 8, top + car_height // 12), (left + car_width * 7 // 8, top + car_height * 5 // 12)
        cv2.rectangle(scene, *inner, glass, -1)
        centre = (left + car_width / 2, top + car_height * 0.7)
        scene = _pasted(scene, np.asarray(panel)[:, :, ::-1], self._corners(panel, width_px, centre, condition))
        box = (float(left), float(top), float(left + car_width), float(min(480, top + car_height)))
        return self._weathered(scene, width_px, condition), box

    def _corners(self, panel: Image.Image, width_px: int, centre: tuple[float, float], condition: str) -> npt.NDArray[np.float32]:
        height = width_px * panel.height / panel.width
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * np.array([width_px / 2, height / 2], np.float32)
        if condition == "tilted":
            angle = np.deg2rad(self._random.uniform(4, 12)) * self._random.choice([-1, 1])
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
            corners = corners @ turn.T
            corners[1:3, 1] *= np.float32(self._random.uniform(0.75, 0.95))
            corners[:, 0] *= np.float32(self._random.uniform(0.75, 1.0))
        return (corners + np.array(centre, np.float32)).astype(np.float32)

    def _weathered(self, scene: ImageBGR, width_px: int, condition: str) -> ImageBGR:
        seen: npt.NDArray[Any] = scene.astype(np.float32)
        if condition == "night":
            seen = seen * self._random.uniform(0.18, 0.3) + self._random.normal(0, 5, scene.shape)
        elif condition == "hazy":
            seen = seen * 0.4 + 120
        elif condition == "blurred":
            length = max(2, round(width_px * 0.022))
            kernel = np.zeros((length, length), np.float32)
            kernel[length // 2] = 1 / length
            seen = np.asarray(cv2.filter2D(seen, -1, kernel))
        seen = seen + self._random.normal(0, 3, scene.shape)
        _, coded = cv2.imencode(".jpg", np.clip(seen, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _pasted(scene: ImageBGR, panel: ImageBGR, corners: npt.NDArray[np.float32]) -> ImageBGR:
    # Drawn at four times the size and averaged, so that small plates look photographed and not sampled.
    fine = 4
    height, width = scene.shape[:2]
    frame = np.array([[0, 0], [panel.shape[1], 0], [panel.shape[1], panel.shape[0]], [0, panel.shape[0]]], np.float32)
    matrix = cv2.getPerspectiveTransform(frame, corners * fine)
    drawn = cv2.warpPerspective(panel, matrix, (width * fine, height * fine), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(panel.shape[:2], 255, np.uint8), matrix, (width * fine, height * fine))
    drawn = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)[:, :, np.newaxis] / 255
    return np.asarray(scene * (1 - share) + drawn, np.uint8)
