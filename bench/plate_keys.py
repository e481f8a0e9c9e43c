"""Made-up plates as a hall's cameras see them: most of one city, a third of new energy; and what somebody misremembers of one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from analytics.sightings.plate_index.base import PlateEntry

SERIALS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_CITIES = "ABCDEFGH"
_HOME = "苏D"
_HOME_SHARE = 0.6
_NEW_ENERGY_SHARE = 0.3
_AT_ONCE = 100_000


def make_keys(count: int, seed: int = 1) -> Iterator[str]:
    """The same plates for the same numbers."""
    numbers = np.random.default_rng(seed)
    regions = [province + city for province in _PROVINCES for city in _CITIES]
    for start in range(0, count, _AT_ONCE):
        some = min(_AT_ONCE, count - start)
        away = numbers.integers(0, len(regions), some)
        home = numbers.random(some) < _HOME_SHARE
        electric = numbers.random(some) < _NEW_ENERGY_SHARE
        serials = numbers.integers(0, len(SERIALS), (some, 6)).tolist()
        for index, serial in enumerate(serials):
            region = _HOME if home[index] else regions[away[index]]
            text = "".join(SERIALS[number] for number in serial)
            # Of new energy: D or F, a letter or digit, four digits or letters; else five.
            yield f"{region}{'DF'[serial[0] % 2]}{text[1:]}" if electric[index] else region + text[:5]


def entries(count: int) -> Iterator[PlateEntry]:
    return (PlateEntry(number, key) for number, key in enumerate(make_keys(count), 1))


def misread(chance: random.Random, key: str) -> str:
    """With one or two characters of the serial read wrongly, or one left out."""
    signs = list(key)
    for _ in range(chance.randint(1, 2)):
        signs[chance.randrange(2, len(signs))] = chance.choice(SERIALS)
    if chance.random() < 0.2:
        del signs[chance.randrange(2, len(signs))]
    return "".join(signs)
