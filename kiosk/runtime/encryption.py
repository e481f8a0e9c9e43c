"""Database fields whose content is unreadable to whoever gets hold of the database without the installation's key.

Fernet of the `cryptography` package: AES-128-CBC with HMAC-SHA-256, a fresh IV for each value, so that equal values can't be
told from the rows. The first key of `KIOSK_ENCRYPTION_KEYS` encrypts, all of them decrypt: put a new key in front, run
`manage.py rotate_keys`, then drop the old one. Where a value has to be found again by its content, a BlindIndexField stands
beside it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute

from kiosk.runtime.secrets import stored_secret

INDEX_LENGTH: Final = 64
"""Characters of a blind index."""


class Undecryptable(Exception):
    """A stored value fits none of the keys: KIOSK_ENCRYPTION_KEYS lacks the one it was written with, or the row is damaged."""

    def __init__(self, what: str = "an encrypted value") -> None:
        super().__init__(f"{what} fits none of the keys in KIOSK_ENCRYPTION_KEYS")


@functools.cache
def _secrets() -> tuple[bytes, ...]:
    configured = settings.KIOSK.encryption_keys.get_secret_value()
    keys = [part.strip() for part in configured.split(",") if part.strip()]
    return tuple(key.encode() for key in keys or [stored_secret(settings.KIOSK.data_dir / "encryption_key")])


@functools.cache
def _ciphers() -> tuple[Fernet, ...]:
    return tuple(Fernet(base64.urlsafe_b64encode(_derived(secret, b"fields"))) for secret in _secrets())


@functools.cache
def _cipher() -> MultiFernet:
    return MultiFernet(_ciphers())


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose. The secrets are long and random, so that no slow derivation is needed."""
    return hmac.new(secret, b"kiosk.encryption." + purpose, hashlib.sha256).digest()


def forget_keys() -> None:
    """Reads the keys anew at the next use; for tests."""
    for cached in (_secrets, _ciphers, _cipher):
        cached.cache_clear()


def encrypt(text: str) -> str:
    """The ciphertext, in ASCII."""
    return _cipher().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The text again. Raises Undecryptable."""
    try:
        return _cipher().decrypt(token.encode("ascii", "replace")).decode()
    except InvalidToken:
        raise Undecryptable from None


def is_current(token: str) -> bool:
    """Whether this ciphertext was made with the first key."""
    try:
        _ciphers()[0].decrypt(token.encode("ascii", "replace"))
    except InvalidToken:
        return False
    return True


def blind_index(text: str) -> str:
    """A keyed digest (64 hex characters) by which an encrypted value is found; made with the first key."""
    return blind_indexes(text)[0]


def blind_indexes(text: str) -> list[str]:
    """The digests of a text by every key, the first key's first: rows that are not rotated yet are found by the others."""
    return [hmac.new(_derived(secret, b"index"), text.encode(), hashlib.sha256).hexdigest() for secret in _secrets()]


class Ciphertext:
    """A column's content as it stands there: what can't be decrypted, and what is written without being encrypted again.

    A model's attribute never is one: reading it raises Undecryptable, and saving the row leaves the column as it is.
    values() and values_list() hand it out.
    """

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "<Ciphertext>"

    def __str__(self) -> str:
        raise Undecryptable


class IsEmpty(Exact):
    """The only comparison that an encrypted column allows: with "". Any other text is never the same twice."""

    def get_prep_lookup(self) -> str:
        if self.rhs != "":
            raise FieldError("An encrypted field can't be searched by its content; use its blind index.")
        return ""


class _Attribute(DeferredAttribute):
    """A value that could not be decrypted is told when it is asked for, so that the rest of its row can be read."""

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            raise Undecryptable(f"{self.field.name} of {instance!r}")
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that stands encrypted in its column; "" stays "". Can't be searched, sorted or made unique.

    A value that fits none of the keys raises Undecryptable when the attribute is read.
    """

    descriptor_class = _Attribute

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Ciphertext):
            return value.token
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: ARG002 - Django's signature
        return model_instance.__dict__[self.attname]

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Any:
        if not value:
            return value
        try:
            return decrypt(value)
        except Undecryptable:
            return Ciphertext(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """Only isnull and IsEmpty."""
        return {"isnull": super().get_lookup("isnull"), "exact": IsEmpty}.get(lookup_name)


class EncryptedJSONField(EncryptedTextField):
    """A JSON value that stands encrypted in its column; written anew as a whole."""

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, Ciphertext):
            return super().get_prep_value(value)
        return super().get_prep_value(json.dumps(value, ensure_ascii=False, separators=(",", ":"), cls=DjangoJSONEncoder))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        text = super().from_db_value(value, expression, connection)
        return json.loads(text) if isinstance(text, str) and text else text

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> Any:
        """The value itself: Django's serializers make JSON of it."""
        return self.value_from_object(obj)


class BlindIndexField(models.CharField):  # type: ignore[type-arg]
    """The blind index of the encrypted field `of`, NULL where that is empty; written whenever the row is saved.

    A save with update_fields has to name both. Migrations see a CharField: the column knows nothing of keys.
    """

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{"max_length": INDEX_LENGTH, "null": True, "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def clone(self) -> Any:
        _name, _path, args, kwargs = super().deconstruct()
        return type(self)(*args, of=self.of, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """An index whose value can't be decrypted stays as it is."""
        if not isinstance(model_instance.__dict__.get(self.of), Ciphertext):
            text = getattr(model_instance, self.of)
            setattr(model_instance, self.attname, blind_index(text) if text else None)
        return super().pre_save(model_instance, add)
