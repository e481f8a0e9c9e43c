"""Everyday Chinese of a service hall, read from lexicon.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).resolve().parent / "lexicon.toml"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The file's tables; what each is for stands there."""

    rewrite: dict[str, str]
    english: dict[str, str]
    function_words: tuple[str, ...]
    concepts: dict[str, tuple[str, ...]]
    small_talk: tuple[str, ...]
    elsewhere: tuple[str, ...]


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return Lexicon(
        rewrite=tables["rewrite"],
        english=tables["english"],
        function_words=tuple(tables["function_words"]["words"]),
        concepts={name: tuple(words) for name, words in tables["concepts"].items()},
        small_talk=tuple(tables["small_talk"]["phrases"]),
        elsewhere=tuple(tables["elsewhere"]["phrases"]),
    )
