"""manage.py reembed: gives every sample the embedding of the engine that runs now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from faces.bulk import outdated_samples, reembed
from faces.engines.base import EngineUnavailable
from faces.gallery import close_gallery, gallery
from faces.index.base import IndexUnavailable
from faces.models import FaceSample
from faces.workers import close_face_workers
from kiosk.runtime.audit import acting_client


class Command(BaseCommand):
    help = "Embeds the stored photos again with the engine that runs now; needed once after the engine or its pack changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that this engine made, to mend damaged rows")

    def handle(self, **options: Any) -> None:
        problems = 0
        try:
            samples = FaceSample.objects.order_by("pk") if options["all"] else outdated_samples()
            total = samples.count()
            with acting_client("manage.py reembed"):
                for done in tqdm(reembed(samples), total=total, unit="photo", disable=None):
                    if done.problem:
                        problems += 1
                        self.stderr.write(f"sample {done.sample_id}: {done.problem}")
                gallery().catch_up()
                gallery().forget_other_engines()
        except (EngineUnavailable, IndexUnavailable) as error:
            raise CommandError(str(error)) from None
        finally:
            close_gallery()
            close_face_workers()
        self.stdout.write(f"{total - problems} re-embedded, {problems} left as they were")
