"""What every PlateIndex has to do, in files and in Elasticsearch: the answers of a look at every plate, only sooner."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from analytics.plates.search import BadQuery, search
from analytics.sightings.plate_index.base import PlateEntry, PlateIndex
from analytics.sightings.plate_index.elasticsearch import ElasticsearchPlateIndex
from analytics.sightings.plate_index.embedded import EmbeddedPlateIndex
from faces.index.base import IndexUnavailable

Open = Callable[[], PlateIndex]
SERIALS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@pytest.fixture(params=["embedded", "elasticsearch"])
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the test's index; each call is as good as another process."""
    opened: list[Any] = []
    name = f"kiosk-test-plates-{uuid4().hex}"
    url = request.getfixturevalue("elasticsearch_url") if request.param == "elasticsearch" else ""

    def open_one() -> PlateIndex:
        index = ElasticsearchPlateIndex(url, name=name) if url else EmbeddedPlateIndex(tmp_path / "plates")
        opened.append(index)
        return index

    yield open_one
    if opened:
        opened[0].clear()
    for index in opened:
        index.close()


def entries(*keys: str, first: int = 1) -> list[PlateEntry]:
    return [PlateEntry(number, key) for number, key in enumerate(keys, first)]


def found(index: PlateIndex, query: str, **options: Any) -> list[int]:
    return [hit.sighting_id for hit in index.search(query, **{"limit": 50, "threshold": 0.75} | options)]


def test_new_one_is_empty_and_at_version_0(open_index: Open):
    index = open_index()
    assert (index.version, len(index), found(index, "苏D561GM")) == (0, 0, [])


def test_what_is_applied_is_found_by_every_process_and_replaced_and_removed(open_index: Open):
    one, other = open_index(), open_index()
    one.apply(upto=3, added=entries("苏D561GM", "豫C9117P"), removed=[])
    assert (other.version, len(other), found(other, "苏D561GM")) == (3, 2, [1])
    other.apply(upto=4, added=[PlateEntry(1, "京A12345")], removed=[])
    assert (len(one), found(one, "苏D561GM"), found(one, "京A12345")) == (2, [], [1])
    one.apply(upto=5, added=[], removed=[1, 77])
    assert (other.version, len(other), found(other, "京A12345")) == (5, 1, [])


def test_applying_again_changes_nothing_and_the_version_never_goes_back(open_index: Open):
    index = open_index()
    for _ in range(2):
        index.apply(upto=2, added=entries("苏D561GM"), removed=[])
    index.apply(upto=1, added=entries("京A12345", first=9), removed=[])
    assert (index.version, len(index), found(index, "京A12345")) == (2, 1, [])


def test_changes_of_an_index_that_was_cleared_meanwhile_are_refused_once(open_index: Open):
    one, other = open_index(), open_index()
    one.apply(upto=2, added=entries("苏D561GM"), removed=[])
    assert one.version == 2
    other.clear()
    assert (other.version, len(other)) == (0, 0)
    other.apply(upto=1, added=entries("豫C9117P"), removed=[])
    with pytest.raises(IndexUnavailable):
        one.apply(upto=3, added=entries("京A12345", first=2), removed=[])
    assert one.version == 1
    one.apply(upto=3, added=entries("京A12345", first=2), removed=[])
    assert len(other) == 2


def test_a_removed_sighting_that_was_never_there_is_no_matter(open_index: Open):
    index = open_index()
    index.apply(upto=1, added=[], removed=[5])
    assert (index.version, len(index)) == (1, 0)


def make_key(chance: random.Random) -> str:
    """Plates as a hall sees them: mostly of one city, some of new energy, some foreign, some long."""
    region = "苏D" if chance.random() < 0.5 else chance.choice("京津沪渝冀豫云辽") + chance.choice("ABCDEF")
    kind = chance.random()
    if kind < 0.3:
        return f"{region}{chance.choice('DF')}{chance.choice(SERIALS)}{chance.randrange(10_000):04}"
    if kind < 0.35:
        return "".join(chance.choices("ABCDEFGH", k=3)) + str(chance.randrange(10_000))
    if kind < 0.4:
        return f"WJ{region}{chance.randrange(100_000):05}"
    if kind < 0.43:
        return "12가" + "".join(chance.choices("0123456789", k=4))
    return region + "".join(chance.choices(SERIALS, k=2)) + "".join(chance.choices("0123456789", k=3))


def changed(chance: random.Random, key: str) -> str:
    signs = list(key)
    for _ in range(chance.randint(0, 2)):
        place, what = chance.randrange(len(signs)), chance.random()
        if what < 0.6:
            signs[place] = chance.choice(SERIALS)
        elif what < 0.8:
            del signs[place]
        else:
            signs.insert(place, chance.choice(SERIALS))
    return "".join(signs)


