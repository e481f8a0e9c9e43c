"""manage.py reembed: gives every sample the embedding of the engine that runs now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from faces.bulk import outdated_samples, reembed_all
from faces.engines.base import EngineUnavailable
from faces.workers import close_face_workers
from kiosk.runtime.audit import acting_client


class Command(BaseCommand):
    help = "Embeds the stored photos again with the engine that runs now; needed once after the engine or its pack changed."

    def handle(self, **_options: Any) -> None:
        problems = 0
        try:
            total = outdated_samples().count()
            with acting_client("manage.py reembed"):
                for done in tqdm(reembed_all(), total=total, unit="photo", disable=None):
                    if done.problem:
                        problems += 1
                        self.stderr.write(f"sample {done.sample_id}: {done.problem}")
        except EngineUnavailable as error:
            raise CommandError(str(error)) from None
        finally:
            close_face_workers()
        self.stdout.write(f"{total - problems} re-embedded, {problems} left as they were")
