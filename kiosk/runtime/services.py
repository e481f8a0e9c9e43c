"""What has to run beside the listeners: each app registers its own part, `manage.py serve` starts and stops them all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)


class WrongConfiguration(Exception):
    """A part can't run as it is configured; the message is one line that names the setting and the mend."""


@dataclass(frozen=True, slots=True)
class Service:
    """One part. All three are called from the main thread and return soon; long work goes on in the part's own threads."""

    name: str
    verify: Callable[[], None]
    """Raises WrongConfiguration; called before any port is opened."""
    start: Callable[[], None]
    stop: Callable[[], None]


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


def stop_services() -> None:
    """Stops every part, the last first; one that fails does not keep the others from stopping."""
    for service in reversed(_services.values()):
        try:
            service.stop()
        except Exception:
            logger.exception("%s did not stop cleanly", service.name)
