"""How often a client of the websockets may send: KIOSK_SOCKET_RATE, counted in this process and without asking a cache."""

from __future__ import annotations

from dataclasses import dataclass

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PRUNE_ABOVE = 10_000
"""Clients, above which those are forgotten who have not sent anything for a while."""


@dataclass(slots=True)
class _Bucket:
    """What a client may still send at once, as of a time."""

    left: float
    at: float


class MessageRate:
    """A bucket for each client that holds a whole period's messages and fills up evenly. Used by one thread."""

    def __init__(self, rate: str) -> None:
        """`rate` is a setting: "600/min", or "off"."""
        self._most = 0
        self._per_second = 0.0
        if rate != "off":
            count, _slash, period = rate.partition("/")
            self._most = int(count)
            self._per_second = self._most / _SECONDS[period[0]]
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, client: str, now: float) -> bool:
        """Counts one message of a client at a time in seconds; False, and nothing counted, where it is one too many."""
        if not self._most:
            return True
        if len(self._buckets) > _PRUNE_ABOVE:
            self._prune(now)
        bucket = self._buckets.setdefault(client, _Bucket(self._most, now))
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def _prune(self, now: float) -> None:
        full_again = self._most / self._per_second
        self._buckets = {client: bucket for client, bucket in self._buckets.items() if now - bucket.at < full_again}
