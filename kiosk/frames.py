"""Websocket frames that are made once and sent to many clients as they are."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, Protocol

OUTLET: Final = "kiosk.outlet"
"""Key of a websocket's scope: its Outlet."""

_TEXT: Final = 0x81
_SHORT, _MEDIUM = 126, 65536


class Outlet(Protocol):
    """One client, for an application that does not wait for it; to be used on the event loop, once the socket was accepted."""

    on_drained: Callable[[], None] | None
    """Called when a client that was clogged has room again."""

    @property
    def is_clogged(self) -> bool:
        """Whether the client does not read: what is written now only grows a buffer."""
        ...

    def bound(self, *, unsent_bytes: int, kernel_bytes: int, unread_seconds: float) -> None:
        """Makes this client count as clogged from so many bytes on, beside those that the system buffers for it.

        A client that takes nothing for `unread_seconds` is cut off. One that is not behind a proxy gets no pings from now on.
        """
        ...

    def write_frames(self, frames: bytes) -> None:
        """Sends whole frames; nothing where the connection is not open any more."""
        ...


def text_frame(payload: bytes) -> bytes:
    """The frame that carries this UTF-8 text from a server (RFC 6455, 5.2)."""
    length = len(payload)
    if length < _SHORT:
        return bytes((_TEXT, length)) + payload
    if length < _MEDIUM:
        return struct.pack("!BBH", _TEXT, 126, length) + payload
    return struct.pack("!BBQ", _TEXT, 127, length) + payload
