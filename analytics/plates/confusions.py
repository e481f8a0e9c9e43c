"""Which characters of a plate are taken for which others, and what a mix-up costs.

Costs are in nats: a cost of c says that the mix-up is exp(-c) times as likely as a right reading.
They rank readings and search results; no probability is claimed to be exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import chain, combinations
from typing import Final

_TWINS: Final = (
    (0.05, ("0O", "1I")),
    (0.6, ("0D",)),
    (0.7, ("0OQD", "1IL", "8B", "2Z", "5S", "6G")),
    (1.2, ("CG", "UV", "VY", "MN", "EF", "PR", "PF", "7T", "4A", "17", "7Z", "38", "HN", "KX")),
)
"""Cost and groups of Latin letters and digits that look alike, the nearest first: a pair costs what its first group says."""

_LOOKALIKES: Final = {
    "京": "亰亨宗", "津": "律肆", "沪": "滬护泸炉", "渝": "榆喻俞愉", "冀": "翼", "豫": "像橡預", "云": "雲去", "辽": "遼江过",
    "黑": "里墨熏", "湘": "相", "皖": "院", "鲁": "魯曾鱼", "新": "斩薪", "苏": "蘇办芬劳", "浙": "淅折", "赣": "贛戆",
    "鄂": "鄠郭", "桂": "佳柱挂", "甘": "廿", "晋": "晉普", "蒙": "象豪", "陕": "陝峡狭", "吉": "古告言", "闽": "閩闵闻",
    "贵": "貴责费", "粤": "粵奥噢", "青": "清育责", "藏": "蔵臧", "川": "圳州", "宁": "寧守字", "琼": "瓊凉惊",
    "警": "誓擎", "学": "學字孝", "挂": "掛桂佳柱拄", "港": "巷洪", "澳": "奥噢", "领": "領令", "使": "便史", "临": "臨监",
    "试": "試", "超": "起", "应": "應", "急": "怠", "军": "軍", "海": "悔", "沈": "沉", "兰": "蘭", "济": "濟挤", "广": "廣",
}  # fmt: skip
"""What a recogniser of general Chinese writes instead of a plate's character: traditional forms and lookalikes."""

_LOOKALIKE_COST: Final = 0.7
NEVER: Final = float("inf")


def confusion_cost(one: str, other: str) -> float:
    """What it costs to take one character for the other, the same both ways: 0 for the same one, NEVER for unlike ones."""
    if one == other:
        return 0.0
    return _costs().get((one, other), NEVER)


def confusable_with(read: str) -> Iterable[tuple[str, float]]:
    """The characters of plates that `read` may have been, with their costs."""
    return _neighbours().get(read, ())


FOLD: Final = str.maketrans("OQDILBZSG", "000118256")
"""Twins folded onto one digit. Keys that are compared after `text.translate(FOLD)` forgive the commonest mix-ups."""


@cache
def _costs() -> dict[tuple[str, str], float]:
    costs: dict[tuple[str, str], float] = {}
    for cost, groups in _TWINS:
        for one, other in chain.from_iterable(combinations(group, 2) for group in groups):
            costs.setdefault((one, other), cost)
            costs.setdefault((other, one), cost)
    for right, wrong in _LOOKALIKES.items():
        for look in wrong:
            costs.setdefault((look, right), _LOOKALIKE_COST)
            costs.setdefault((right, look), _LOOKALIKE_COST)
    return costs


@cache
def _neighbours() -> dict[str, tuple[tuple[str, float], ...]]:
    neighbours: dict[str, list[tuple[str, float]]] = {}
    for (one, other), cost in _costs().items():
        neighbours.setdefault(one, []).append((other, cost))
    return {one: tuple(others) for one, others in neighbours.items()}
