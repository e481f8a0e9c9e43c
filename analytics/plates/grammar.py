"""Reads a text as a licence plate: which kind, which characters, how likely.

    parse("苏 B·D00111") -> [Plate("苏BD00111", new energy, province 苏, …), …]

Pure and quick: each shape is laid on each place of a text of bounded length, and each slot is decided once. There is no search
and no regular expression that could explode.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import Final, NamedTuple

from analytics.plates.confusions import confusable_with
from analytics.plates.templates import ALPHABET, CITY_LETTERS, FOREIGN_TEMPLATES, MAINLAND_TEMPLATES, Template
from analytics.plates.types import UNREAD, Plate, PlateKind, ReadCharacter

MAX_CHARACTERS: Final = 48
"""A longer text is no plate, nor a line with one: what comes after is not looked at."""
_MAX_READ: Final = 4 * MAX_CHARACTERS
"""Separators counted."""
MIN_SCORE: Final = 0.02
"""Readings below are not returned."""

_MAX_REPLACED: Final = 3
_MAX_REPLACED_WEAK: Final = 1
_USUAL_LETTERS: Final = 2
_MORE_LETTERS_FACTOR: Final = 0.5
"""For each letter beyond the two that GA 36 allows in a serial; some cities have given out three."""
_UNKNOWN_CITY_FACTOR: Final = 0.5
_O_CITY_FACTOR: Final = 0.2
_STRAY_GAP_FACTOR: Final = 0.93
_FRAME_FACTOR: Final = 0.6
"""For one stroke too many at an end: a plate's frame or screw read as a character."""
_TEXT_BEFORE_FACTOR: Final = 0.9
_TEXT_AFTER_FACTOR: Final = 0.6
"""For Chinese without a gap: "车牌苏D561GM" is usual, a character after the serial rather the rest of another kind."""
_EXCESS_FACTOR: Final = 0.4
_REPLACED_POWER: Final = 0.7
_GENERAL_TEXT_POWER: Final = 0.3
"""How much of a slot's lost probability counts once the shape has ruled out what was read there: little where that is a
character no plate has, which a recogniser of general text likes better than a province's."""
_IMPLIED_SCORE: Final = 0.7
_FRAME_STROKES: Final = frozenset("1ILJT7")
_CYRILLIC: Final = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")
_LITERAL: Final = "="


class _Character(NamedTuple):
    read: ReadCharacter
    gap_before: bool


class _Slot(NamedTuple):
    text: str
    score: float
    replaced: bool


def normalise(text: str) -> str:
    """A plate's text as it is stored and compared: full width and lower case made plain, everything that separates dropped."""
    return "".join(character.read.text for character in _plain(map(ReadCharacter, text)))


def parse(
    text: str,
    char_scores: Sequence[float] | None = None,
    alternatives: Sequence[Mapping[str, float]] | None = None,
    *,
    foreign: bool = True,
) -> list[Plate]:
    """The ways to read `text` as a plate, the likeliest first; empty where there is none.

    A mainland plate may stand inside a longer text, set off by separators or Chinese; a foreign one, and any other that nothing
    but letters and digits make up, has to be the whole text. `char_scores` and `alternatives` have one entry for each
    character of `text`, separators included; ValueError where their length differs.
    """
    for name, given in (("char_scores", char_scores), ("alternatives", alternatives)):
        if given is not None and len(given) != len(text):
            raise ValueError(f"{name} has {len(given)} entries for a text of {len(text)} characters")
    scores = repeat(1.0) if char_scores is None else char_scores
    others: Iterable[Mapping[str, float]] = repeat({}) if alternatives is None else alternatives
    return parse_characters(map(ReadCharacter, text, scores, others), foreign=foreign)


def parse_characters(read: Iterable[ReadCharacter], *, foreign: bool = True) -> list[Plate]:
    """`parse` for what a recogniser read, character by character."""
    characters = _plain(read)
    best: dict[tuple[str, PlateKind], Plate] = {}
    templates = MAINLAND_TEMPLATES + FOREIGN_TEMPLATES if foreign else MAINLAND_TEMPLATES
    for template in templates:
        for start in range(len(characters) - len(template) + 1):
            plate = _fit(template, characters, start)
            if plate is None or plate.score < MIN_SCORE:
                continue
            known = best.get((plate.text, plate.kind))
            if known is None or known.score < plate.score:
                best[plate.text, plate.kind] = plate
    return sorted(best.values(), key=lambda plate: (-plate.score, -len(plate.text), plate.text))


def _plain(read: Iterable[ReadCharacter]) -> list[_Character]:
    """Letters, digits and Chinese as the templates write them; whatever else was read separates."""
    found: list[_Character] = []
    gap = False
    for character in islice(read, _MAX_READ):
        for plain in unicodedata.normalize("NFKC", character.text).upper().translate(_CYRILLIC):
            if not plain.isalnum() and plain != UNREAD:
                gap = True
                continue
            tidy = ReadCharacter(plain, _probability(character.score), character.alternatives)
            found.append(_Character(tidy, gap and bool(found)))
            gap = False
            if len(found) == MAX_CHARACTERS:
                return found
    return found


def _probability(score: float) -> float:
    return min(1.0, max(0.0, float(score))) if math.isfinite(score) else 0.0


