"""The files of one engine's rows, see `file_store`.

A writer puts the rows first, then says in the header how many there are, then up to which gallery version they are complete: what
it has added is found at once, by all processes. It may die at any moment: a header that says a change was going on makes the next
writer check and count all rows, and as the version is written last, the caller applies the same changes again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faces.index.file_store import FileStore
from faces.index.header import Header, current_boot, engine_digest
from faces.index.quantise import code_width
from faces.index.rows import Rows, blocks, columns, digest
from faces.index.writer import StoreWriter, VectorSnapshot, map_generation
from faces.types import EngineInfo


class Store(FileStore[VectorSnapshot, StoreWriter]):
    """The samples of one engine."""

    what = "vector index"

    def __init__(self, directory: Path, engine: EngineInfo, *, lock_timeout_seconds: float) -> None:
        self.width = code_width(engine.dimension)
        super().__init__(
            directory,
            engine_digest(engine),
            columns(self.width),
            boot=current_boot(),
            lock_timeout_seconds=lock_timeout_seconds,
        )

    def _map_generation(self, header: Header) -> VectorSnapshot:
        return map_generation(self._directory, header, self.width)

    def _open_writer(self, header: Header) -> StoreWriter:
        return StoreWriter(self._directory, self._header_file(), header, self._map(header))

    def _as_written(self, header: Header) -> bool:
        return _as_written(self._map(header).rows, header)


def _as_written(rows: Rows, header: Header) -> bool:
    """Whether all slots hold what the header says: whole rows with the right digest, and nothing at all elsewhere."""
    count = total = 0
    for part in blocks(len(rows)):
        block = rows[part]
        intact = block.intact()
        if not block.copy(np.flatnonzero(~intact)).blank().all():
            return False
        count += int(intact.sum())
        total += digest(block.checks[intact])
    return (count, total % (1 << 64)) == (header.count, header.digest)
