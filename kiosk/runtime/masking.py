"""How personal data is shown to those who may not see it whole."""

from __future__ import annotations

_KEPT_WHOLE_NAME = 2
_SHORT = 4


def mask_name(name: str) -> str:
    """张三 becomes 张*, 欧阳娜娜 becomes 欧**娜: first and last character stay, a name of two keeps the first."""
    if len(name) <= _KEPT_WHOLE_NAME:
        return name[:1] + "*" * max(0, len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """T001 becomes T**1, a long one keeps two characters at each end, one of up to two characters none."""
    if len(number) <= _KEPT_WHOLE_NAME:
        return "*" * len(number)
    kept = 1 if len(number) <= _SHORT else 2
    return number[:kept] + "*" * (len(number) - 2 * kept) + number[-kept:]


def mask_all(_value: str) -> str:
    """For the audit log, which says that a value changed, not what it was."""
    return "***"
