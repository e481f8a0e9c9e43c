"""Events as they are recorded, by whatever process, handed to everybody in this one who follows them.

One thread looks at the table some twenty times a second, and at once when it is told of news (analytics.events.news), but only
while somebody follows. It makes each event's frames once for every kind of pictures that is asked for, and the event loop hands
them to the followers. Each follower has a position, the primary key of the last event it was handed; what it has not seen it
reads from the table by itself (analytics.events.replay) until it has caught up with the feed, so that nobody misses an event or
gets one twice, whatever happens meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import close_old_connections
from django.db.models import QuerySet

from analytics.events.messages import encode, event_body
from analytics.events.news import GROUP, on_news
from analytics.events.subscription import Pictures, Subscription
from analytics.models import RecognitionEvent
from kiosk.frames import text_frame

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_RETRY_SECONDS = 1.0
_EVENTS_AT_ONCE = 50
_STOP_SECONDS = 0.5
_SLOW_SECONDS = 2.0
"""From here on it is worth a line in the log."""
_NEWS_A_CHANNEL = 1000
"""After so many, the membership in the group, which Redis lets expire, is made anew."""
_FOLLOWERS_A_TURN = 100
"""How many are handed a batch before the event loop does something else."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, ready to be sent."""

    event: RecognitionEvent
    """With its device and person loaded."""
    frames: Mapping[Pictures, bytes] = field(repr=False)
    """A websocket frame for each kind of pictures that somebody asks for."""

    @property
    def position(self) -> int:
        return self.event.pk


@dataclass(frozen=True)
class Part:
    """What those with one subscription get of a batch."""

    subscription: Subscription
    after: int
    last: int
    """Positions before and at the end of the batch, whether or not the events there are wanted."""
    events: tuple[Told, ...]
    complete: bool
    """Whether every event has a frame with the pictures wanted; else followers have to read it from the table."""

    @functools.cached_property
    def frames(self) -> list[bytes]:
        return [told.frames[self.subscription.pictures] for told in self.events]

    @functools.cached_property
    def joined(self) -> bytes:
        return b"".join(self.frames)


class Follower(Protocol):
    """Somebody who follows the events; all on the event loop."""

    position: int
    """The last event it was handed, or need not be."""
    subscription: Subscription

    def take(self, part: Part) -> None:
        """Is handed events; must not block. Called only where `position` was `part.after`, or lies within the part."""
        ...

    def fell_behind(self) -> None:
        """Is no longer handed events, because the feed can't say what it missed: it has to catch up by itself and join again."""
        ...


