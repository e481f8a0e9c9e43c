"""The service catalogue as the built-in understanding has learnt it, kept in step with the database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from django.db.models import Count, Max

from flows.catalogue import ServiceEntry
from flows.models import ServiceItem
from flows.understanding.evidence import Matcher
from flows.understanding.retrieval import ServiceWords
from kiosk.runtime.memory import give_back

CHECK_SECONDS = 0.5
"""How long a look at the catalogue's version is good for. With the time a build takes, an edit is used within a second."""

logger = logging.getLogger(__name__)

Version = tuple[object, ...]


class Source(Protocol):
    """Where the words come from."""

    def version(self) -> Version:
        """Changes with every edit; cheap."""

    def services(self) -> list[ServiceWords]:
        """What is offered now."""


class DatabaseSource:
    """The enabled service items."""

    def version(self) -> Version:
        found = ServiceItem.objects.enabled().aggregate(Count("pk"), Max("updated_at"), Max("pk"))
        return tuple(found.values())

    def services(self) -> list[ServiceWords]:
        return services_of(ServiceItem.objects.enabled().order_by("order", "code"))


def services_of(items: Iterable[ServiceItem | ServiceEntry]) -> list[ServiceWords]:
    """How citizens call the items, in their order."""
    return [ServiceWords(item.code, item.name, tuple(item.aliases), tuple(item.examples)) for item in items]


@dataclass(slots=True)
class LearntCatalogue:
    """The matcher for what the source says now. Nothing is read or built before the first call of matcher()."""

    source: Source = field(default_factory=DatabaseSource)
    clock: Callable[[], float] = time.monotonic
    _matcher: Matcher | None = None
    _version: Version | None = None
    _checked: float = float("-inf")
    _building: threading.Lock = field(default_factory=threading.Lock)

    def matcher(self) -> Matcher:
        """The matcher; builds it where the catalogue has changed. Meanwhile other threads go on with the last one."""
        current = self._matcher
        if current is not None and self.clock() - self._checked < CHECK_SECONDS:
            return current
        if self._building.acquire(blocking=current is None):
            try:
                return self._checked_matcher()
            finally:
                self._building.release()
        assert current is not None, "acquire() waits where there is none"
        return current

    def _checked_matcher(self) -> Matcher:
        now = self.clock()
        if self._matcher is not None and now - self._checked < CHECK_SECONDS:
            return self._matcher
        version = self.source.version()
        if self._matcher is None or version != self._version:
            started = time.perf_counter()
            services = self.source.services()
            self._matcher = Matcher(services)
            self._version = version
            give_back()
            logger.info("Learnt %d services of the catalogue in %.2f s", len(services), time.perf_counter() - started)
        self._checked = now
        return self._matcher
