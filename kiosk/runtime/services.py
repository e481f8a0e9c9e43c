"""What has to run beside the listeners: each app registers its own part, `manage.py serve` starts and stops them all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)


class WrongConfiguration(Exception):
    """A part can't run as it is configured; the message is one line that names the setting and the mend."""


def _nothing() -> None:
    """What a part does at a moment that does not concern it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One part. All are called from the main thread, in this order."""

    name: str
    verify: Callable[[], None] = _nothing
    """Raises WrongConfiguration; called before any port is opened. Returns soon, as start and stop do."""
    start: Callable[[], None] = _nothing
    """Long work goes on in the part's own threads and processes."""
    prepare: Callable[[], None] = _nothing
    """Imports and learns what would hold the interpreter, and so the event loop, for long; called before anything is served."""
    stop: Callable[[], None] = _nothing


_services: dict[str, Service] = {}


def register_service(service: Service) -> None:
    """To be called from an app's ready(); registering the same name again replaces it."""
    _services[service.name] = service


def verify_services() -> None:
    """Raises WrongConfiguration for the first part that can't run."""
    for service in _services.values():
        service.verify()


def start_services() -> None:
    """Starts every part."""
    for service in _services.values():
        service.start()


def prepare_services() -> None:
    """Has every part load what it needs in this process; their own processes start meanwhile."""
    for service in _services.values():
        service.prepare()


def stop_services() -> None:
    """Stops every part, the last first; one that fails does not keep the others from stopping."""
    for service in reversed(_services.values()):
        try:
            service.stop()
        except Exception:
            logger.exception("%s did not stop cleanly", service.name)
