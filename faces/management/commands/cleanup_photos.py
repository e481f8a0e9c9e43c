"""manage.py cleanup_photos: deletes stored photos that belong to nobody."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandParser

from faces.photos import orphaned_photos


class Command(BaseCommand):
    help = "Deletes photos that no sample names any more, left over where the storage failed; to be run from time to time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *, dry_run: bool, **_options: Any) -> None:
        photos = list(orphaned_photos())
        if not dry_run:
            for photo in photos:
                default_storage.delete(photo)
        self.stdout.write(f"{len(photos)} photos belong to nobody" + ("" if dry_run else " and were deleted"))
