"""The built-in understanding over the shipped catalogue, learnt once for all tests that only ask it."""

from __future__ import annotations

from datetime import date

import pytest

from bench.understanding import builtin_for, shipped_services
from flows.understanding.builtin import BuiltIn


@pytest.fixture(scope="session")
def shipped() -> BuiltIn:
    return builtin_for(shipped_services())


@pytest.fixture
def today() -> date:
    return date(2026, 7, 1)
