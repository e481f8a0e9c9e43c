"""How often: one rate for each API client, or for each address where nobody is known."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from kiosk.api.authentication import ApiClient


class ClientThrottle(SimpleRateThrottle):
    """KIOSK_API_RATE requests for each client; none where it says off."""

    scope = "client"

    def get_rate(self) -> str | None:
        rate: str = settings.KIOSK.api_rate
        return None if rate == "off" else rate

    def get_cache_key(self, request: Request, view: Any) -> str | None:  # noqa: ARG002 - the base class's signature
        client = request.user
        ident = client.ident if isinstance(client, ApiClient) and client.ident != "local" else self.get_ident(request)
        return f"throttle:{ident}"
