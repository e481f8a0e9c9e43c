"""Kiosks: browsers that staff registered. A kiosk is an API token (kiosk.models.ApiToken) that lives in a cookie.

So it stands in the admin's list of tokens with its name and when it was last used, and whoever revokes it there switches the
kiosk off. Scripts never see it: they get passes (kiosk.api.passes).
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import AuthenticationFailed

from kiosk.api.authentication import authenticate, find_token
from kiosk.api.passes import issue_pass
from kiosk.api.scopes import Scope
from kiosk.models import ApiToken

COOKIE: Final = "kiosk_device"
PATH: Final = "/kiosk/"
SCOPES: Final = (Scope.FLOWS, Scope.TOOLS)
"""What a visit needs, and no more: nobody lists or enrols people with it beyond the citizen of a visit."""
_COOKIE_SECONDS: Final = 400 * 86400  # the longest that browsers keep one


class NotRegistered(Exception):
    """This browser is no kiosk, or its token was revoked."""


def register(response: HttpResponse, name: str, *, secure: bool) -> ApiToken:
    """Makes this response's browser a kiosk."""
    token = ApiToken(name=name, scopes=[scope.value for scope in SCOPES])
    key = ApiToken.objects.assign_key(token)
    token.save()
    response.set_cookie(COOKIE, key, max_age=_COOKIE_SECONDS, path=PATH, secure=secure, httponly=True, samesite="Strict")
    return token


def registered(request: HttpRequest) -> ApiToken | None:
    """The token of this browser, while it works."""
    key = request.COOKIES.get(COOKIE, "")
    token = find_token(key) if key else None
    return token if token is not None and {*SCOPES} <= {*token.scopes} else None


def pass_for(request: HttpRequest) -> str:
    """A pass for the page; "" where the installation asks this browser for none. Raises NotRegistered."""
    token = registered(request)
    if token is not None:
        return issue_pass(token.prefix)
    try:
        client = authenticate("", request.META.get("REMOTE_ADDR", ""), forwarded="HTTP_X_FORWARDED_FOR" in request.META)
    except AuthenticationFailed:
        client = None
    if client is None:
        raise NotRegistered
    return ""


def asks_for_secure_cookies(request: HttpRequest) -> bool:
    """Whether the cookie may travel over https alone."""
    return request.is_secure() or bool(settings.SESSION_COOKIE_SECURE)
