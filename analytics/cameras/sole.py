"""One watch for an installation: two would record every visit twice.

On one machine a locked file of the data folder sees to it. PostgreSQL may serve several machines: there an advisory lock of the
database is needed too. Both end with the process that holds them, whatever it dies of.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

_KEY: Final = 0x6B696F736B
"""Of the advisory lock; "kiosk" in ASCII."""
_LOOK_SECONDS: Final = 5.0


class SoleWatch:
    """The right to watch. `acquire` first; `release` at the end."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "watch.lock"
        self._file: TextIO | None = None
        self._database: BaseDatabaseWrapper | None = None
        """A connection of its own: the lock lasts as long as it does."""
        self._released = threading.Event()
        self._keeper: threading.Thread | None = None

    def acquire(self) -> bool:
        """Whether nobody else watches. Raises DatabaseError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if connection.vendor == "postgresql":
            self._database = connection.copy()
            # Taken here, looked after in a thread; never by both at once.
            self._database.inc_thread_sharing()
            return self._locked(self._database)
        return True

    def keep(self, on_lost: Callable[[], None]) -> None:
        """Takes the database's lock again when its connection was lost; calls `on_lost` where another watch was faster."""
        if self._database is not None:
            self._keeper = threading.Thread(target=self._look, args=(self._database, on_lost), name="sole-watch", daemon=True)
            self._keeper.start()

    def release(self) -> None:
        self._released.set()
        if self._keeper is not None:
            self._keeper.join(_LOOK_SECONDS)
            if self._keeper.is_alive():
                return  # it waits for a database out of reach; the locks end with the process
        if self._database is not None:
            self._database.close()
        if self._file is not None:
            self._file.close()

    def _look(self, database: BaseDatabaseWrapper, on_lost: Callable[[], None]) -> None:
        while not self._released.wait(_LOOK_SECONDS):
            if database.connection is not None and database.is_usable():
                continue
            try:
                # While the database does not answer, nobody else can have it either.
                database.close()
                taken = self._locked(database)
            except DatabaseError:
                continue
            if not taken:
                logger.error("Another watch took over while the database was out of reach")
                on_lost()
                return

    @staticmethod
    def _locked(database: BaseDatabaseWrapper) -> bool:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
            row = cursor.fetchone()
        return bool(row and row[0])
