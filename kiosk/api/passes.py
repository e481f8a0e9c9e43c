"""Passes: what the page of a registered kiosk shows instead of its token.

The browser keeps the device's token in a cookie that no script reads (kiosk.pages.devices); the page's scripts get a pass, which
names the token, is signed, and works for SECONDS. Whoever revokes the token ends its passes with it.
"""

from __future__ import annotations

from typing import Final

from django.core.signing import BadSignature, TimestampSigner

SECONDS: Final = 900
_MARK: Final = "pass."
_SIGNER: Final = TimestampSigner(salt="kiosk.api.passes", sep=".")
"""Dots, because a colon may not stand in the subprotocol by which browsers show a token to a websocket."""


def issue_pass(prefix: str) -> str:
    """A pass in the name of the token with this prefix."""
    return _MARK + _SIGNER.sign(prefix)


def is_pass(key: str) -> bool:
    """Whether a bearer key claims to be a pass."""
    return key.startswith(_MARK)


def prefix_of(key: str) -> str | None:
    """The prefix of the token that a pass stands for; None where it was not issued here, or too long ago."""
    try:
        return _SIGNER.unsign(key.removeprefix(_MARK), max_age=SECONDS)
    except BadSignature:
        return None
