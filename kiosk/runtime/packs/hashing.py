"""Checksums of files that may be larger than the memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kiosk.runtime.packs.progress import Progress, silent

CHUNK_BYTES = 1024 * 1024


def sha256_of(path: Path, progress: Progress = silent) -> str:
    """The SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file, progress(path.name, path.stat().st_size, 0) as advance:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()