class Feed:
    """The events of this installation, in one process. Made for one event loop."""

    def __init__(self) -> None:
        self.position = 0
        """The last event that followers were handed."""
        self._open = 0
        self._groups: dict[Subscription, dict[Follower, None]] = {}
        self._wanted: frozenset[Pictures] = frozenset()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look = threading.Event()
        self._busy = threading.Event()
        """Somebody follows."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._channel: asyncio.Task[None] | None = None
        on_news(self._look.set)

    # On the event loop

    def open(self, now: int) -> None:
        """Somebody is going to follow; `now` is the position of the newest event. To be closed once."""
        if self._open == 0:
            # Nobody looked meanwhile.
            self.position = max(self.position, now)
            self._start()
            self._busy.set()
        self._open += 1

    def close(self) -> None:
        """Somebody who opened the feed is gone."""
        self._open -= 1
        if self._open == 0:
            self._busy.clear()

    def join(self, follower: Follower) -> bool:
        """From now on the follower is handed events; False where it has to catch up first, up to `position`."""
        if follower.position < self.position:
            return False
        self._groups.setdefault(follower.subscription, {})[follower] = None
        self._note_wanted()
        return True

    def leave(self, follower: Follower) -> None:
        """The follower is no longer handed events. Does nothing for one that is not there."""
        group = self._groups.get(follower.subscription)
        if group is None or follower not in group:
            return
        del group[follower]
        if not group:
            del self._groups[follower.subscription]
            self._note_wanted()

    def stop(self) -> None:
        """Ends the thread; from any thread."""
        self._stopping.set()
        self._busy.set()
        self._look.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None
        self._stopping.clear()

    def _note_wanted(self) -> None:
        self._wanted = frozenset(subscription.pictures for subscription in self._groups)

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="event-feed", daemon=True)
            self._thread.start()
            self._channel = self._loop.create_task(_listen(self._look.set))

    async def _deliver(self, after: int, batch: Sequence[Told]) -> None:
        if after != self.position or not batch:
            # Nobody followed meanwhile, and whoever does now began somewhere else.
            return
        self.position = batch[-1].position
        handed = 0
        for subscription, group in list(self._groups.items()):
            part = _part(subscription, after, batch)
            for follower in list(group):
                if follower.subscription != subscription or follower not in group or follower.position >= part.last:
                    # Left or asked for something else while the loop did something else, and caught up by itself.
                    continue
                if part.complete and follower.position >= after:
                    try:
                        follower.take(part)
                    except Exception:
                        # The edge between clients: what is wrong with one is not the others' concern.
                        logger.exception("A client can't be told of new events")
                        self.leave(follower)
                else:
                    self.leave(follower)
                    follower.fell_behind()
                handed += 1
                if handed % _FOLLOWERS_A_TURN == 0:
                    await asyncio.sleep(0)

    # On the thread

    def _follow(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._busy.wait()
            self._look.wait(pause)
            self._look.clear()
            if self._stopping.is_set():
                return
            try:
                pause = _LOOK_SECONDS if self._pass_on() < _EVENTS_AT_ONCE else 0.0
            except Exception:
                # The edge of the thread: if it ended, everybody who follows would be told nothing any more.
                logger.exception("New events can't be told; trying again")
                pause = _RETRY_SECONDS
            finally:
                close_old_connections()

    def _pass_on(self) -> int:
        """Hands out what is new; how many events that were."""
        after, began = self.position, time.monotonic()
        rows = list(events_after(after)[:_EVENTS_AT_ONCE])
        made = time.monotonic()
        if rows:
            batch = [Told(event, frames(event, self._wanted)) for event in rows]
            made = time.monotonic()
            self._hand_out(after, batch)
        took = time.monotonic() - began
        if took > _SLOW_SECONDS:
            logger.warning("Telling of %d new events took %.1f s, reading them %.1f s of it", len(rows), took, made - began)
        return len(rows)

    def _hand_out(self, after: int, batch: Sequence[Told]) -> None:
        """Returns when the loop has handed the batch out: one that is busy is not pressed further."""
        assert self._loop is not None
        handed_out = asyncio.run_coroutine_threadsafe(self._deliver(after, batch), self._loop)
        while not self._stopping.is_set():
            try:
                handed_out.result(timeout=_STOP_SECONDS)
            except TimeoutError:
                continue
            return


def events_after(position: int) -> QuerySet[RecognitionEvent]:
    """Events recorded after this one, in order, with what is told of them."""
    return RecognitionEvent.objects.filter(pk__gt=position).select_related("device", "person").order_by("pk")


def frames(event: RecognitionEvent, wanted: Iterable[Pictures]) -> dict[Pictures, bytes]:
    """The event's frame for each kind of pictures; not for the event loop."""
    return {pictures: text_frame(encode(event_body(event, pictures))) for pictures in wanted}


def _part(subscription: Subscription, after: int, batch: Sequence[Told]) -> Part:
    wanted = tuple(told for told in batch if subscription.wants(str(told.event.device.device_id), told.event.user_type))
    complete = all(subscription.pictures in told.frames for told in wanted)
    return Part(subscription, after, batch[-1].position, wanted, complete)


async def _listen(look: Callable[[], None]) -> None:
    """Has `look` called whenever another process tells by Redis that there is news."""
    if not settings.KIOSK.redis_url.get_secret_value():
        return
    from redis.exceptions import RedisError  # eight megabytes that a server without Redis can do without

    layer = get_channel_layer()
    while True:
        try:
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            for _ in range(_NEWS_A_CHANNEL):
                await layer.receive(channel)
                look()
        except (RedisError, OSError) as error:
            logger.warning("Redis does not tell of new events, they are looked for: %s", type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)


@functools.cache
def feed() -> Feed:
    """The feed of this process."""
    return Feed()


def stop_feed() -> None:
    """Ends the feed's thread, if it runs."""
    feed().stop()
