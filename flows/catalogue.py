"""Brings the shipped service catalogue into the database, and leaves what staff wrote there alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as SchemaError

from flows.models import ServiceItem

SHIPPED_CATALOGUE = Path(__file__).resolve().parent / "data" / "catalogue.json"
_ORDER_STEP = 10


class CatalogueError(Exception):
    """A catalogue file that may not be loaded; `problems` names each fault and its place."""

    def __init__(self, path: Path, problems: Collection[str]) -> None:
        super().__init__("\n".join([f"{path.name} cannot be loaded:", *(f"  {problem}" for problem in problems)]))
        self.problems = tuple(problems)


class ServiceEntry(BaseModel):
    """One item of the file. Types are checked here, the rules of the single fields by ServiceItem's validators."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    code: str
    name: str
    aliases: list[str]
    examples: list[str]
    guidance: str
    materials: list[str]
    required_slots: list[str]
    family_questions: list[str]
    department: str
    fee: str
    time_limit: str
    legal_basis: str = ""

    def as_item(self) -> ServiceItem:
        """The item as it would stand in the database, unsaved, with the hash of its own words."""
        item = ServiceItem(**self.model_dump())
        item.shipped_hash = item.content_hash()
        return item


class CatalogueFile(BaseModel):
    """The file: its items in the order in which they are shown, and the words that several of them share on purpose."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    shared_aliases: dict[str, list[str]]
    """A word that alone does not say which service is meant, e.g. 公积金, and the codes of all items it may mean."""
    items: list[ServiceEntry]


@dataclass(slots=True)
class LoadReport:
    """What load_catalogue() did, as codes in the order of the file. str() is one line."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    """Kept as staff wrote them."""
    outdated: list[str] = field(default_factory=list)
    """Those of `edited` whose shipped words have changed since: somebody should compare."""
    name_taken: list[str] = field(default_factory=list)
    """Not loaded: an item with another code has the same name."""
    withdrawn: list[str] = field(default_factory=list)
    """Came from an earlier catalogue and are no longer in it; kept as they are."""

    def __str__(self) -> str:
        counts = f"Service catalogue: {len(self.created)} created, {len(self.updated)} updated, {len(self.unchanged)} unchanged"
        details = {
            "kept as edited by staff": self.edited,
            "of these, the shipped text is newer": self.outdated,
            "not loaded, name taken by another item": self.name_taken,
            "no longer shipped, kept": self.withdrawn,
        }
        return "; ".join([counts, *(f"{what}: {', '.join(codes)}" for what, codes in details.items() if codes)])


def read_catalogue(path: Path = SHIPPED_CATALOGUE) -> list[ServiceEntry]:
    """The entries of a catalogue file; raises CatalogueError with every problem found unless the whole file is right."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_repeated_key)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CatalogueError(path, [str(error)]) from error
    try:
        catalogue = CatalogueFile.model_validate(document)
    except SchemaError as error:
        raise CatalogueError(path, [_explain(problem, document) for problem in error.errors()]) from error
    problems = [problem for entry in catalogue.items for problem in _field_problems(entry)]
    problems += _repeated("code", (entry.code for entry in catalogue.items))
    problems += _repeated("name", (entry.name for entry in catalogue.items))
    problems += _alias_problems(catalogue)
    if problems:
        raise CatalogueError(path, problems)
    return catalogue.items


def load_catalogue(path: Path = SHIPPED_CATALOGUE, *, restore: Collection[str] = ()) -> LoadReport:
    """Creates missing items and updates those that nobody edited since they were loaded; the second run changes nothing.

    Items edited by staff, items of staff's own and every item's `enabled` and `order` are never overwritten. `restore`
    names codes whose edits are to be given up for the shipped words. Raises CatalogueError where the file is wrong or a
    code to restore is not in it; nothing is changed then.
    """
    shipped = [entry.as_item() for entry in read_catalogue(path)]
    if unknown := set(restore) - {item.code for item in shipped}:
        raise CatalogueError(path, [f"no item has the code {code}" for code in sorted(unknown)])
    report = LoadReport()
    with transaction.atomic():
        stored = {item.code: item for item in ServiceItem.objects.select_for_update()}
        for position, item in enumerate(shipped, start=1):
            item.order = position * _ORDER_STEP
            _load_item(item, stored, report, overwrite=item.code in restore)
    codes = {item.code for item in shipped}
    report.withdrawn += [item.code for item in stored.values() if item.shipped_hash and item.code not in codes]
    return report


