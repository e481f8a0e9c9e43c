"""One client of the event socket, as the feed sees it: frames wait here while it does not read, and what it loses is counted."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from analytics.events.feed import Part
from analytics.events.messages import encode, heartbeat_body, lost_body
from analytics.events.subscription import Subscription
from kiosk.frames import Outlet, text_frame

_UNSENT_BYTES: Final = 64 * 1024
_KERNEL_BYTES: Final = 128 * 1024
"""Buffered for each client beside the queue of events: more would only make what a slow one reads older."""
_UNREAD_SECONDS: Final = 120.0


class EventClient:
    """A Follower of the feed. All on the event loop."""

    def __init__(self, outlet: Outlet, queue_length: int, on_behind: Callable[[], None]) -> None:
        self.position = 0
        self.subscription = Subscription()
        self._outlet = outlet
        self._on_behind = on_behind
        self._queue: deque[tuple[str, bytes]] = deque(maxlen=queue_length)
        """Event ids and frames that wait for the client to read."""
        self._lost = 0
        self._last_sent = ""
        self._drained = asyncio.Event()
        outlet.bound(unsent_bytes=_UNSENT_BYTES, kernel_bytes=_KERNEL_BYTES, unread_seconds=_UNREAD_SECONDS)
        outlet.on_drained = self._flush

    @property
    def has_room(self) -> bool:
        """Whether the client reads what it is sent."""
        return not self._queue and not self._outlet.is_clogged

    async def room(self) -> None:
        """Returns when the client has read what it was sent."""
        while not self.has_room:
            self._drained.clear()
            await self._drained.wait()

    def take(self, part: Part) -> None:
        if self.has_room and self.position == part.after and len(part.joined) <= _UNSENT_BYTES:
            if part.events:
                self._outlet.write_frames(part.joined)
                self._last_sent = part.events[-1].event.event_id
        else:
            for told, frame in zip(part.events, part.frames, strict=True):
                if told.position > self.position:
                    self.send(told.event.event_id, frame)
        self.position = part.last

    def fell_behind(self) -> None:
        self._on_behind()

    def send(self, event_id: str, frame: bytes) -> None:
        """Sends one event now, or when the client reads again; the oldest of those that wait for that is given up for it."""
        if self.has_room:
            self._write(event_id, frame)
            return
        if len(self._queue) == self._queue.maxlen:
            self._lost += 1
        self._queue.append((event_id, frame))

    def beat(self) -> None:
        """Sends a heartbeat; to a client that does not read, none."""
        if self.has_room:
            self._outlet.write_frames(text_frame(encode(heartbeat_body(time.time_ns() // 1_000_000))))

    def _flush(self) -> None:
        if self._lost:
            self._outlet.write_frames(text_frame(encode(lost_body(self._lost, self._last_sent))))
            self._lost = 0
        while self._queue and not self._outlet.is_clogged:
            self._write(*self._queue.popleft())
        self._drained.set()

    def _write(self, event_id: str, frame: bytes) -> None:
        self._outlet.write_frames(frame)
        self._last_sent = event_id
