"""manage.py serve: every listener in one Daphne."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from kiosk.runtime.memory import share_heaps

_KIBIBYTE = 1024
_MEBIBYTE = 1024 * 1024


class Command(BaseCommand):
    help = "Serves all listeners: pages, admin, APIs and sockets. SIGTERM stops it in order."

    def handle(self, **_options: Any) -> None:
        share_heaps()
        # Daphne installs its reactor when it is imported: here, not in every command.
        from kiosk.server import KioskServer  # isort: skip
        from kiosk.websocket import SocketLimits  # isort: skip
        from kiosk.api.authentication import usable_tokens_exist
        from kiosk.asgi import application, listeners
        from kiosk.listeners import open_listeners
        from kiosk.runtime.services import (
            WrongConfiguration,
            prepare_services,
            start_services,
            stop_services,
            verify_services,
        )

        environment = settings.KIOSK
        if environment.production and not usable_tokens_exist():
            raise CommandError("Production needs an API token before it serves: manage.py token create NAME --scope …")
        try:
            verify_services()
        except WrongConfiguration as error:
            raise CommandError(str(error)) from None
        opened, failed = open_listeners(listeners())
        for failure in failed:
            self.stderr.write(self.style.ERROR(str(failure)))
        if not opened:
            raise CommandError("No listener could be opened")
        server = KioskServer(
            application,
            opened,
            max_body_bytes=environment.upload_mb * _MEBIBYTE,
            socket_limits=SocketLimits(text_bytes=environment.text_kb * _KIBIBYTE, binary_bytes=environment.frame_mb * _MEBIBYTE),
            drain_seconds=environment.drain_seconds,
            behind_proxy=environment.behind_proxy,
        )
        # Until the server takes over the signals.
        signal.signal(signal.SIGTERM, _leave)
        try:
            start_services()
            prepare_services()
            # From here on this thread is the event loop's.
            connections.close_all()
            for listener in opened:
                self.stdout.write(f"{listener.listener.name}: {listener.url}")
            self.stdout.flush()
            server.run()
        finally:
            stop_services()


def _leave(*_signal: Any) -> None:
    raise SystemExit(0)