def _load_item(shipped: ServiceItem, stored: dict[str, ServiceItem], report: LoadReport, *, overwrite: bool) -> None:
    """Writes one shipped item where it may be written, notes what was done, and keeps `stored` true to the database."""
    current = stored.get(shipped.code)
    shipped_hash = shipped.shipped_hash
    if current is not None and current.shipped_hash == current.content_hash() == shipped_hash:
        report.unchanged.append(shipped.code)
        return
    if current is not None and not overwrite and current.content_hash() not in {current.shipped_hash, shipped_hash}:
        report.edited.append(shipped.code)
        if current.shipped_hash != shipped_hash:
            report.outdated.append(shipped.code)
        return
    if any(item.name == shipped.name and item.code != shipped.code for item in stored.values()):
        report.name_taken.append(shipped.code)
        return
    if current is None:
        # Another process may be loading at the same time: then its row is found, with the same words.
        stored[shipped.code], created = ServiceItem.objects.get_or_create(
            code=shipped.code, defaults={**shipped.content(), "order": shipped.order, "shipped_hash": shipped_hash}
        )
        (report.created if created else report.unchanged).append(shipped.code)
        return
    for name, value in shipped.content().items():
        setattr(current, name, value)
    current.shipped_hash = shipped_hash
    current.save()
    report.updated.append(shipped.code)


def _no_repeated_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For json.loads, which would silently take the last of two equal keys."""
    for key, count in Counter(key for key, _value in pairs).items():
        if count > 1:
            raise ValueError(f"the key {key!r} stands {count} times in one object")
    return dict(pairs)


def _explain(problem: Mapping[str, Any], document: Any) -> str:
    """A schema error with its place: items[3] (passport) fee: Field required."""
    match problem["loc"]:
        case ("items", int(index), *rest):
            entry = document["items"][index]
            code = entry.get("code") if isinstance(entry, dict) else None
            place = f"items[{index}]" + (f" ({code})" if code else "") + "".join(f" {part}" for part in rest)
        case location:
            place = ".".join(map(str, location)) or "the file"
    return f"{place}: {problem['msg']}"


def _field_problems(entry: ServiceEntry) -> list[str]:
    try:
        entry.as_item().clean_fields()
    except ValidationError as error:
        return [f"{entry.code} {name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
    return []


def _repeated(what: str, values: Iterable[str]) -> list[str]:
    return [f"the {what} {value} stands {count} times" for value, count in Counter(values).items() if count > 1]


def _alias_problems(catalogue: CatalogueFile) -> list[str]:
    """A name or alias that means two services, unless the file says that it is meant to, and exactly for whom."""
    owners: dict[str, list[str]] = {}
    for entry in catalogue.items:
        for alias in (entry.name, *entry.aliases):
            owners.setdefault(alias, []).append(entry.code)
    problems = [
        f"{alias!r} names {', '.join(codes)}, but shared_aliases does not say so"
        for alias, codes in owners.items()
        if len(codes) > 1 and sorted(catalogue.shared_aliases.get(alias, [])) != sorted(codes)
    ]
    idle = [alias for alias in catalogue.shared_aliases if len(owners.get(alias, [])) <= 1]
    return problems + [f"shared_aliases: {alias!r} is not shared by two items" for alias in idle]


def switch(items: Iterable[ServiceItem], *, enabled: bool) -> int:
    """Offers or retires items; returns how many were not so before. Each is saved, so that the audit log has it."""
    changed = 0
    with transaction.atomic():
        for item in items:
            if item.enabled != enabled:
                item.enabled = enabled
                item.save(update_fields=["enabled", "updated_at"])
                changed += 1
    return changed
