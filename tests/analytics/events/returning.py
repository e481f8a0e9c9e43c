"""A client of the event socket that comes back whenever the connection ends, and asks for what it missed."""

from __future__ import annotations

import time

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection

from tests.sockets import connect, receive


class ReturningClient:
    """Follows the events through every crash of the server, each time from the last event that it got."""

    def __init__(self, url: str, last: str) -> None:
        self._url = url
        self._last = last
        self.told: list[str] = []
        self._socket: ClientConnection | None = None

    def take(self, seconds: float) -> None:
        """Takes what comes within the time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self._socket is None:
                    self._socket = connect(self._url, close_timeout=0.1, legacy=True)
                    self._socket.send(f'{{"since": "{self._last}"}}')
                event = receive(self._socket, 0.1)
            except TimeoutError:
                continue
            except (OSError, ConnectionClosed, InvalidHandshake):
                event = {}
            if "event_id" not in event:
                self._socket = None
                time.sleep(0.05)
            else:
                self._last = event["event_id"]
                self.told.append(self._last)
