"""manage.py enrol: a folder or a CSV list of photos into the gallery."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from faces.bulk import BadList, Report, Status, enrol_all, read_candidates
from faces.engines.base import EngineUnavailable
from faces.models import ConsentSource
from faces.workers import close_face_workers
from kiosk.runtime.audit import acting_client


class Command(BaseCommand):
    help = (
        "Enrols every photo of a folder (T001_张三.jpg, 张三.jpg or T001_张三/1.jpg) or of a CSV list (photo, name, number, "
        "user_type). Broken off, it goes on where it stopped; the report says what was refused and why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="folder or CSV list")
        parser.add_argument(
            "--consent",
            choices=ConsentSource.values,
            required=True,
            help="how these people consented to face recognition, or on what other ground they are enrolled",
        )
        parser.add_argument("--report", type=Path, help="CSV report (default: enrol-report.csv beside the source)")

    def handle(self, *, source: Path, consent: str, report: Path | None, **_options: Any) -> None:
        report_path = report or source.resolve().parent / "enrol-report.csv"
        try:
            candidates = read_candidates(source)
            with Report(report_path) as journal, acting_client("manage.py enrol"):
                counts: Counter[Status] = Counter()
                outcomes = enrol_all(candidates, consent=consent, settled=journal.settled)
                for outcome in tqdm(outcomes, total=len(candidates), unit="photo", disable=None):
                    counts[outcome.status] += 1
                    if outcome.status is not Status.KNOWN:
                        journal.add(outcome)
        except (BadList, EngineUnavailable) as error:
            raise CommandError(str(error)) from None
        finally:
            close_face_workers()
        self.stdout.write(", ".join(f"{counts[status]} {status}" for status in Status) + f"; report: {report_path}")
