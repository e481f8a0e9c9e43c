"""docs/asyncapi.yaml as the tests read it: its references resolved, its messages as JSON schemas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

PATH = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.yaml"


@cache
def document() -> dict[str, Any]:
    """The document as it stands."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


def look_up(reference: str) -> Any:
    """What a reference within the document leads to, through further ones. KeyError where it leads nowhere."""
    value: Any = document()
    for key in reference.removeprefix("#/").split("/"):
        value = value[key.replace("~1", "/")]
    return look_up(value["$ref"]) if isinstance(value, dict) and "$ref" in value else value


def resolved(value: Any) -> Any:
    """The value with everything it refers to in its place."""
    if isinstance(value, dict):
        return resolved(look_up(value["$ref"])) if "$ref" in value else {key: resolved(item) for key, item in value.items()}
    return [resolved(item) for item in value] if isinstance(value, list) else value


def references(value: Any) -> Iterator[str]:
    """Every reference in the value."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


@cache
def answers_on(path: str) -> tuple[Draft202012Validator, ...]:
    """The payloads of every message that the server sends on a path, the flow port's / as /flow, the event port's as /events."""
    addresses = {"/flow", "/events"} if path == "/" else {path}
    channels = [name for name, channel in document()["channels"].items() if channel["address"] in addresses]
    replies = [
        message
        for operation in document()["operations"].values()
        if operation["channel"]["$ref"].rpartition("/")[2] in channels
        for message in operation.get("reply", {}).get("messages", [])
    ]
    return tuple(Draft202012Validator(resolved(message)["payload"]) for message in replies)


def is_documented(path: str, body: Any) -> bool:
    """Whether the server may send this on a path."""
    return any(validator.is_valid(body) for validator in answers_on(path.partition("?")[0]))
