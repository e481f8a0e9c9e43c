"""manage.py enforce_retention: deletes visits whose time is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from tqdm import tqdm

from flows.erasure import Erased, note_erasure
from flows.models import DialogueSession
from flows.recordings import delete_recordings, orphaned_recordings
from flows.retention import erase_overdue, lapsed_visits, mark_lapsed, would_erase
from kiosk.runtime.audit import acting_client
from kiosk.runtime.retention import enforce_retention


class Command(BaseCommand):
    help = (
        "Deletes visits older than KIOSK_VISIT_DAYS and those never stored after KIOSK_ABANDONED_HOURS, with all that was said "
        "and its sound, marks those that expired, and deletes what other apps keep for a while only. To be run every night."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *, dry_run: bool, **_options: Any) -> None:
        now = timezone.now()
        if dry_run:
            self._report("would be ", would_erase(now), lapsed_visits(now).count(), sum(1 for _ in orphaned_recordings(now)))
            self._others(now, dry_run=True)
            return
        erased = Erased()
        with acting_client("manage.py enforce_retention"):
            try:
                with tqdm(total=would_erase(now).visits, unit="visit", disable=None) as progress:
                    for batch in erase_overdue(now):
                        erased += batch
                        progress.update(batch.visits)
            finally:
                # Also when a batch fails: what is gone is gone.
                if erased.visits:
                    days, hours = settings.KIOSK.visit_days, settings.KIOSK.abandoned_hours
                    note_erasure(DialogueSession, "", "", erased, visit_days=days, abandoned_hours=hours)
            marked = mark_lapsed(now)
            orphans = delete_recordings(orphaned_recordings(now))
            self._report("", erased, marked, orphans)
            self._others(now, dry_run=False)

    def _others(self, now: datetime, *, dry_run: bool) -> None:
        for line in enforce_retention(now, dry_run=dry_run):
            self.stdout.write(line)

    def _report(self, verb: str, erased: Erased, marked: int, orphans: int) -> None:
        self.stdout.write(
            f"{erased.visits} visits {verb}deleted, with {erased.turns} turns and {erased.recordings} recordings; "
            f"{marked} {verb}marked as expired; {orphans} recordings of nobody {verb}deleted"
        )
