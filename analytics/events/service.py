"""The part of a running server that tells clients of events."""

from __future__ import annotations

from analytics.events.erasure import count_overdue, enforce, forget_persons
from analytics.events.feed import stop_feed
from faces.erasure import on_erasure
from kiosk.runtime.retention import Retention, register_retention
from kiosk.runtime.services import Service, register_service


def register() -> None:
    """Stops what follows the events with the server (the first client starts it); has old events and erased persons forgotten."""
    on_erasure(forget_persons)
    register_retention(Retention("events", count_overdue, enforce))
    register_service(Service("events", stop=stop_feed))
