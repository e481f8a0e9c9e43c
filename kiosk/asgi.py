"""The ASGI application: what each listener serves. The only place, with urls.py and settings.py, that knows every app."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")

import django
from django.conf import settings

from kiosk.handler import ThreadedASGIHandler
from kiosk.listeners import ByProtocol, Listener, PortRouter, SocketRouter, SocketsOnly
from kiosk.runtime.threads import work_threads


def listeners() -> list[Listener]:
    """The ports to open, from the settings."""
    environment = settings.KIOSK
    return [
        Listener("web", environment.bind, environment.port, "KIOSK_PORT"),
        Listener("tool sockets", environment.tool_bind, environment.tool_port, "KIOSK_TOOL_PORT", scheme="ws"),
        Listener("flow socket", environment.bind, environment.flow_socket_port, "KIOSK_FLOW_SOCKET_PORT", scheme="ws"),
        Listener("flow POSTs", environment.bind, environment.flow_http_port, "KIOSK_FLOW_HTTP_PORT"),
        Listener("event socket", environment.bind, environment.event_port, "KIOSK_EVENT_PORT", scheme="ws"),
    ]


def _application() -> PortRouter:
    django.setup(set_prefix=False)
    from analytics.routing import EVENT_SOCKETS, STAFF_SOCKETS
    from faces.routing import TOOL_SOCKETS as FACE_TOOLS
    from flows.routing import FLOW_SOCKETS
    from flows.routing import TOOL_SOCKETS as SPEECH_TOOLS

    environment = settings.KIOSK
    pages = ThreadedASGIHandler(executor=work_threads())
    flow_posts = ThreadedASGIHandler(executor=work_threads(), urlconf="kiosk.flow_urls")
    tools = {**FACE_TOOLS, **SPEECH_TOOLS}
    events = {"/": EVENT_SOCKETS["/events"], **EVENT_SOCKETS}
    flow = {"/": FLOW_SOCKETS["/flow"], **FLOW_SOCKETS}
    by_port = {
        environment.tool_port: ByProtocol(SocketsOnly(tools, pages), SocketRouter(tools)),
        environment.flow_socket_port: ByProtocol(SocketsOnly(flow, pages), SocketRouter(flow)),
        environment.event_port: ByProtocol(SocketsOnly(events, pages), SocketRouter(events)),
        environment.flow_http_port: ByProtocol(flow_posts, SocketRouter({})),
    }
    by_port.pop(0, None)
    return PortRouter(ByProtocol(pages, SocketRouter({**tools, **FLOW_SOCKETS, **EVENT_SOCKETS, **STAFF_SOCKETS})), by_port)


application = _application()
