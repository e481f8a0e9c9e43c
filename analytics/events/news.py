"""Telling whoever follows the events that there is a new one, in this process and in others.

Nothing depends on it but speed: followers look at the table by themselves, some twenty times a second (analytics.events.feed).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from django.conf import settings

logger = logging.getLogger(__name__)

GROUP: Final = "analytics.events"
"""Of the channel layer: its members are told by a message that says nothing but that there is news."""
MESSAGE: Final = {"type": "events.recorded"}

_listeners: list[Callable[[], None]] = []


def on_news(listener: Callable[[], None]) -> None:
    """Has `listener` called after every event that this process records, on the thread that recorded it; must not block."""
    _listeners.append(listener)


def spread_news() -> None:
    """To be called once an event is committed, on a thread without an event loop."""
    for listener in _listeners:
        listener()
    if not settings.KIOSK.redis_url.get_secret_value():
        return
    from redis.exceptions import RedisError  # eight megabytes that a server without Redis can do without

    try:
        async_to_sync(get_channel_layer().group_send)(GROUP, MESSAGE)
    except (RedisError, OSError, ChannelFull) as error:
        logger.warning("Redis was not told of a new event; servers find it by themselves: %s", type(error).__name__)
