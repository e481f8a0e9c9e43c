"""manage.py sightings_index: makes the indexes of faces and plates seen in videos, or builds them anew from the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from analytics.models import FaceSighting, PlateSighting
from analytics.sightings.indexes import close_indexes, face_index, plate_index, uses_elasticsearch
from analytics.sightings.rows import FaceRows, PlateRows
from faces.engines.base import EngineUnavailable
from faces.errors import FaceError
from faces.index.base import IndexUnavailable
from faces.index.elasticsearch import ElasticsearchIndex
from faces.index.following import Follower, RowSource
from faces.workers import close_face_workers

Entry = TypeVar("Entry")

_ACTIONS: Final = ("create", "reindex", "status")
_KINDS: Final = ("faces", "plates")


class Command(BaseCommand):
    help = "The search indexes of sightings, in Elasticsearch where ELASTICSEARCH_URL is set, else in the data folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", choices=_ACTIONS, help="create: make the indexes and mappings; reindex: build them anew; status"
        )
        parser.add_argument("--only", choices=_KINDS, help="one of the two indexes")

    def handle(self, **options: Any) -> None:
        kinds = [options["only"]] if options["only"] else _KINDS
        try:
            for kind in kinds:
                self._faces(options["action"]) if kind == "faces" else self._plates(options["action"])
        except (EngineUnavailable, FaceError, IndexUnavailable) as error:
            raise CommandError(str(error)) from None
        finally:
            close_indexes()
            close_face_workers()

    def _faces(self, action: str) -> None:
        index = face_index()
        if action == "create" and isinstance(index.vectors, ElasticsearchIndex):
            index.vectors.create()
        if action == "reindex":
            total = FaceSighting.objects.filter(engine=index.info.identity).count()
            index.vectors.clear()
            Follower(index.vectors, _Shown(FaceRows(index.info), total, "face")).catch_up()
        self._say("faces", index.vectors.version, len(index.vectors), f"engine {index.info.identity}")

    def _plates(self, action: str) -> None:
        index = plate_index()
        if action == "create":
            index.plates.create()
        if action == "reindex":
            total = PlateSighting.objects.count()
            index.plates.clear()
            Follower(index.plates, _Shown(PlateRows(), total, "plate")).catch_up()
        self._say("plates", index.plates.version, len(index.plates), "all engines")

    def _say(self, kind: str, version: int, count: int, remark: str) -> None:
        where = "Elasticsearch" if uses_elasticsearch() else "data folder"
        self.stdout.write(f"{kind}: {count} in the index, version {version} ({where}, {remark})")


class _Shown(Generic[Entry]):
    """Rows with a progress bar."""

    def __init__(self, rows: RowSource[Entry], total: int, unit: str) -> None:
        self._rows = rows
        self._total = total
        self._unit = unit

    def current(self) -> int:
        return self._rows.current()

    def added_since(self, version: int) -> Iterator[Entry]:
        entries: Iterable[Entry] = tqdm(self._rows.added_since(version), total=self._total, unit=self._unit, disable=None)
        yield from entries

    def removed_since(self, version: int) -> Collection[int]:
        return self._rows.removed_since(version)

    def forgotten(self) -> int:
        return self._rows.forgotten()
