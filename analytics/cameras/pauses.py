"""How long to wait before a broken camera is tried again."""

from __future__ import annotations

import random
from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0
JITTER: Final = 0.25
"""A share of the pause by which it varies, so that twenty cameras of one switch don't come back in the same moment."""


def pause_seconds(failures: int, chance: float | None = None) -> float:
    """The pause after so many failures in a row: doubled each time up to a minute, a quarter more or less by `chance`, 0 to 1."""
    base: float = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    roll = random.random() if chance is None else chance  # noqa: S311 - no secret
    return base * (1 + JITTER * (2 * roll - 1))
