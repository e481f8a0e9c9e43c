"""A stand-in for an Elasticsearch server that answers what a test tells it to: for faults that a real one seldom shows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: dict(PRODUCT))
    delay_seconds: float = 0.0


@dataclass(slots=True)
class StandIn:
    """Listens on `url`; answers to a path by its last part (`_bulk`, …) with one of `replies`, where "" stands for all others."""

    url: str
    replies: dict[str, Reply]
    authorizations: list[str | None] = field(default_factory=list)
    """The Authorization header of each request."""


@contextmanager
def stand_in(replies: dict[str, Reply]) -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.authorizations.append(self.headers.get("Authorization"))
            last_part = self.path.partition("?")[0].rpartition("/")[2]
            reply = state.replies.get(last_part, state.replies.get("", Reply()))
            time.sleep(reply.delay_seconds)
            content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError):  # a client that has given up waiting
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = StandIn(url=f"http://127.0.0.1:{server.server_port}", replies=replies)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
