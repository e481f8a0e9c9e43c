"""The ASGI application: what each listener serves. The only place, with urls.py and settings.py, that knows every app."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")

from django.conf import settings

from kiosk.handler import threaded_application
from kiosk.listeners import ASGIApplication, Listener, PortRouter, Receive, Scope, Send

# A thread waits while an engine works: enough of them that the one that finds the queue full is answered at once.
_SPARE_THREADS = 16


def listeners() -> list[Listener]:
    """The ports to open, from the settings."""
    return [Listener("web", settings.KIOSK.bind, settings.KIOSK.port, "KIOSK_PORT")]


async def _refuse_websocket(_scope: Scope, receive: Receive, send: Send) -> None:
    """No websocket lives on this path: the handshake is refused with 403, as ASGI's close before accept."""
    await receive()
    await send({"type": "websocket.close"})


class _ByProtocol:
    def __init__(self, http: ASGIApplication, websocket: ASGIApplication) -> None:
        self._applications = {"http": http, "websocket": websocket}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._applications[scope["type"]](scope, receive, send)


_http = threaded_application(threads=settings.KIOSK.engine_queue + settings.KIOSK.worker_count + _SPARE_THREADS)
application = PortRouter(default=_ByProtocol(http=_http, websocket=_refuse_websocket), by_port={})
