"""Who calls: `Authorization: Bearer TOKEN`, or anyone on this machine while a development installation has no token."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from kiosk.api.passes import is_pass, prefix_of
from kiosk.api.scopes import Scope
from kiosk.models import ApiToken

_LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The caller of an API, as views, throttles and the audit log know it."""

    name: str
    """For people: the token's name."""
    ident: str
    """For machines: the token's prefix, or "local"; never the secret."""
    scopes: frozenset[str] = field(default_factory=frozenset)
    is_authenticated: bool = True


class TokenAuthentication(BaseAuthentication):
    """Bearer tokens (kiosk.models.ApiToken)."""

    def authenticate(self, request: Request) -> tuple[ApiClient, None] | None:
        """The client of a good token; None without one; AuthenticationFailed for a bad one."""
        meta = request.META
        client = authenticate(
            meta.get("HTTP_AUTHORIZATION", ""), meta.get("REMOTE_ADDR", ""), forwarded="HTTP_X_FORWARDED_FOR" in meta
        )
        return None if client is None else (client, None)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the base class's signature
        return "Bearer"


_LOCAL_CLIENT = ApiClient(name="local", ident="local", scopes=frozenset(Scope.values))


def authenticate(authorization: str, address: str, *, forwarded: bool) -> ApiClient | None:
    """The client who sent this Authorization header from this address; None without one, AuthenticationFailed for a bad one.

    `forwarded`: a proxy says that the request came from elsewhere.
    """
    if not authorization:
        return _LOCAL_CLIENT if _open_to(address, forwarded=forwarded) else None
    keyword, _space, key = authorization.partition(" ")
    if keyword.lower() != "bearer" or not key.strip():
        raise AuthenticationFailed(_("Authorization must be: Bearer TOKEN."))
    token = find_token(key.strip())
    if token is None:
        raise AuthenticationFailed(_("The token is unknown, revoked or expired."))
    return ApiClient(name=token.name, ident=token.prefix, scopes=frozenset(token.scopes))


def find_token(key: str) -> ApiToken | None:
    """The usable token of this key, or of this pass (kiosk.api.passes), noting its use at most once a minute."""
    try:
        token = (
            ApiToken.objects.get_usable_keys().get(prefix=prefix_of(key)) if is_pass(key) else ApiToken.objects.get_from_key(key)
        )
    except ApiToken.DoesNotExist:
        return None
    assert isinstance(token, ApiToken)
    if token.has_expired:
        return None
    if cache.add(f"token-used:{token.prefix}", 1, timeout=_LAST_USED_STEP.total_seconds()):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
    return token


def usable_tokens_exist() -> bool:
    """Whether any client has been given a token that still works."""
    return ApiToken.objects.get_usable_keys().exclude(expiry_date__lt=timezone.now()).exists()


def _tokens_exist_lately() -> bool:
    """usable_tokens_exist(), at most a second old: it is asked at every request that carries no token."""
    key = "api-tokens-exist"
    known: bool | None = cache.get(key)
    if known is None:
        known = usable_tokens_exist()
        cache.set(key, known, timeout=1)
    return known


def _open_to(address: str, *, forwarded: bool) -> bool:
    """An installation in development that has no token yet answers anyone on this machine, and nobody else."""
    if settings.KIOSK.production or settings.KIOSK.behind_proxy or forwarded:
        return False
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
    return loopback and not _tokens_exist_lately()
