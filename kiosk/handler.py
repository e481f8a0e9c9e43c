"""Django under ASGI with one thread hop a request.

Django's own ASGI handler hops between the event loop and a thread for every middleware, and gives each request a thread, and so a
database connection, of its own. All our views and middleware are synchronous: here the whole chain runs in one call on a thread
of a bounded pool, whose threads keep their database connections.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import close_old_connections

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase


class ThreadedASGIHandler(ASGIHandler):
    """The ASGI application of all HTTP pages and APIs, on at most `threads` threads."""

    def __init__(self, *, threads: int) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
        self._respond_in_thread = sync_to_async(self._respond, thread_sensitive=False, executor=self._threads)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 - the base class asks for async
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: ASGIRequest) -> HttpResponseBase:  # type: ignore[override]
        return await self._respond_in_thread(request)

    def _respond(self, request: ASGIRequest) -> HttpResponseBase:
        # The signals that do this for Django fire on another thread, whose connections are not ours.
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()


def threaded_application(*, threads: int) -> ThreadedASGIHandler:
    """Sets Django up and returns the application."""
    django.setup(set_prefix=False)
    return ThreadedASGIHandler(threads=threads)
