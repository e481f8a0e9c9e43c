"""manage.py relay: the events of another box."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Follows the event socket of a box, and records its events as our own, with devices that stand for the box's. "
        "Where the box asks for a token, it is shown KIOSK_RELAY_TOKEN. SIGTERM stops it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="ws://BOX:5679")
        parser.add_argument("--device", action="append", default=[], help="only this device of the box, by its id; repeatable")

    def handle(self, *, url: str, device: list[str], **_options: Any) -> None:
        from analytics.events.relay import Box, Relay
        from kiosk.runtime.audit import acting_client

        parts = urlsplit(url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise CommandError("The address of a box looks like ws://192.168.1.180:5679")
        if parts.username is not None:
            raise CommandError("The address must not hold credentials; a token goes into KIOSK_RELAY_TOKEN")
        relay = Relay(Box(url.rstrip("/"), settings.KIOSK.relay_token.get_secret_value(), tuple(device)))

        def stop(_number: int, _frame: FrameType | None) -> None:
            relay.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        with acting_client("manage.py relay"):
            relay.run()
