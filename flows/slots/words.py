"""The words of words.toml."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any


@functools.cache
def _file() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def listed(name: str) -> tuple[str, ...]:
    """A list of words, in its order."""
    return tuple(_spelt(word) for word in _file()["lists"][name].split())


def values_by_word(table: str) -> dict[str, str]:
    """{"佛教": "佛教", "信佛": "佛教", …}: every word of a table, its values included, and what it stands for."""
    return {_spelt(word): value for value, words in _file()[table].items() for word in (value, *words.split())}


def words_by_value(table: str) -> dict[str, tuple[str, ...]]:
    """{"张": ("弓长", …)}"""
    return {value: tuple(_spelt(word) for word in words.split()) for value, words in _file()[table].items()}


def _spelt(word: str) -> str:
    return word.replace("_", " ")
