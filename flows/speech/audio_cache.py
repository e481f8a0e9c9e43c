"""Spoken texts on the disk, the least recently used ones dropped when they take too much room.

A file's name is a digest under the installation's secret: the names don't tell which texts were spoken.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from pathlib import Path

logger = logging.getLogger(__name__)

_SUFFIX = ".mp3"
_DRAFT_SUFFIX = ".draft"
_ABANDONED_SECONDS = 3600.0
_KEPT_SHARE = 0.9
"""How full the cache is after old files were dropped, so that it isn't done again at once."""


class AudioCache:
    """Files in `folder`, which only its owner may read, of at most `limit_bytes` together.

    Several processes may share it. Each counts what it writes itself and looks at the disk when that reaches the limit, so that
    they may exceed it for a while. A disk that can't be written costs the caching, nothing else.
    """

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._size: int | None = None

    def get(self, key: str) -> bytes | None:
        """What was put under this key, a hexadecimal digest; None where it is not there (any more)."""
        path = self._path(key)
        try:
            audio = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return audio or None

    def put(self, key: str, audio: bytes) -> None:
        """Keeps `audio`; what takes more room than the whole cache is not kept."""
        if len(audio) > self.limit_bytes:
            return
        try:
            self._write(self._path(key), audio)
            with self._lock:
                self._size = self._measured() if self._size is None else self._size + len(audio)
                if self._size > self.limit_bytes:
                    self._size = self._drop_old()
        except OSError as error:
            logger.warning("Spoken texts can't be kept in %s: %s", self.folder, error.strerror)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _write(self, path: Path, audio: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{secrets.token_hex(8)}{_DRAFT_SUFFIX}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(audio)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _measured(self) -> int:
        return sum(size for _used, size, _path in self._files())

    def _drop_old(self) -> int:
        """Drops the files that were not used for longest; returns the bytes that are left."""
        files = sorted(self._files())
        left = sum(size for _used, size, _path in files)
        for _used, size, path in files:
            if left <= self.limit_bytes * _KEPT_SHARE:
                break
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                Path(path).unlink()
            left -= size
        return left

    def _files(self) -> list[tuple[float, int, str]]:
        """Time of last use, size and path of each file; drafts that a dead process left behind are removed."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(_SUFFIX):
                        found.append((status.st_mtime, status.st_size, entry.path))
                    elif entry.name.endswith(_DRAFT_SUFFIX) and time.time() - status.st_mtime > _ABANDONED_SECONDS:
                        Path(entry.path).unlink()
        return found
