"""manage.py rotate_keys: writes everything that is encrypted anew with the first of the keys."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from kiosk.runtime.rotation import rotate, rows_to_read


class Command(BaseCommand):
    help = (
        "Re-encrypts with the first key of KIOSK_ENCRYPTION_KEYS what the others encrypted. Put the new key in front, restart "
        "every server, run this, then drop the old key. Servers may go on running; a run that is broken off is begun again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=100, help="rows of one transaction")

    def handle(self, *, batch: int, **_options: Any) -> None:
        if batch < 1:
            raise CommandError("--batch: at least 1")
        rewritten, problems = 0, []
        with tqdm(total=rows_to_read(), unit="row", disable=None) as progress:
            for done in rotate(batch):
                progress.update(done.rows)
                rewritten += done.rewritten
                problems += done.problems
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError(f"{rewritten} columns rewritten, {len(problems)} left as they were: keep the old keys")
        self.stdout.write(f"{rewritten} columns rewritten; everything is under the first key, the others can be dropped")
