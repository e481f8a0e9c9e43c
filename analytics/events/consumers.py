"""The event socket (protocol 001): a client says what it wants, and is sent events as they are recorded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from analytics.events.client import EventClient
from analytics.events.feed import feed
from analytics.events.messages import NOT_JSON, UNKNOWN_SINCE, error_body
from analytics.events.replay import Past, Start, UnknownEvent, read_past, start_at
from analytics.events.subscription import Configuration, WrongConfiguration, read_configuration
from analytics.models import RecognitionEvent
from kiosk.api.authentication import ApiClient
from kiosk.api.scopes import Scope
from kiosk.api.sockets import INTERNAL, CloseCode, Message, ProtocolConsumer, Refused, is_near, json_object
from kiosk.frames import OUTLET
from kiosk.runtime.access import Use, note_use

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class EventConsumer(ProtocolConsumer):
    """One client. Each text message is a whole configuration; nothing is sent before the first one."""

    required_scope = Scope.EVENTS

    def __init__(self) -> None:
        super().__init__()
        self._follower: EventClient | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._since: datetime | None = None
        self._since_until = 0
        """Up to this position the past is cut at `_since`."""

    def may_connect(self, client: ApiClient | None) -> bool:
        return is_near(self.scope, settings.KIOSK.event_networks) or super().may_connect(client)

    def idle_seconds(self) -> float | None:
        """One that has said what it wants only listens."""
        return None if self._follower is not None else super().idle_seconds()

    async def on_text(self, text: str) -> None:
        body = json_object(text)
        if body is None:
            raise Refused(NOT_JSON)
        try:
            wanted = read_configuration(body)
            start = await self.work(_begin, wanted, is_first=self._follower is None)
        except WrongConfiguration as error:
            raise Refused(str(error)) from None
        except UnknownEvent:
            raise Refused(UNKNOWN_SINCE) from None
        await self._configure(wanted, start)

    async def on_bytes(self, data: bytes) -> None:
        """The document's client may send its configuration as it likes."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise Refused(NOT_JSON) from None
        await self.on_text(text)

    def error_body(self, detail: str) -> Message:
        return error_body(detail)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._pause()
            if self._beating is not None:
                self._beating.cancel()
            if self._follower is not None:
                feed().close()

    async def _configure(self, wanted: Configuration, start: Start) -> None:
        await self._pause()
        if self._follower is None:
            self._follower = EventClient(self.scope[OUTLET], settings.KIOSK.event_queue, self._catch_up)
            self._follower.position = start.position
            feed().open(start.now)
        elif wanted.since is not None:
            self._follower.position = start.position
        # Else it goes on where it is, so that nothing is lost between two configurations.
        if wanted.since is not None:
            self._since, self._since_until = start.since, start.now
        self._follower.subscription = wanted.subscription
        self._beat(wanted.heartbeat_seconds)
        self._catch_up()

    async def _pause(self) -> None:
        """Stops handing events to the client."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._catching_up
            self._catching_up = None
        if self._follower is not None:
            feed().leave(self._follower)

    def _catch_up(self) -> None:
        assert self._follower is not None
        if not feed().join(self._follower):
            self._catching_up = asyncio.ensure_future(self._try_to_replay(self._follower))

    async def _try_to_replay(self, follower: EventClient) -> None:
        try:
            await self._replay(follower)
        except Exception:
            # The edge of a task that nobody waits for.
            logger.exception("Past events can't be sent")
            await self.send_error(INTERNAL)
            await self.close(CloseCode.GOING_AWAY, INTERNAL)

    async def _replay(self, follower: EventClient) -> None:
        """Sends what the client missed, as fast as it reads, until it has caught up with the feed."""
        while not feed().join(follower):
            past = await self._read(follower)
            for position, event_id, frame in past.events:
                await follower.room()
                follower.send(event_id, frame)
                follower.position = position
            follower.position = past.upto

    async def _read(self, follower: EventClient) -> Past:
        upto = feed().position
        since = None
        if follower.position < self._since_until:
            upto, since = min(upto, self._since_until), self._since
        while True:
            try:
                return await self.work(read_past, follower.position, upto, follower.subscription, since)
            except DatabaseError:
                logger.exception("Past events can't be read; trying again")
                await asyncio.sleep(_RETRY_SECONDS)

    def _beat(self, seconds: float | None) -> None:
        if self._beating is not None:
            self._beating.cancel()
        self._beating = None if seconds is None else asyncio.ensure_future(self._keep_beating(seconds))

    async def _keep_beating(self, seconds: float) -> None:
        assert self._follower is not None
        while True:
            self._follower.beat()
            await asyncio.sleep(seconds)


def _begin(wanted: Configuration, *, is_first: bool) -> Start:
    """Where the client begins; notes in the audit log that it is told of people from now on. Raises UnknownEvent."""
    start = start_at(wanted.since)
    if is_first:
        note_use(RecognitionEvent, Use.FOLLOW, [], pictures=wanted.subscription.pictures.value)
    return start
