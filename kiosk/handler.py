"""Django under ASGI with one thread hop a request.

Django's own ASGI handler hops between the event loop and a thread for every signal, every middleware and the end of the response,
and gives each request a thread, and so a database connection, of its own. All our views and middleware are synchronous: here a
request is one call on a thread of a bounded pool, whose threads keep their database connections.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse
from django.urls import set_script_prefix
from django.utils.module_loading import import_string

from kiosk.listeners import BODY_FILE, HEALTH_PATHS

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from kiosk.listeners import Receive, Scope, Send


class DeferredResponse(HttpResponse):
    """What a view returns whose answer takes minutes: no thread is held meanwhile.

    `later` is awaited in the event loop, must not block it, and gives the response, to which this one's headers are added. It is
    cancelled when the client goes away.
    """

    def __init__(self, later: Callable[[], Awaitable[HttpResponse]]) -> None:
        super().__init__()
        self.later = later
        del self.headers["Content-Type"]


class _StatelessHandler(BaseHandler):
    """Answers routes that know no session, language or signed-in user, through these few middlewares."""

    def __init__(self, middleware: Sequence[str]) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        chain = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(middleware):
            chain = convert_exception_to_response(import_string(path)(chain))
        self._middleware_chain = chain


async def _disconnected(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class ThreadedASGIHandler(ASGIHandler):
    """The ASGI application of HTTP pages and APIs, on the threads of `executor`.

    With `urlconf`, these routes take the place of settings.ROOT_URLCONF: of a port that serves machines and no pages.
    """

    def __init__(self, *, executor: ThreadPoolExecutor, urlconf: str | None = None) -> None:
        super().__init__()
        self._stateless = _StatelessHandler(settings.STATELESS_MIDDLEWARE)
        # A load balancer asks over plain HTTP, and by an address that need not be a name of this server.
        self._health = _StatelessHandler([])
        self._urlconf = urlconf
        self._respond_in_thread = sync_to_async(self._respond, thread_sensitive=False, executor=executor)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 - the base class asks for async
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            body = scope.pop(BODY_FILE, None) or await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            request, error_response = self.create_request(scope, body)
            if request is None or error_response is not None:
                assert error_response is not None
                await self.send_response(error_response, send)
                return
            response = await self._respond_in_thread(scope, request)
        # The body was read: a large one is not kept while its answer takes long.
        if response.streaming:
            await self._stream(response, receive, send)
        elif isinstance(response, DeferredResponse):
            await self._send_later(response, receive, send)
        else:
            await self.send_response(response, send)

    async def read_body(self, receive: Receive) -> IO[bytes]:
        """The whole body: in memory where it came in one piece, else in a file that moves to the disk when it grows."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            return io.BytesIO(message.get("body", b""))
        spooled = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115 - the caller closes it
        while message["type"] == "http.request":
            spooled.write(message.get("body", b""))
            if not message.get("more_body", False):
                spooled.seek(0)
                return spooled
            message = await receive()
        spooled.close()
        raise RequestAborted

    def _respond(self, scope: Scope, request: ASGIRequest) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        if self._urlconf is not None:
            request.urlconf = self._urlconf
        response = self._handler_of(request.path).get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's own handler does
        if not response.streaming:
            # Its content is complete; closing it sends request_finished, on the thread whose connections that looks after.
            response.close()
        return response

    def _handler_of(self, path: str) -> BaseHandler:
        if path in HEALTH_PATHS:
            return self._health
        return self._stateless if self._urlconf is not None or path in settings.STATELESS_PATHS else self

    async def _send_later(self, response: DeferredResponse, receive: Receive, send: Send) -> None:
        """Sends what a deferred response becomes; gives up waiting for it when the client goes away."""
        waiting = asyncio.ensure_future(response.later())
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                final = waiting.result()
                final.headers.setdefault("Content-Length", str(len(final.content)))
                for name, value in response.headers.items():
                    final.headers.setdefault(name, value)
                await self.send_response(final, send)
        finally:
            for task in (waiting, leaving):
                task.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Sends a response piece by piece, and stops its generator when the client goes away."""
        async with ThreadSensitiveContext():
            sending = asyncio.ensure_future(self.send_response(response, send))
            leaving = asyncio.ensure_future(_disconnected(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
            finally:
                for task in (sending, leaving):
                    task.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)
                await sync_to_async(response.close)()