def _fit(template: Template, characters: Sequence[_Character], start: int) -> Plate | None:
    window = characters[start : start + len(template)]
    factor = _surroundings(template, characters, start) * _gaps(template, window)
    if factor < MIN_SCORE:
        return None
    slots = [_Slot(character, _IMPLIED_SCORE, replaced=True) for character in template.implied]
    province = template.implied
    for index, (allowed, sign) in enumerate(zip(template.slots, template.classes, strict=True)):
        priors = _city_priors(province) if sign == "c" else None
        slot = _decide(window[index].read, allowed, priors)
        if slot is None:
            return None
        if sign == "p":
            province = slot.text
        slots.append(slot)
    plate_text = "".join(slot.text for slot in slots)
    if not _few_replaced(slots, weak=plate_text.isascii() or template.kind is PlateKind.FOREIGN):
        return None
    serial_slots = slots[len(template.implied) :]
    factor *= _serial_factor(template, serial_slots) * _city_factor(template, serial_slots, province)
    score = factor * math.prod(slot.score for slot in slots)
    if template.kind in {PlateKind.HONG_KONG, PlateKind.MACAU}:
        province = "粤"
    return Plate(plate_text, template.kind, province, score, tuple(slot.score for slot in slots))


def _few_replaced(slots: Sequence[_Slot], *, weak: bool) -> bool:
    """Whether enough stands as it was read. Of a weak shape only a digit may be mended: with letters, any number would fit."""
    replaced = [slot.text for slot in slots if slot.replaced]
    if weak:
        return len(replaced) <= _MAX_REPLACED_WEAK and all(text.isdigit() for text in replaced)
    return len(replaced) <= _MAX_REPLACED


def _surroundings(template: Template, characters: Sequence[_Character], start: int) -> float:
    """How far what stands before and after the window speaks against it, as a factor; 0 where it forbids it."""
    end = start + len(template)
    if not _distinctive(template):
        return 1.0 if start == 0 and end == len(characters) else 0.0
    before = _attached_before(characters, start)
    after = _attached_after(characters, end)
    factor = 1.0
    for strays, text_factor in ((before, _TEXT_BEFORE_FACTOR), (after, _TEXT_AFTER_FACTOR)):
        if len(strays) > 1 and strays.isascii():
            return 0.0
        if strays.isascii():
            factor *= 1.0 if not strays else _FRAME_FACTOR if strays in _FRAME_STROKES else _EXCESS_FACTOR
        else:
            factor *= _TEXT_BEFORE_FACTOR if strays == UNREAD else text_factor
    return factor


def _distinctive(template: Template) -> bool:
    return any(
        sign == _LITERAL and not min(slot).isascii() for sign, slot in zip(template.classes, template.slots, strict=True)
    ) or (template.has_province or "o" in template.classes)


def _attached_before(characters: Sequence[_Character], start: int) -> str:
    """What stands before the window without a gap: the nearest two characters at most, and nothing beyond a change of script."""
    strays = ""
    index = start
    while index > 0 and len(strays) < 2 and not characters[index].gap_before:  # noqa: PLR2004
        index -= 1
        strays = characters[index].read.text + strays
    return strays[-1:] if strays and not strays.isascii() else strays


def _attached_after(characters: Sequence[_Character], end: int) -> str:
    strays = ""
    for character in characters[end : end + 2]:
        if character.gap_before:
            break
        strays += character.read.text
    return strays[:1] if strays and not strays.isascii() else strays


def _gaps(template: Template, window: Sequence[_Character]) -> float:
    """A factor for separators where the shape has none; 0 where those that it can't do without are missing."""
    found = {index for index, character in enumerate(window) if index and character.gap_before}
    if template.needs_gaps and not template.gaps <= found:
        return 0.0
    return math.pow(_STRAY_GAP_FACTOR, len(found - template.gaps))


def _decide(read: ReadCharacter, allowed: frozenset[str], priors: Mapping[str, float] | None) -> _Slot | None:
    """The likeliest of the characters that may stand in a slot, given what was read there; None where nothing fits."""
    prior = 1.0 if priors is None else priors.get(read.text, _UNKNOWN_CITY_FACTOR)
    if read.text in allowed and prior == 1.0:
        return _Slot(read.text, read.score, replaced=False)
    weights = {other: probability for other, probability in read.alternatives.items() if other in allowed}
    for other, cost in confusable_with(read.text):
        if other in allowed:
            weights[other] = max(weights.get(other, 0.0), read.score * math.exp(-cost))
    if read.text in allowed:
        weights[read.text] = max(weights.get(read.text, 0.0), read.score)
    if priors is not None:
        weights = {other: weight * priors.get(other, _UNKNOWN_CITY_FACTOR) for other, weight in weights.items()}
    total = sum(weights.values())
    if total <= 0.0:
        return None
    chosen = max(sorted(weights), key=lambda other: weights[other])
    if chosen == read.text:
        return _Slot(chosen, read.score, replaced=False)
    power = _REPLACED_POWER if read.text.isascii() or read.text in ALPHABET else _GENERAL_TEXT_POWER
    return _Slot(chosen, weights[chosen] / total * math.pow(min(1.0, total), power), replaced=True)


def _city_priors(province: str) -> Mapping[str, float]:
    known = CITY_LETTERS.get(province)
    if known is None:
        return {}
    return {"O": _O_CITY_FACTOR, **dict.fromkeys(known, 1.0)}


def _city_factor(template: Template, slots: Sequence[_Slot], province: str) -> float:
    index = template.classes.find("c")
    if index < 0 or not province:
        return 1.0
    return _city_priors(province).get(slots[index].text, _UNKNOWN_CITY_FACTOR)


def _serial_factor(template: Template, slots: Sequence[_Slot]) -> float:
    serial = [slot.text for slot, sign in zip(slots, template.classes, strict=True) if sign == "s"]
    letters = sum(character.isalpha() for character in serial)
    if serial and letters == len(serial) and len(serial) > 1:
        return 0.0
    return math.pow(_MORE_LETTERS_FACTOR, max(0, letters - _USUAL_LETTERS))