@pytest.mark.parametrize("threshold", [0.7, 0.75, 0.9])
def test_finds_what_a_look_at_every_plate_finds(open_index: Open, threshold: float):
    chance = random.Random(threshold)
    keys = [make_key(chance) for _ in range(3000)]
    index = open_index()
    index.apply(upto=1, added=entries(*keys), removed=[])
    newest_first = list(enumerate(keys, 1))[::-1]
    whole = [changed(chance, chance.choice(keys)) for _ in range(25)]
    parts = [key[start : start + 4] for key in chance.sample(keys, 10) for start in [chance.randrange(3)]]
    for query in [*whole, *parts]:
        expected = search(query, newest_first, limit=20, threshold=threshold)
        hits = index.search(query, limit=20, threshold=threshold)
        assert [(hit.sighting_id, round(hit.score, 5)) for hit in hits] == [(m.key, round(m.score, 5)) for m in expected], query


WILD = {
    "one unknown": ("苏D56?GM", [1]),
    "several unknown": ("??561GM", [5, 1]),
    "the beginning": ("苏D56*", [2, 1]),
    "the end": ("*61GM", [5, 1]),
    "the middle": ("*561*", [5, 1]),
    "both ends": ("苏*GM", [1]),
    "too short by one": ("苏D56?G", []),
    "a long plate": ("WJ*0001", [4]),
    "its end": ("*苏D00001", [4]),
}


@pytest.mark.parametrize(("query", "expected"), WILD.values(), ids=WILD)
def test_wildcards_fit_without_a_difference_the_newest_first(open_index: Open, query: str, expected: list[int]):
    index = open_index()
    index.apply(upto=1, added=entries("苏D561GM", "苏D562XX", "豫C9117P", "WJ苏D00001", "京A561GM"), removed=[])
    assert found(index, query) == expected


def test_the_newest_of_the_same_plate_within_the_limit(open_index: Open):
    index = open_index()
    index.apply(upto=1, added=entries(*["苏D561GM"] * 30, "苏D561GN"), removed=[])
    assert found(index, "苏D561GM", limit=4) == [30, 29, 28, 27]
    assert found(index, "D561", limit=4) == [31, 30, 29, 28]


BAD = {
    "nothing": ({"query": " "}, BadQuery),
    "no limit": ({"limit": 0}, ValueError),
    "threshold too low": ({"threshold": 0.5}, ValueError),
    "threshold too high": ({"threshold": 1.1}, ValueError),
}


@pytest.mark.parametrize(("options", "error"), BAD.values(), ids=BAD)
def test_refuses_what_makes_no_sense(open_index: Open, options: dict[str, Any], error: type[Exception]):
    arguments: dict[str, Any] = {"query": "苏D561GM", "limit": 5, "threshold": 0.75} | options
    with pytest.raises(error):
        open_index().search(arguments.pop("query"), **arguments)


class Killed(BaseException):
    """Stands for the end of the process: nothing that it would have done later is done."""


