"""manage.py load_catalogue: the shipped service catalogue, into the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flows.catalogue import CatalogueError, load_catalogue
from kiosk.runtime.audit import acting_client


class Command(BaseCommand):
    help = "Loads the shipped service catalogue: adds what is missing, updates what nobody edited, keeps what staff wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--restore", nargs="+", default=[], metavar="CODE", help="give up staff's edits of these items")

    def handle(self, *, restore: list[str], **_options: Any) -> None:
        try:
            with acting_client("load_catalogue"):
                report = load_catalogue(restore=restore)
        except CatalogueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(report))
