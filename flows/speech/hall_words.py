"""The hall's own words, from the service catalogue: a vocabulary for the recogniser, and texts that hold nothing personal.

Read anew whenever an item was added, changed, enabled, disabled or deleted; one small query tells.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

_State = tuple[int, int, datetime | None]
"""Number of enabled items, the sum of their keys, the latest change."""


@dataclass(frozen=True, slots=True)
class HallWords:
    """One state of the catalogue."""

    vocabulary: tuple[str, ...] = ()
    """Names of the services in the order in which they are shown, then their other names; each once."""
    texts: frozenset[str] = field(default=frozenset(), repr=False)
    """Everything that is said of the services, word for word."""


_lock = threading.Lock()
_known: tuple[_State, HallWords] | None = None


def hall_words() -> HallWords:
    """The words of the enabled services. Raises django.db.DatabaseError."""
    global _known  # noqa: PLW0603 - a cache of the process
    state = _state()
    with _lock:
        if _known is None or _known[0] != state:
            _known = state, _read()
        return _known[1]


def _state() -> _State:
    from django.db.models import Count, Max, Sum

    from flows.models import ServiceItem

    found = ServiceItem.objects.enabled().aggregate(count=Count("pk"), keys=Sum("pk"), latest=Max("updated_at"))
    return found["count"], found["keys"] or 0, found["latest"]


def _read() -> HallWords:
    from flows.models import ServiceItem

    items = list(ServiceItem.objects.enabled())
    names = [item.name for item in items]
    aliases = [alias for item in items for alias in item.aliases]
    texts: set[str] = set()
    for item in items:
        texts |= {item.name, item.guidance, item.department, item.fee, item.time_limit, *item.aliases, *item.materials}
    return HallWords(tuple(dict.fromkeys([*names, *aliases])), frozenset(text.strip() for text in texts))