class TestFiles:
    """Of the embedded index alone."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "plates"

    def test_survives_being_closed_and_grows(self, folder: Path):
        index = EmbeddedPlateIndex(folder)
        for number in range(3):
            added = (PlateEntry(number * 50_000 + i + 1, f"苏D{i:05}") for i in range(50_000))
            index.apply(upto=number + 1, added=added, removed=[])
        index.close()
        again = EmbeddedPlateIndex(folder)
        assert (again.version, len(again), found(again, "苏D00007", threshold=1.0)) == (3, 150_000, [100_008, 50_008, 8])
        again.close()

    def test_gives_up_free_slots_and_leaves_no_trace_of_a_removed_plate(self, folder: Path):
        from analytics.sightings.plate_index.alphabet import encode

        index = EmbeddedPlateIndex(folder)
        index.apply(upto=1, added=(PlateEntry(i + 1, f"苏D{i:06}") for i in range(200_000)), removed=[])
        removed = encode(["苏D123456"])[0, 0].tobytes()
        assert any(removed in path.read_bytes() for path in folder.rglob("heads"))
        index.apply(upto=2, added=[], removed=range(2, 200_001))
        assert (len(index), found(index, "苏D000000")) == (1, [1])
        assert not any(removed in path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000
        index.close()

    @pytest.mark.parametrize("damage", [b"", b"x" * 300], ids=["emptied", "overwritten"])
    def test_damaged_files_are_built_anew(self, folder: Path, damage: bytes):
        index = EmbeddedPlateIndex(folder)
        index.apply(upto=5, added=entries("苏D561GM"), removed=[])
        index.close()
        (folder / "header").write_bytes(damage)
        again = EmbeddedPlateIndex(folder)
        assert (again.version, len(again)) == (0, 0)
        again.apply(upto=5, added=entries("苏D561GM"), removed=[])
        assert found(again, "苏D561GM") == [1]
        again.close()

    def test_rows_that_a_loss_of_power_took_are_noticed_at_the_next_start(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        index = EmbeddedPlateIndex(folder)
        index.apply(upto=5, added=entries("苏D561GM", "豫C9117P"), removed=[])
        index.close()
        heads = next(folder.rglob("heads"))
        heads.write_bytes(bytes(8) + heads.read_bytes()[8:])
        monkeypatch.setattr("analytics.sightings.plate_index.store.current_boot", lambda: b"another run of it")
        again = EmbeddedPlateIndex(folder)
        assert again.version == 0
        again.close()

    def test_rows_that_were_written_whole_survive_a_start_of_the_machine(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        index = EmbeddedPlateIndex(folder)
        index.apply(upto=5, added=entries("苏D561GM", "豫C9117P"), removed=[])
        index.apply(upto=6, added=[], removed=[2])
        index.close()
        monkeypatch.setattr("analytics.sightings.plate_index.store.current_boot", lambda: b"another run of it")
        again = EmbeddedPlateIndex(folder)
        assert (again.version, found(again, "苏D561GM")) == (6, [1])
        again.close()

    def test_a_writer_that_dies_half_way_is_mended_by_the_next(self, folder: Path):
        index = EmbeddedPlateIndex(folder)
        index.apply(upto=1, added=entries("苏D561GM"), removed=[])

        def dying() -> Iterator[PlateEntry]:
            yield from (PlateEntry(i, f"苏D{i:05}") for i in range(2, 150_000))
            raise RuntimeError

        with pytest.raises(RuntimeError):
            index.apply(upto=2, added=dying(), removed=[1])
        assert index.version == 1
        index.apply(upto=2, added=entries("豫C9117P", "京A12345", first=2), removed=[1])
        assert (index.version, found(index, "苏D561GM", threshold=1.0), found(index, "京A12345", threshold=1.0)) == (2, [], [3])
        index.close()

    def test_a_writer_may_die_at_any_write(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        """Nothing is lost that nobody changed, and the same change applied again leaves what it should, and no more."""
        write = os.pwrite
        written = 0
        lives = 1_000_000

        def pwrite(descriptor: int, data: Any, position: int) -> int:
            nonlocal written
            if written == lives:
                raise Killed
            written += 1
            return write(descriptor, data, position)

        def change(index: EmbeddedPlateIndex) -> None:
            index.apply(upto=2, added=[PlateEntry(2, "京A12345"), PlateEntry(9, "WJ苏D00001")], removed=[1, 4])

        index = EmbeddedPlateIndex(folder)
        index.apply(upto=1, added=entries("苏D561GM", "豫C9117P", "沪B77777", "苏D562XX", "辽B11111"), removed=[])
        shutil.copytree(folder, filled := folder.with_name("filled"))
        monkeypatch.setattr("os.pwrite", pwrite)
        change(index)
        assert written > 6
        for count in range(written):
            shutil.rmtree(folder)
            shutil.copytree(filled, folder)
            dying = EmbeddedPlateIndex(folder)
            written, lives = 0, count
            with pytest.raises(Killed):
                change(dying)
            lives = 1_000_000
            survivor = EmbeddedPlateIndex(folder)
            assert (found(survivor, "沪B77777"), found(survivor, "辽B11111")) == ([3], [5])
            change(survivor)
            assert (survivor.version, len(survivor)) == (2, 4), f"after {count} writes"
            assert found(survivor, "京A12345", threshold=1.0) == [2]
            assert found(survivor, "WJ苏D00001", threshold=1.0) == [9]
            gone = [found(survivor, key, threshold=1.0) for key in ("苏D561GM", "豫C9117P", "苏D562XX")]
            assert gone == [[], [], []], f"after {count} writes"

    def test_threads_search_while_another_writes(self, folder: Path):
        index, writer = EmbeddedPlateIndex(folder), EmbeddedPlateIndex(folder)
        writer.apply(upto=1, added=(PlateEntry(i + 1, f"苏D{i:05}") for i in range(1000)), removed=[])

        def look(_number: int) -> list[int]:
            return found(index, "苏D00500", threshold=1.0)

        with ThreadPoolExecutor(4) as threads:
            looks = [threads.submit(look, number) for number in range(200)]
            for upto in range(2, 40):
                writer.apply(upto=upto, added=entries(f"京A{upto:05}", first=10_000 + upto), removed=[upto])
            assert all(looked.result() == [501] for looked in looks)
        index.close()
        writer.close()
