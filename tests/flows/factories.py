"""Service items and catalogue files of the flows app's tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.models import ServiceItem


def words(code: str = "passport", **changes: Any) -> dict[str, Any]:
    """One entry of a catalogue file, right in every field."""
    return {
        "code": code,
        "name": f"{code}事项",
        "aliases": [f"{code}别名"],
        "examples": ["我要办护照", "护照怎么办"],
        "guidance": "请带身份证到窗口办理。不收费。",
        "materials": ["居民身份证"],
        "required_slots": ["address", "hukou"],
        "family_questions": ["child"],
        "department": "公安机关",
        "fee": "免费",
        "time_limit": "当场办结",
        "legal_basis": "",
    } | changes


def service_item(code: str = "own", **changes: Any) -> ServiceItem:
    """An item as staff write it: saved, of no catalogue."""
    return ServiceItem.objects.create(**words(code, **changes))


def write_catalogue(folder: Path, *entries: dict[str, Any], shared_aliases: dict[str, list[str]] | None = None) -> Path:
    """A catalogue file of these entries."""
    path = folder / "catalogue.json"
    path.write_text(json.dumps({"shared_aliases": shared_aliases or {}, "items": list(entries)}), encoding="utf-8")
    return path
