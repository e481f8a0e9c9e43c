"""`manage.py models list|pull|verify`: the model packs of this installation. See docs/model-packs.md.

Exit status: 1 for what can't be done, 3 for a damaged pack, 4 for a licence that has to be accepted first.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from kiosk.runtime.packs import Entry, Job, LicenceNotAccepted, PackError, PackStore, Record, Request, State, pull
from kiosk.runtime.packs.progress import Advance

EXIT_DAMAGED = 3
EXIT_LICENCE = 4
MEGABYTE = 1_000_000
COMMERCIAL = {True: "yes", False: "no", None: "?"}
COLUMNS = ("NAME", "JOB", "SIZE", "LICENCE", "COMMERCIAL USE", "CHECKSUM", "STATE", "FOLDER")


class Command(BaseCommand):
    help = "Lists, installs and verifies model packs."
    requires_system_checks = ()
    """A missing pack is itself a failing check, and this command is what mends it."""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|pull|verify")
        actions.add_parser("list", help="all packs: size, licence, and where they are installed")
        getting = actions.add_parser("pull", help="download and install a pack, or install one from a folder or file")
        getting.add_argument("name", help="of the pack, as in the list; any other for a pack of your own")
        getting.add_argument(
            "--from", dest="source", default="", metavar="SOURCE", help="a folder, a file, or the URL of a mirror"
        )
        getting.add_argument("--job", choices=list(Job), help="what a pack of your own is for")
        getting.add_argument("--sha256", default="", help="demand this checksum of the file or archive that comes")
        getting.add_argument("--licence", default="", help="the terms of a pack of your own, to be noted with it")
        getting.add_argument(
            "--accept-licence", action="store_true", help="accept terms that exclude commercial use; it is recorded"
        )
        getting.add_argument("--accepted-by", default="", metavar="NAME", help="who accepts, if not the user at the terminal")
        checking = actions.add_parser("verify", help="read installed packs again and compare them with their records")
        checking.add_argument("name", nargs="?", help="of one pack; all installed ones without it")

    def handle(self, *_args: Any, **options: Any) -> None:
        store = PackStore(settings.KIOSK.model_dir, face_root=settings.KIOSK.insightface_root)
        try:
            match options["action"]:
                case "list":
                    self._list(store)
                case "pull":
                    self._pull(store, options)
                case "verify":
                    self._verify(store, options["name"])
        except LicenceNotAccepted as error:
            raise CommandError(str(error), returncode=EXIT_LICENCE) from error
        except PackError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("interrupted; a download goes on where it broke off when the command is called again") from None

    def _list(self, store: PackStore) -> None:
        rows = [COLUMNS, *(_row(entry) for entry in store.entries())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _pull(self, store: PackStore, options: dict[str, Any]) -> None:
        request = Request(
            name=options["name"],
            job=Job(options["job"]) if options["job"] else None,
            source=options["source"],
            sha256=options["sha256"],
            licence=options["licence"],
        )
        user = (options["accepted_by"] or _user()) if options["accept_licence"] else None
        record = pull(store, request, at=datetime.now(UTC), accepted_by=user, progress=_bar)
        self.stdout.write(f"{record.pack}: {len(record.files)} file(s) in {store.folder(record.pack, record.job)}")
        self.stdout.write(_trust(record))
        if record.commercial_use is False:
            self.stdout.write(f"{record.licence}: accepted by {user} ({record.licence_url})")

    def _verify(self, store: PackStore, name: str | None) -> None:
        names = [name] if name else [entry.name for entry in store.entries() if entry.state is not State.ABSENT]
        broken = []
        for each in names:
            try:
                findings = list(map(str, store.verify(each, _bar)))
            except PackError as error:
                if name:
                    raise
                findings = [str(error)]
            for finding in findings:
                self.stdout.write(finding)
            if findings:
                broken.append(each)
            else:
                self.stdout.write(f"{each}: as installed")
        if broken:
            raise CommandError(f"not as installed: {', '.join(broken)}", returncode=EXIT_DAMAGED)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        raise CommandError("nobody is known to accept the licence: name somebody with --accepted-by") from None


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        entry.name,
        entry.job,
        "?" if entry.size is None else f"{entry.size / MEGABYTE:,.1f} MB",
        entry.licence.name,
        COMMERCIAL[entry.licence.commercial_use],
        "pinned" if entry.pinned else "none" if entry.state is State.UNRECORDED else "first download",
        entry.state,
        "" if entry.state is State.ABSENT else str(entry.folder),
    )


def _trust(record: Record) -> str:
    if record.pinned:
        return "Checksum: as known beforehand"
    if record.checksum:
        return f"Checksum: not known beforehand; what came is trusted and recorded: SHA-256 {record.checksum}"
    return "Checksums: not known beforehand; these files are trusted and recorded as they are"


@contextmanager
def _bar(title: str, total: int | None, done: int) -> Iterator[Advance]:
    """A progress bar on the terminal; nothing where standard error is no terminal."""
    with tqdm(desc=title, total=total, initial=done, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        yield bar.update
