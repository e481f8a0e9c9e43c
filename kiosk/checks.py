"""System checks of the settings as a whole: printed at the start of every command, `manage.py serve` among them."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from kiosk.environment import unknown_settings


@register()
def settings_are_known(**_kwargs: Any) -> list[CheckMessage]:
    """A name that is misspelt sets nothing; whoever wrote it believes that it does."""
    return [
        Warning(
            f"{name} is no setting and has no effect",
            hint=f"Is {likely} meant?" if likely else "docs/settings.md has all of them",
            id="kiosk.W001",
        )
        for name, likely in unknown_settings().items()
    ]
