"""The protocol's `hash`: an unguessable token of one visit, good for one user_id.

It is the visit's random key and a MAC over key and user_id under a secret derived for this purpose: nothing that lies in the
database opens a visit, and a hash together with another user_id is refused before the database is asked.
"""

from __future__ import annotations

import re
import uuid

from django.utils.crypto import constant_time_compare, salted_hmac

_PURPOSE = "flows.dialogue.tokens"
_MAC_CHARACTERS = 32
_FORM = re.compile(r"[0-9a-f]{64}", re.ASCII)
LENGTH = 64


def hash_of(key: uuid.UUID, user_id: str) -> str:
    """The hash of the visit with this key: 64 hex characters."""
    return key.hex + _mac(key, user_id)


def key_of(token: str, user_id: str) -> uuid.UUID | None:
    """The key of the visit that `token` opens for `user_id`; None where it was not made here, or for somebody else."""
    if not _FORM.fullmatch(token):
        return None
    key = uuid.UUID(hex=token[:-_MAC_CHARACTERS])
    return key if constant_time_compare(token[-_MAC_CHARACTERS:], _mac(key, user_id)) else None


def request_digest(user_id: str, kind: str, content: bytes) -> str:
    """By which a handshake posted again is recognised: a keyed digest, so that a short text can't be guessed from it."""
    # Lengths first: no two different requests are the same bytes.
    head = f"{len(user_id.encode())}:{user_id}:{kind}:".encode()
    return salted_hmac("flows.dialogue.requests", head + content, algorithm="sha256").hexdigest()


def _mac(key: uuid.UUID, user_id: str) -> str:
    return salted_hmac(_PURPOSE, key.bytes + user_id.encode(), algorithm="sha256").hexdigest()[:_MAC_CHARACTERS]
