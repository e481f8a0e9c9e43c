"""How the indexes of sightings follow the rows: every change has a version, a number that only grows.

A row carries the version that brought it, a removed one leaves its number and the version that removed it. Nobody who writes or
deletes sightings has to think of it: saving, `bulk_create` and deleting do it themselves, and a deleted video says it for what
it takes along (analytics.sightings.changes). Only `update()` of an embedding or of a key would go unnoticed, and is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)

_SEARCHED: frozenset[str] = frozenset({"embedding", "engine", "key"})
"""Columns that the indexes hold."""
_ROWS_AT_ONCE = 2000


class SightingKind(models.TextChoices):
    """What is indexed on its own."""

    FACE = "face"
    PLATE = "plate"


class SightingState(models.Model):
    """One row for each kind, whose number grows with every change of its sightings.

    Whoever changes sightings updates it first, in the same transaction: its row lock makes versions appear in the order in which
    they are committed, so that a reader who has seen version n has missed nothing below n.
    """

    kind = models.CharField(max_length=8, unique=True, choices=SightingKind.choices)
    version = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)
    """Removals up to this version are not noted any more."""

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"

    @classmethod
    def advance(cls, kind: str) -> int:
        """The next version, to be written with the rows of this transaction."""
        if not cls.objects.filter(kind=kind).update(version=F("version") + 1):
            cls.objects.get_or_create(kind=kind)
            cls.objects.filter(kind=kind).update(version=F("version") + 1)
        return cls.current(kind)

    @classmethod
    def current(cls, kind: str) -> int:
        """0 before there was any sighting."""
        return cls.objects.filter(kind=kind).values_list("version", flat=True).first() or 0


class RemovedSighting(models.Model):
    """Notes that a sighting is gone, so that every index drops it."""

    kind = models.CharField(max_length=8, choices=SightingKind.choices)
    sighting_id = models.BigIntegerField()
    version = models.BigIntegerField()
    removed_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "version"], name="removed_sighting_version")]

    def __str__(self) -> str:
        return f"{self.kind} {self.sighting_id} at {self.version}"


def note_removed(kind: str, sightings: models.QuerySet[Any]) -> None:
    """Notes, in the transaction under way, that these sightings go."""
    if not sightings.exists():
        return
    version = SightingState.advance(kind)
    ids = sightings.order_by().values_list("pk", flat=True)
    RemovedSighting.objects.bulk_create(
        (RemovedSighting(kind=kind, sighting_id=pk, version=version) for pk in list(ids)), batch_size=_ROWS_AT_ONCE
    )


class SightingQuerySet(models.QuerySet[Row]):
    """Sightings, of which each change has its version."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        rows = list(objs)
        if not rows:
            return rows
        with transaction.atomic(using=self.db):
            version = SightingState.advance(self._kind)
            for row in rows:
                row.version = version  # type: ignore[attr-defined]
            return super().bulk_create(rows, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            note_removed(self._kind, self)
            return super().delete()

    def update(self, **values: Any) -> int:
        """Raises ValueError for what the indexes hold: save the rows instead."""
        self._refuse_searched(values)
        return super().update(**values)

    def bulk_update(self, objs: Iterable[Row], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        names = list(fields)
        self._refuse_searched(names)
        return super().bulk_update(objs, names, *args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
    update.alters_data = True  # type: ignore[attr-defined]

    @property
    def _kind(self) -> str:
        kind: str = self.model.sighting_kind  # type: ignore[attr-defined]
        return kind

    @staticmethod
    def _refuse_searched(names: Collection[str]) -> None:
        refused = _SEARCHED.intersection(names)
        if refused:
            raise ValueError(f"update() can't tell the search index of {', '.join(sorted(refused))}: save the rows")


class SightingManager(models.Manager[Row]):
    """Every way to write and delete sightings goes through SightingQuerySet."""

    def get_queryset(self) -> SightingQuerySet[Row]:
        return SightingQuerySet(self.model, using=self._db)


class IndexedSighting(models.Model):
    """A row whose changes the indexes notice."""

    sighting_kind: ClassVar[SightingKind]
    version = models.BigIntegerField(default=0, editable=False)
    """What brought the row; see SightingState."""

    objects = SightingManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        with transaction.atomic():
            if fields is None or _SEARCHED.intersection(fields):
                self.version = SightingState.advance(self.sighting_kind)
                if fields is not None:
                    kwargs["update_fields"] = {*fields, "version"}
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            note_removed(self.sighting_kind, type(self).objects.filter(pk=self.pk))
            return super().delete(*args, **kwargs)
