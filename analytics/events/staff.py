"""The event socket for pages of the admin: who is signed in and may see events needs no token.

The page's own session cookie says who it is; browsers send it with the handshake, and the origin is checked as for every socket.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from auditlog.context import set_actor
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError

from analytics.events.consumers import EventConsumer
from faces.disclosure import sees_personal_data
from kiosk.api.authentication import ApiClient
from kiosk.api.sockets import CloseCode, ConnectionRefused, P, T

logger = logging.getLogger(__name__)

_ASK_SECONDS = 30.0


class StaffEventConsumer(EventConsumer):
    """As the event socket; its events name people, so that whoever may not see names can't connect."""

    staff: Any = None
    """The signed-in user, once admitted."""
    _asking: asyncio.Task[None] | None = None

    async def _admit(self) -> None:
        self.staff = await self.work(_staff_member, self.scope)
        if self.staff is None:
            raise ConnectionRefused(HTTPStatus.FORBIDDEN)
        await super()._admit()
        self._ident = f"staff {self.staff.pk}"
        self._asking = asyncio.ensure_future(self._ask_again())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._asking is not None:
                self._asking.cancel()

    async def _ask_again(self) -> None:
        """Ends the connection of who has signed out, or may no longer see events."""
        while True:
            await asyncio.sleep(_ASK_SECONDS)
            try:
                if await self.work(_staff_member, self.scope) is None:
                    await self.close(CloseCode.POLICY_VIOLATION)
                    return
            except DatabaseError:
                logger.warning("Whether a member of staff is still signed in can't be asked now")

    def may_connect(self, client: ApiClient | None) -> bool:  # noqa: ARG002
        return self.staff is not None

    def _worked(self, function: Any, *args: P.args, **kwargs: P.kwargs) -> T:  # type: ignore[valid-type,type-var]
        with set_actor(self.staff):
            result: T = super()._worked(function, *args, **kwargs)
        return result


def _staff_member(scope: dict[str, Any]) -> Any:
    """Who the session cookie belongs to; None where there is none, or they may not see events and names."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(next((value.decode("latin1") for key, value in scope["headers"] if key == b"cookie"), ""))
    except CookieError:
        return None
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    if found is None:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(found.value)
    user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]
    allowed = user.is_active and user.is_staff and user.has_perm("analytics.view_recognitionevent")
    return user if allowed and sees_personal_data(user) else None
