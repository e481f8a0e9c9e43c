"""An OpenAI-compatible endpoint for tests: answers as it is told, and keeps every byte it received."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class Endpoint:
    """`url` is its base; `reply` answers each request; `received` holds the bodies, `headers` the headers."""

    def __init__(self) -> None:
        self.reply: Reply = text("{}")
        self.received: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What the user's message of each request asked."""
        return [json.loads(json.loads(body)["messages"][-1]["content"]) for body in self.received]


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """A running endpoint on a free port."""
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(body)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            state.reply(self, json.loads(body))

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: Any) -> None:
            """A client that went away is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> str:
    """The base URL of an endpoint where nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}).encode()


def text(content: Any) -> Reply:
    """A completion whose text is this."""
    return lambda handler, _: _send(handler, 200, completion(content))


def json_answer(**fields: Any) -> Reply:
    """A completion whose text is this object."""
    return text(json.dumps(fields, ensure_ascii=False))


def body(content: bytes, status: int = 200) -> Reply:
    """A response with this body."""
    return lambda handler, _: _send(handler, status, content)


def redirect(url: str) -> Reply:
    return lambda handler, _: _send(handler, 307, b"", {"Location": url})


def slowly(seconds: float, reply: Reply) -> Reply:
    """The reply, after a pause."""

    def wait(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        time.sleep(seconds)
        reply(handler, request)

    return wait


def dripping(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    """A byte now and then, so that no pause is ever long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def broken_off(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    """The connection is closed in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "x", "choices": [')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def refusing_schemas(reply: Reply) -> Reply:
    """400 for a JSON schema, the reply for anything else."""

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        if request["response_format"]["type"] == "json_schema":
            _send(handler, 400, b'{"error": {"message": "response_format json_schema is not supported"}}')
        else:
            reply(handler, request)

    return answer
