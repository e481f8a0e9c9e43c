"""Who does it, for the audit log: the API client or command at work, beside the signed-in user that auditlog notes itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_client: ContextVar[str] = ContextVar("audit_client", default="")


@contextmanager
def acting_client(name: str) -> Iterator[None]:
    """Everything written inside carries this client's name in the audit log."""
    token = _client.set(name)
    try:
        yield
    finally:
        _client.reset(token)


def audit_details() -> dict[str, str] | None:
    """What a model's get_additional_data() returns: the API client or command that acts now; None for a signed-in user."""
    client = _client.get()
    return {"client": client} if client else None
