"""The files of the embedded index: what is left of them by a writer that dies, a loss of power, a full disk, another program."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from uuid import uuid4

import numpy as np
import pytest
from filelock import FileLock

from faces.index.base import IndexUnavailable
from faces.index.store import _as_written
from faces.types import Metric
from tests.faces.index.contract import axis, entries, samples, vectors_for

VECTORS = vectors_for(Metric.COSINE, 200)


class Killed(BaseException):
    """Stands for the end of the process: nothing that it would have done later is done."""


@pytest.fixture
def die_at(monkeypatch):
    """Takes how many more times this process may write to files before it dies, -1 for ever; gives the writes it did."""
    write = os.pwrite
    writes = []

    def limit(count):
        writes.clear()

        def pwrite(descriptor, data, position):
            if len(writes) == count:
                raise Killed
            writes.append(position)
            return write(descriptor, data, position)

        monkeypatch.setattr("os.pwrite", pwrite)
        return writes

    return limit


@pytest.fixture
def start_machine(tmp_path_factory, monkeypatch):
    """Makes what follows happen in another run of the machine."""

    def start():
        name = tmp_path_factory.mktemp("machine") / "boot_id"
        name.write_text(f"{uuid4()}\n")
        monkeypatch.setattr("faces.index.header._BOOT_ID", name)

    return start


def fill(index):
    index.apply(upto=1, added=entries(VECTORS[:60]), removed=[])


def change(index):
    """Replaces five samples, removes ten and adds twenty, so that there are enough for signs, then adds twenty more."""
    index.apply(upto=2, added=entries(-VECTORS[10:15], first=11) + entries(VECTORS[60:80], first=61), removed=range(1, 11))
    index.apply(upto=3, added=entries(VECTORS[80:100], first=81), removed=[])


def contents(index):
    """All samples that are found, each by its old or its new embedding."""
    probe = axis(3, 1, 2)
    found = {}
    for hit in index.search(probe, limit=200):
        assert hit.person_id == 999 + hit.sample_id
        cosine = VECTORS[hit.sample_id - 1] @ probe
        assert abs(hit.score) == pytest.approx(abs(cosine), abs=0.01)
        found[hit.sample_id] = "old" if abs(hit.score - cosine) < 0.02 else "new"
    return found


AFTER = {sample: "new" if 11 <= sample <= 15 else "old" for sample in range(11, 101)}


def store_is_sound(index):
    return _as_written(index._store._map(index._store.header()).rows, index._store.header()) and not index._store.header().writing


def test_writer_may_die_at_any_write(open_embedded, tmp_path, few_make_signs, die_at):
    fill(open_embedded())
    shutil.copytree(tmp_path, tmp_path.parent / "filled")
    writes = die_at(-1)
    change(open_embedded())
    assert contents(open_embedded()) == AFTER
    for count in range(len(writes)):
        die_at(-1)
        shutil.rmtree(tmp_path)
        shutil.copytree(tmp_path.parent / "filled", tmp_path)
        reader, dying = open_embedded(), open_embedded()
        die_at(count)
        with pytest.raises(Killed):
            change(dying)
        for survivor in (reader, open_embedded()):
            left = contents(survivor)
            assert survivor.version in {1, 2}
            assert all(left.get(sample) == "old" for sample in range(16, 61)), "nothing is lost that nobody changed"
        die_at(-1)
        change(reader)
        assert (contents(reader), reader.version, len(reader)) == (AFTER, 3, 90), f"after {count} writes"
        assert store_is_sound(reader)


def test_dead_writers_leftovers_are_overwritten(open_embedded, tmp_path, die_at):
    """A dead writer's rows may never be asked for again; the next writer doesn't leave half of one lying about."""
    index = open_embedded()
    fill(index)
    die_at(3)
    with pytest.raises(Killed):
        index.apply(upto=2, added=entries(VECTORS[60:80], first=61), removed=[])
    die_at(-1)
    assert not store_is_sound(index)
    index.apply(upto=2, added=[], removed=[])
    assert store_is_sound(index)
    assert len(index) == 60


def cut(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


def garble(path, position):
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0xFF]))


DAMAGES = [
    pytest.param("header", lambda path: cut(path, 0), id="header emptied"),
    pytest.param("header", lambda path: cut(path, 40), id="header cut"),
    pytest.param("header", lambda path: garble(path, 0), id="header of another format"),
    pytest.param("header", lambda path: garble(path, 70), id="header garbled"),
    pytest.param("header", lambda path: path.write_bytes(os.urandom(200)), id="header of noise"),
    pytest.param("header", lambda path: path.unlink(), id="header deleted"),
    pytest.param("codes", lambda path: cut(path, 100), id="codes cut"),
    pytest.param("persons", lambda path: cut(path, 0), id="persons emptied"),
    pytest.param("checks", lambda path: path.unlink(), id="checks deleted"),
    pytest.param("frame", lambda path: garble(path, 1000), id="frame garbled"),
    pytest.param("frame", lambda path: path.unlink(), id="frame deleted"),
    pytest.param("frame", lambda path: shutil.rmtree(path.parent), id="all rows deleted"),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_files_are_noticed_when_opened_and_begun_anew(open_embedded, tmp_path, few_make_signs, caplog, name, damage):
    index = open_embedded()
    index.apply(upto=5, added=entries(VECTORS), removed=[])
    index.close()
    [path] = tmp_path.rglob(name)
    damage(path)
    with caplog.at_level(logging.WARNING):
        index = open_embedded()
        assert (index.search(axis(1), limit=1), index.version, len(index)) == ([], 0, 0)
    assert "built anew" in caplog.text or name == "header"
    index.apply(upto=5, added=entries(VECTORS), removed=[])
    assert samples(index.search(VECTORS[100], limit=1)) == [101]
    assert store_is_sound(index)


def test_files_of_another_engine_are_not_searched(open_embedded, tmp_path):
    """As after a directory was copied by hand."""
    cosine, euclidean = open_embedded(metric=Metric.COSINE), open_embedded(metric=Metric.EUCLIDEAN)
    fill(cosine)
    one, other = (index._store._directory for index in (cosine, euclidean))
    for index in (cosine, euclidean):
        index.close()
    shutil.rmtree(other)
    shutil.copytree(one, other)
    assert len(open_embedded(metric=Metric.EUCLIDEAN)) == 0
    assert len(open_embedded(metric=Metric.COSINE)) == 60


def test_directory_deleted_under_a_running_process_is_begun_anew(open_embedded, tmp_path):
    index = open_embedded()
    fill(index)
    shutil.rmtree(next(tmp_path.iterdir()))
    assert (index.version, len(index), index.search(axis(1), limit=1)) == (0, 0, [])
    fill(index)
    assert (open_embedded().version, len(open_embedded())) == (1, 60)


@pytest.mark.parametrize("column", ["codes", "factors", "samples", "persons", "checks"])
def test_damaged_row_is_not_found(open_embedded, tmp_path, column):
    index = open_embedded()
    fill(index)
    [path] = tmp_path.rglob(column)
    garble(path, 20 * (path.stat().st_size // 1024))
    assert 21 not in samples(index.search(VECTORS[20], limit=60))
    assert samples(index.search(VECTORS[21], limit=1)) == [22]


@pytest.mark.parametrize(
    ("column", "slot", "kept"),
    [
        pytest.param(None, 0, True, id="as written"),
        pytest.param("codes", 5, False, id="a code"),
        pytest.param("signs", 5, False, id="signs"),
        pytest.param("persons", 5, False, id="a person's id"),
        pytest.param("checks", 5, False, id="a check"),
        pytest.param("codes", 150, False, id="a rest of a removed row"),
        pytest.param("codes", 900, False, id="a rest beyond all rows"),
    ],
)
def test_rows_are_checked_once_after_a_start_of_the_machine(
    open_embedded, tmp_path, few_make_signs, start_machine, monkeypatch, column, slot, kept
):
    index = open_embedded()
    index.apply(upto=5, added=entries(VECTORS), removed=range(150, 160))
    index.apply(upto=6, added=[], removed=range(150, 160))
    index.close()
    if column is not None:
        [path] = tmp_path.rglob(column)
        rows = index_capacity(tmp_path)
        garble(path, slot * (path.stat().st_size // rows))
    assert len(open_embedded()) == 190, "in the same run of the machine nobody looks"
    start_machine()
    assert len(open_embedded()) == (190 if kept else 0)
    monkeypatch.setattr("faces.index.store._as_written", lambda rows, header: pytest.fail("checked twice"))
    open_embedded()


def index_capacity(root):
    [samples_file] = root.rglob("samples")
    return samples_file.stat().st_size // 8


def test_header_that_survived_a_loss_of_power_without_its_rows_is_noticed(open_embedded, tmp_path, start_machine):
    index = open_embedded()
    fill(index)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name not in {"header", "lock"}}
    index.apply(upto=2, added=entries(-VECTORS[:1]), removed=[])  # in the place of the row of the same sample
    index.close()
    for path, data in before.items():
        path.write_bytes(data)
    start_machine()
    assert open_embedded().version == 0


def test_change_that_a_loss_of_power_cut_short_is_noticed(open_embedded, start_machine, die_at):
    index = open_embedded()
    fill(index)
    die_at(1)
    with pytest.raises(Killed):
        index.apply(upto=2, added=entries(VECTORS[60:80], first=61), removed=[])
    die_at(-1)
    start_machine()
    assert open_embedded().version == 0


def test_where_the_system_names_no_start_rows_are_checked_at_each_opening(open_embedded, tmp_path, monkeypatch):
    monkeypatch.setattr("faces.index.header._BOOT_ID", tmp_path / "missing")
    fill(open_embedded())
    assert len(open_embedded()) == 60
    [path] = tmp_path.rglob("codes")
    garble(path, 0)
    assert len(open_embedded()) == 0


def test_full_disk_is_index_unavailable_and_mended_later(open_embedded, monkeypatch):
    index = open_embedded()
    fill(index)
    write = os.pwrite

    def full(descriptor, data, position):
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data, position)

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        with pytest.raises(IndexUnavailable, match="No space left"):
            change(index)
        assert samples(index.search(VECTORS[30], limit=1)) == [31]
    change(index)
    assert contents(index) == AFTER


def test_error_of_the_source_of_entries_is_not_taken_for_the_disks(open_embedded):
    def source():
        yield from entries(VECTORS[:3])
        raise ConnectionResetError(errno.ECONNRESET, "the database went away")

    with pytest.raises(ConnectionResetError):
        open_embedded().apply(upto=1, added=source(), removed=[])


def test_files_that_may_not_be_opened_are_index_unavailable(open_embedded, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        with pytest.raises(IndexUnavailable, match="Permission denied"):
            open_embedded()


def test_writer_waits_for_the_lock_and_no_longer_than_told(open_embedded, tmp_path):
    index = open_embedded(lock_timeout_seconds=0.05)
    fill(index)
    with FileLock(index._store._directory / "lock"):
        for write in (index.clear, lambda: fill(index)):
            with pytest.raises(IndexUnavailable, match="another process"):
                write()
        assert samples(index.search(VECTORS[3], limit=1)) == [4]
    fill(index)


def test_files_are_for_this_user_only(open_embedded, tmp_path):
    fill(open_embedded())
    [directory] = tmp_path.iterdir()
    assert directory.stat().st_mode & 0o077 == 0


def test_capacity_stays_near_what_is_needed(open_embedded, tmp_path):
    index = open_embedded()
    for upto in range(1, 11):
        index.apply(upto=upto, added=entries(np.tile(axis(1), (2000, 1)), first=2000 * upto), removed=[])
    assert 20_000 <= index_capacity(tmp_path) <= 23_000
