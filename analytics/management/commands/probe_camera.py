"""manage.py probe_camera: does a device give pictures?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Opens a device, by its number in admin's address, decodes one picture, and says as JSON what came of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("device", type=int)

    def handle(self, *, device: int, **_options: Any) -> None:
        from analytics.cameras.probing import probe
        from analytics.models import MediaDevice

        found = MediaDevice.objects.filter(pk=device).first()
        if found is None:
            raise CommandError(f"There is no device {device}")
        self.stdout.write(json.dumps(asdict(probe(found))))
