"""Which plates are worth scoring for a query: conditions that every plate within the threshold meets, and few others.

A character of the query is compared, twins counting as the same, with the character of a plate at the same place, moved by
a shift. A plate that is g gaps and k substitutions away agrees with the query everywhere else, at one of the few shifts that the
gaps allow: so the number of agreeing places, added up over these shifts, has a lower bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from analytics.plates.confusions import FOLD
from analytics.plates.search import GAP_COST, LOOKALIKE_COST, PART_SCORE, Query
from analytics.sightings.plate_index.alphabet import LENGTH

_ONE: Final = "?"
_ANY: Final = "*"
_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Condition:
    """At least `need` places agree, added up over the shifts, in a plate of this length."""

    length: int | None
    """None: any."""
    shifts: tuple[int, ...]
    """Place in the plate minus place in the query."""
    need: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A plate that is worth scoring meets one of the conditions at least."""

    literals: tuple[tuple[int, str], ...] = field(repr=False)
    """Place in the query and character, as written; compare folded."""
    conditions: tuple[Condition, ...]
    budget: float
    """The greatest analytics.plates.search.distance that reaches the threshold."""


def plan(query: Query, threshold: float) -> Plan:
    """How to narrow millions of plates down to those that may reach the threshold."""
    if not query.is_plain:
        return _wildcards(query.pattern)
    length = len(query.pattern)
    literals = tuple(enumerate(query.pattern))
    best = PART_SCORE if query.is_part else 1.0
    budget = max(0.0, (1.0 - threshold / best) * length)
    if query.is_part:
        return Plan(literals, _without_implied(_anywhere(length, budget)), budget)
    return Plan(literals, _without_implied(_whole(length, budget)), budget)


def exact_fit(query: Query) -> Plan:
    """The same for what fits without a difference."""
    return plan(query, PART_SCORE if query.is_part else 1.0)


def folded(character: str) -> str:
    return character.translate(FOLD)


def _whole(length: int, budget: float) -> list[Condition]:
    conditions = []
    for missing, excess, left in _gaps(budget):
        other = length - missing + excess
        need = length - missing - _substitutions(left)
        if 1 <= other <= LENGTH:
            conditions.append(Condition(other, tuple(range(-missing, excess + 1)), max(1, need)))
    return conditions


def _anywhere(length: int, budget: float) -> list[Condition]:
    conditions = []
    for missing, excess, left in _gaps(budget):
        need = max(1, length - missing - _substitutions(left))
        for shift in range(-missing, LENGTH - length + missing + 1):
            shifts = tuple(range(shift - missing, shift + excess + 1))
            conditions.append(Condition(None, shifts, need))
    return conditions


def _without_implied(conditions: list[Condition]) -> tuple[Condition, ...]:
    """Without those that only what meets another one can meet."""
    kept: list[Condition] = []
    for condition in sorted(dict.fromkeys(conditions), key=lambda one: (one.need, -len(one.shifts))):
        implied = (
            other.length in {None, condition.length} and other.need <= condition.need and {*condition.shifts} <= {*other.shifts}
            for other in kept
        )
        if not any(implied):
            kept.append(condition)
    return tuple(kept)


def _gaps(budget: float) -> list[tuple[int, int, float]]:
    """(characters that the plate lacks, that it has too many, what is left of the budget for substitutions)."""
    most = math.floor(budget / GAP_COST + _EPSILON)
    return [(missing, gaps - missing, budget - gaps * GAP_COST) for gaps in range(most + 1) for missing in range(gaps + 1)]


def _substitutions(budget: float) -> int:
    """How many characters may differ by more than twins do."""
    return math.floor(budget / LOOKALIKE_COST + _EPSILON)


def _wildcards(pattern: str) -> Plan:
    """By the part between two * that says most; ? agrees with everything."""
    if _ANY not in pattern:
        literals = tuple((place, sign) for place, sign in enumerate(pattern) if sign != _ONE)
        return Plan(literals, (Condition(len(pattern), (0,), len(literals)),), 0.0)
    parts = pattern.split(_ANY)
    number = max(range(len(parts)), key=lambda number: len(parts[number].replace(_ONE, "")))
    literals = tuple((place, sign) for place, sign in enumerate(parts[number]) if sign != _ONE)
    shifts = [0] if number == 0 else range(LENGTH - len(parts[number]) + 1)
    return Plan(literals, tuple(Condition(None, (shift,), len(literals)) for shift in shifts), 0.0)
