"""Writing everything that is encrypted anew with the first key, beside a running server and in any number of runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import ExpressionWrapper, F

from kiosk.runtime.encryption import (
    BlindIndexField,
    Ciphertext,
    EncryptedTextField,
    Undecryptable,
    blind_index,
    decrypt,
    encrypt,
    is_current,
)

_RAW = "raw_"


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some rows of one model."""

    model: str
    rows: int
    rewritten: int
    problems: list[str] = field(default_factory=list)
    """Which column of which row was left as it was, and why; by primary keys, which tell of nobody."""


@dataclass(frozen=True, slots=True)
class _Columns:
    model: type[models.Model]
    encrypted: list[EncryptedTextField]
    indexes: list[BlindIndexField]

    @property
    def read(self) -> set[str]:
        """Which columns have to be known: the encrypted ones and the indexes."""
        return {column.attname for column in (*self.encrypted, *self.indexes)}


def _encrypted_columns() -> list[_Columns]:
    """Of every model that has any."""
    found = []
    for model in apps.get_models():
        columns = model._meta.concrete_fields  # noqa: SLF001 - Django's documented API
        encrypted = [column for column in columns if isinstance(column, EncryptedTextField)]
        if encrypted:
            found.append(_Columns(model, encrypted, [column for column in columns if isinstance(column, BlindIndexField)]))
    return found


def foreign_columns(looked_at: int = 3) -> list[str]:
    """Encrypted columns ("flows.Citizen.phone") of whose newest values not one fits any of the keys.

    Looks at the newest `looked_at` rows of each model: what a wrong key shows, and one damaged row does not.
    """
    foreign = []
    for columns in _encrypted_columns():
        raw = {_RAW + column.attname: ExpressionWrapper(F(column.attname), models.TextField()) for column in columns.encrypted}
        rows = list(columns.model._base_manager.order_by("-pk").annotate(**raw).values(*raw)[:looked_at])  # noqa: SLF001
        for column in columns.encrypted:
            tokens = [row[_RAW + column.attname] for row in rows if row[_RAW + column.attname]]
            if tokens and not any(_readable(token) for token in tokens):
                foreign.append(f"{columns.model._meta.label}.{column.attname}")  # noqa: SLF001
    return foreign


def _readable(token: str) -> bool:
    try:
        decrypt(token)
    except Undecryptable:
        return False
    return True


def rows_to_read() -> int:
    """How many rows one run of rotate() looks at."""
    return sum(columns.model._base_manager.count() for columns in _encrypted_columns())  # noqa: SLF001


def rotate(batch_size: int = 100) -> Iterator[Batch]:
    """Re-encrypts what is not under the first key, and makes blind indexes anew.

    Each batch is a transaction of its own, whose rows are locked for a moment: a run that is broken off is simply begun again,
    and what a server writes meanwhile is not lost. What fits no key is left as it is and named in `problems`.
    """
    for columns in _encrypted_columns():
        last: Any = None
        while True:
            with transaction.atomic():
                rows = _locked(columns, last, batch_size)
                done = [_rewrite(columns, row) for row in rows]
            if not rows:
                break
            last = rows[-1]["pk"]
            problems = [f"{columns.model._meta.label} {problem}" for _count, found in done for problem in found]  # noqa: SLF001
            yield Batch(columns.model._meta.label, len(rows), sum(count for count, _found in done), problems)  # noqa: SLF001


def _locked(columns: _Columns, after: Any, count: int) -> list[dict[str, Any]]:
    """The next rows by primary key, with their columns as they stand in the database."""
    queryset = columns.model._base_manager.order_by("pk").select_for_update()  # noqa: SLF001
    if after is not None:
        queryset = queryset.filter(pk__gt=after)
    raw = {_RAW + name: ExpressionWrapper(F(name), models.TextField()) for name in columns.read}
    return list(queryset.annotate(**raw).values("pk", *raw)[:count])


def _rewrite(columns: _Columns, row: dict[str, Any]) -> tuple[int, list[str]]:
    """How many columns were written, and the problems."""
    changes: dict[str, Any] = {}
    texts: dict[str, str] = {}
    problems = []
    for column in columns.encrypted:
        token = row[_RAW + column.attname]
        try:
            texts[column.attname] = decrypt(token) if token else ""
        except Undecryptable:
            problems.append(f"{row['pk']}: {column.attname} fits none of the keys")
            continue
        if token and not is_current(token):
            changes[column.attname] = Ciphertext(encrypt(texts[column.attname]))
    for index in columns.indexes:
        text = texts.get(index.of)
        wanted = blind_index(text) if text else None
        if text is not None and row[_RAW + index.attname] != wanted:
            changes[index.attname] = wanted
    if changes:
        try:
            with transaction.atomic():
                columns.model._base_manager.filter(pk=row["pk"]).update(**changes)  # noqa: SLF001
        except IntegrityError:
            return 0, [*problems, f"{row['pk']}: another row has the same value of {columns.indexes[0].of}"]
    return len(changes), problems
