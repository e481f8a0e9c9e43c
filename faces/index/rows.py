"""The rows of the embedded index, column by column, in memory or mapped from files; each row carries a check of all it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from faces.index.quantise import SIGN_BYTES, Codes, Factors, Signs, Slots

Ids = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

ROWS_AT_ONCE = 8192
"""What goes over all rows takes so many at a time."""

_CHECK_SEED = 20250601
_TABLE_BITS = 20


class Column(NamedTuple):
    """One file's worth of rows."""

    name: str
    dtype: np.dtype[np.generic]
    width: int
    """How many numbers a row has; with 1, the column is one-dimensional."""

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * self.width


def columns(width: int) -> tuple[Column, ...]:
    """The columns of codes of this width. The checks are the last: what is written in this order is sealed by them."""
    return (
        Column("codes", np.dtype(np.int8), width),
        Column("signs", np.dtype(np.uint8), SIGN_BYTES),
        Column("factors", np.dtype("<f4"), 2),
        Column("samples", np.dtype("<i8"), 1),
        Column("persons", np.dtype("<i8"), 1),
        Column("checks", np.dtype("<u8"), 1),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rows:
    """Rows by slot. A free slot is all zeros; a row that is whole has the check that its other columns give, never zero."""

    codes: Codes
    signs: Signs
    factors: Factors
    samples: Ids
    persons: Ids
    checks: Words

    def __len__(self) -> int:
        return len(self.checks)

    def __getitem__(self, part: slice) -> Self:
        return type(self)(*(getattr(self, name)[part] for name in _NAMES))

    def copy(self, slots: Slots) -> Self:
        """The rows at `slots`, out of reach of whoever writes them."""
        return type(self)(*(getattr(self, name).take(slots, axis=0) for name in _NAMES))

    def sealed(self) -> Self:
        """The same rows with the checks they should have."""
        return replace(self, checks=_checks(self))

    def intact(self) -> npt.NDArray[np.bool_]:
        """Which rows are whole: neither free, nor torn by a write that goes on or never ended, nor damaged."""
        whole: npt.NDArray[np.bool_] = (self.checks != 0) & (self.checks == _checks(self))
        return whole

    def blank(self) -> npt.NDArray[np.bool_]:
        """Which rows are zero in every column."""
        used = np.zeros(len(self), np.bool_)
        for name in _NAMES:
            values = getattr(self, name)
            used |= values.any(axis=1) if values.ndim > 1 else values != 0
        return ~used

    def taken(self, slots: Slots) -> Slots:
        """Those of the slots that are not free."""
        kept: Slots = slots[self.checks[slots] != 0]
        return kept

    def all_taken(self) -> Slots:
        return np.flatnonzero(self.checks)


_NAMES = tuple(field.name for field in fields(Rows))


def blocks(count: int) -> Iterator[slice]:
    """Slices that together cover `count` rows."""
    return (slice(start, min(start + ROWS_AT_ONCE, count)) for start in range(0, count, ROWS_AT_ONCE))


def slots_where(column: Ids, ids: Ids) -> Slots:
    """The slots whose number in the column is one of `ids`, free slots not excepted, in order."""
    if not len(ids):
        return np.empty(0, np.intp)
    mask = (1 << _TABLE_BITS) - 1
    table = np.zeros(mask + 1, np.bool_)
    table[ids & mask] = True
    found = [part.start + np.flatnonzero(table[column[part] & mask]) for part in blocks(len(column))]
    maybe = np.concatenate(found) if found else np.empty(0, np.intp)
    return maybe[np.isin(column[maybe], ids)]


def digest(checks: Words) -> int:
    """One number for many rows, whatever their order; digests add up, modulo 2**64."""
    return int(checks.sum(dtype=np.uint64))


def _checks(rows: Rows) -> Words:
    total = np.zeros(len(rows), np.uint64)
    if not len(rows):
        return total
    multipliers = _multipliers(rows.codes.shape[1])
    start = 0
    for values in (rows.codes, rows.signs, rows.factors, rows.samples, rows.persons):
        words = np.ascontiguousarray(values).view(np.uint64).reshape(len(rows), -1)
        total += np.einsum("ij,j->i", words, multipliers[start : start + words.shape[1]])
        start += words.shape[1]
    total ^= total >> np.uint64(32)
    return total | np.uint64(1)


@cache
def _multipliers(width: int) -> Words:
    """One for each word of a row but its check; odd, so that no change of a single word is lost."""
    words = sum(column.row_bytes for column in columns(width)) // 8 - 1
    # random_raw, because its numbers are the same in every version of numpy.
    return np.random.PCG64(_CHECK_SEED).random_raw(words) | np.uint64(1)
