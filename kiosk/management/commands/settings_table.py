"""manage.py settings_table: docs/settings.md, made from the settings themselves."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from kiosk.environment import BASE_DIR, Environment, environment_name


class Command(BaseCommand):
    help = "Prints docs/settings.md."
    requires_system_checks = []

    def handle(self, **_options: Any) -> None:
        lines = [
            "# Settings",
            "",
            "Read from the environment and from an optional `.env` beside manage.py (KIOSK_ENV_FILE names another file).",
            "Made by `make docs` from kiosk/environment.py.",
            "",
            "| name | default | meaning |",
            "| --- | --- | --- |",
        ]
        for field, info in Environment.model_fields.items():
            lines.append(f"| `{environment_name(field)}` | {_default(info)} | {_meaning(info)} |")
        self.stdout.write("\n".join(lines))


def _default(info: FieldInfo) -> str:
    value = info.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.relative_to(BASE_DIR)
    if isinstance(value, tuple):
        value = ",".join(value)
    return "" if value in {"", None} else f"`{value}`"


def _meaning(info: FieldInfo) -> str:
    choices = typing.get_args(info.annotation) if typing.get_origin(info.annotation) is typing.Literal else ()
    listed = f" ({', '.join(choices)})" if choices and all(isinstance(choice, str) for choice in choices) else ""
    return f"{info.description}{listed}".replace("|", "\\|")
