"""A client of the event socket of another box (protocol 001) that records its events as our own.

Every event is known by the box's event_id, so that one that comes twice is recorded once. After a lost connection the box is
asked with `since` for what was missed; a box that does not know `since` ignores it, or says that it is wrong, and is then asked
without.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import websocket
from django.db import DatabaseError, close_old_connections

from analytics.events.box import BoxEvent, NoEvent, read_event
from analytics.events.devices import relayed_device
from analytics.events.recording import NewEvent, record
from analytics.models import MediaDevice, RecognitionEvent
from faces.models import Person

logger = logging.getLogger(__name__)

_CONNECT_SECONDS: Final = 10.0
_PING_SECONDS: Final = 20.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
_STEADY_SECONDS: Final = 30.0
"""After a connection that lasted so long the pauses begin anew."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where the events come from."""

    url: str
    """ws://…, without credentials: it is kept with the box's devices."""
    token: str = field(default="", repr=False)
    device_ids: tuple[str, ...] = ()
    """Of the box; empty: all."""


class Refused(Exception):
    """The box does not let us in, or says that our configuration is wrong."""


class Relay:
    """Follows one box until it is told to stop."""

    def __init__(self, box: Box, on_event: Callable[[RecognitionEvent], None] | None = None) -> None:
        self._box = box
        self._on_event = on_event
        self._stop = threading.Event()
        self._connection: websocket.WebSocket | None = None
        self._devices: dict[str, MediaDevice] = {}
        self._knows_since = True
        self._last = self._last_recorded()

    def stop(self) -> None:
        """Any thread or signal handler may call it. What is being recorded still is."""
        self._stop.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RD)

    def run(self) -> None:
        """Returns after stop(): at once, or when an attempt to connect has ended."""
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._follow()
            except (websocket.WebSocketException, OSError, Refused, DatabaseError) as error:
                if self._stop.is_set():
                    return
                failures = 1 if time.monotonic() - began > _STEADY_SECONDS else failures + 1
                pause = pause_seconds(failures)
                logger.warning("%s: %s; trying again in %.0f s", self._box.url, _named(error), pause)
                self._stop.wait(pause)
            finally:
                close_old_connections()

    def _follow(self) -> None:
        header = [f"Authorization: Bearer {self._box.token}"] if self._box.token else []
        connection = websocket.create_connection(self._box.url, timeout=_CONNECT_SECONDS, header=header)
        self._connection = connection
        try:
            connection.send(json.dumps(self._configuration()))
            logger.info("%s: following", self._box.url)
            connection.settimeout(_PING_SECONDS)
            self._take_all(connection)
        finally:
            connection.close()

    def _configuration(self) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "with_face_image": True,
            "with_register_image": False,
            "media_device_ids": list(self._box.device_ids),
        }
        return wanted | {"since": self._last} if self._last and self._knows_since else wanted

    def _take_all(self, connection: websocket.WebSocket) -> None:
        is_awaited = False
        while not self._stop.is_set():
            try:
                # Pings are answered inside.
                opcode, data = connection.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                if is_awaited:
                    raise
                connection.ping()
                is_awaited = True
                continue
            is_awaited = False
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise ConnectionError("the box closed the connection")
            if opcode in {websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY}:
                self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            body = json.loads(data)
        except ValueError:
            logger.warning("%s: a message is no JSON", self._box.url)
            return
        if not isinstance(body, dict):
            logger.warning("%s: a message is no JSON object", self._box.url)
        elif "type" in body or ("event_id" not in body and "timestamp" not in body):
            self._hear(body)
        else:
            self._record(body)

    def _hear(self, body: dict[str, Any]) -> None:
        """Something else than an event: what our own server says."""
        match body.get("message"):
            case "error" if self._last and self._knows_since:
                self._knows_since = False
                raise Refused("the box does not know the last event; what was missed meanwhile is not asked for")
            case "error":
                raise Refused("the box refuses the configuration")
            case "lost":
                raise Refused(f"{body.get('lost')} events were lost on the way; asking for them again")

    def _record(self, body: dict[str, Any]) -> None:
        try:
            told = read_event(body)
        except NoEvent as error:
            logger.warning("%s: an event can't be recorded: %s", self._box.url, error)
            return
        event = self._recorded(told)
        self._last, self._knows_since = event.event_id, True
        if self._on_event is not None:
            self._on_event(event)

    def _recorded(self, told: BoxEvent) -> RecognitionEvent:
        """Raises DatabaseError after a few tries: the connection is then made anew, and the event asked for again."""
        person = Person.objects.filter(number=told.identity_id).first() if told.identity_id else None
        is_stranger = person is None and told.user_type in {"", "stranger"}
        return record(
            NewEvent(
                self._device(told),
                told.happened_at,
                told.score,
                event_id=told.event_id,
                person=person,
                stranger_id=told.identity_id[:32] if is_stranger else "",
                face_jpeg=told.face_jpeg,
                attributes=told.attributes,
                user_type=told.user_type,
                identity_id=told.identity_id,
                identity_name=told.identity_name,
            )
        )

    def _device(self, told: BoxEvent) -> MediaDevice:
        device = self._devices.get(told.device_id)
        if device is None:
            device = relayed_device(told.device_id, ip=told.device_ip, device_type=told.device_type, address=self._box.url)
            self._devices[told.device_id] = device
        return device

    def _last_recorded(self) -> str:
        """The event_id of the last event of this box that is recorded here; "" for none."""
        events = RecognitionEvent.objects.filter(device__address=self._box.url).exclude(device__relayed_from="")
        return events.order_by("-pk").values_list("event_id", flat=True).first() or ""


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row: doubled each time, at most a minute, a quarter more or less."""
    return float(min(_FIRST_PAUSE_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25))  # noqa: S311


def _named(error: Exception) -> str:
    """What went wrong, without what a message held."""
    if isinstance(error, websocket.WebSocketBadStatusException):
        return f"refused with HTTP {error.status_code}"
    return str(error) if isinstance(error, Refused | OSError) and str(error) else type(error).__name__
