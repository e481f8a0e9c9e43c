"""How Chinese characters are read: pypinyin, without its dictionary of phrases.

The dictionary takes 45 MB of the server's memory and keeps every thread from running for a fifth of a second while it is loaded.
It tells the reading of characters with several ones by the words around them, which is of no use here: what is compared by
sound may have been written with any characters.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType


@cache
def pinyin() -> ModuleType:
    """The module pypinyin, loaded at the first use."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # its only way to be told; read once, when it is imported
    import pypinyin

    return pypinyin
