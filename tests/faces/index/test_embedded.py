"""The embedded index as its users see it: the contract, what it finds in larger galleries, what it forgets."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from faces.index.base import Entry, IndexUnavailable
from faces.index.embedded import directory_name
from faces.index.quantise import quantise
from faces.types import EngineInfo, Metric
from tests.faces.index.contract import DIMENSION, VectorIndexContract, axis, entries, samples, vectors_for


class TestContract(VectorIndexContract):
    @pytest.fixture
    def open_index(self, open_embedded):
        return open_embedded


class TestContractBySigns(VectorIndexContract):
    """The same with galleries of 64 samples and more searched by their signs."""

    @pytest.fixture
    def open_index(self, open_embedded, few_make_signs):
        return open_embedded


def uneven(metric, count, *, decay, likeness, dimension=64):
    """Samples that vary little in most directions, around a mean far from the origin; and 300 probes, each like one of them."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(dimension, dimension)))[0]
    spread = (np.arange(1, dimension + 1) ** -decay)[:, np.newaxis] * axes
    vectors = random.normal(size=(count, dimension)) @ spread
    probes = likeness * vectors[:300] + np.sqrt(1 - likeness**2) * random.normal(size=(300, dimension)) @ spread
    mean = random.normal(size=dimension) * 0.1
    vectors, probes = vectors + mean, probes + mean
    if metric is Metric.COSINE:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    return vectors.astype(np.float32), probes.astype(np.float32)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(
    ("count", "shape", "recall"),
    [
        pytest.param(8000, {"decay": 0.7, "likeness": 0.8}, 0.99, id="likenesses"),
        # Many are about as near as the nearest: the codes may choose another, but by a hair.
        pytest.param(20_000, {"decay": 1.0, "likeness": 0.6}, 0.95, id="hardly like anybody"),
    ],
)
def test_search_by_signs_finds_what_an_exact_search_finds(open_embedded, metric, count, shape, recall):
    vectors, probes = uneven(metric, count, **shape)
    index = open_embedded(metric=metric, dimension=64)
    index.apply(upto=1, added=entries(vectors), removed=[])
    assert index._store.snapshot().frame is not None
    near = probes @ vectors.T
    if metric is Metric.EUCLIDEAN:
        near -= np.square(vectors).sum(axis=1) / 2
    found = np.array([index.search(probe, limit=1)[0].sample_id - 1 for probe in probes])
    assert np.mean(found == near.argmax(axis=1)) >= recall
    assert np.all(near.max(axis=1) - near[np.arange(300), found] < 0.005)


def test_search_by_signs_goes_deeper_until_it_has_enough_persons(open_embedded):
    vectors = vectors_for(Metric.COSINE, 6000)
    crowd = [Entry(i + 1, 1, axis(1) + 0.1 * vector) for i, vector in enumerate(vectors[:5990])]
    others = [Entry(i + 1, i, vectors[i]) for i in range(5990, 6000)]
    index = open_embedded()
    index.apply(upto=1, added=[*others, *crowd], removed=[])
    assert index._store.snapshot().frame is not None
    hits = index.search(axis(1), limit=6)
    order = np.argsort(-(vectors[5990:] @ axis(1)))[:5] + 5990
    assert [hit.person_id for hit in hits] == [1, *order]
    assert len(index.search(axis(1), limit=500)) == 11


@pytest.mark.parametrize(
    "vectors",
    [
        pytest.param(np.tile(axis(1), (5000, 1)), id="all the same"),
        pytest.param(np.repeat([axis(1), axis(-1)], 2500, axis=0), id="two opposite heaps"),
        pytest.param(np.eye(DIMENSION, dtype=np.float32)[np.arange(5000) % DIMENSION], id="axes only"),
    ],
)
@pytest.mark.parametrize("metric", Metric)
def test_odd_galleries_are_searched(open_embedded, metric, vectors):
    index = open_embedded(metric=metric)
    index.apply(upto=1, added=entries(vectors), removed=[])
    [hit] = index.search(vectors[-1], limit=1)
    assert np.array_equal(vectors[hit.sample_id - 1], vectors[-1])


def test_mostly_freed_slots_hide_nobody(open_embedded, few_make_signs):
    vectors = vectors_for(Metric.COSINE, 3000)
    index = open_embedded()
    index.apply(upto=1, added=entries(vectors), removed=[])
    for upto in range(2, 30):
        index.apply(upto=upto, added=[], removed=range(100 * upto, 100 * upto + 100))
        assert samples(index.search(vectors[2], limit=1)) == [3]
        assert samples(index.search(vectors[2999], limit=1)) == [3000]
    assert len(index._store.snapshot().rows) <= 2 * len(index)
    assert index._store.snapshot().frame is not None
    index.apply(upto=30, added=[], removed=range(1, 3001))
    assert (len(index), index.search(vectors[2], limit=1)) == (0, [])


def test_freed_slots_are_used_again(open_embedded):
    index = open_embedded()
    vectors = vectors_for(Metric.COSINE, 500)
    index.apply(upto=1, added=entries(vectors), removed=[])
    for upto in range(2, 12):
        index.apply(
            upto=upto, added=entries(vectors[:100], first=100 * upto + 1000), removed=samples(index.search(axis(1), limit=100))
        )
        assert len(index) == 500
        assert len(index._store.snapshot().rows) == 500


def test_of_entries_for_one_sample_the_last_counts(open_embedded):
    index = open_embedded()
    index.apply(upto=1, added=[Entry(1, 10, axis(1)), Entry(2, 20, axis(0, 1)), Entry(1, 11, axis(0, 0, 1))], removed=[])
    assert len(index) == 2
    first = index.search(axis(0, 0, 1), limit=2)[0]
    assert (first.sample_id, first.person_id) == (1, 11)
    assert index.search(axis(1), limit=2, person_ids=[10]) == []


def test_entries_are_read_in_batches(open_embedded):
    read = 0

    def source():
        nonlocal read
        for entry in entries(np.tile(axis(1), (40_000, 1))):
            read += 1
            yield entry
            if read == 39_999:
                assert len(index) >= 20_000  # what came first is in the index, not in memory

    index = open_embedded()
    index.apply(upto=1, added=source(), removed=[])
    assert (read, len(index)) == (40_000, 40_000)


@pytest.mark.parametrize(
    "ids",
    [(-(1 << 63), (1 << 63) - 1), (0, -1), (3, 3 + (1 << 20)), (3 + (1 << 40), 3)],
    ids=["the extremes", "zero and below", "alike in the low bits", "far apart"],
)
def test_any_64_bit_number_is_an_id(open_embedded, ids):
    index = open_embedded()
    index.apply(upto=1, added=[Entry(i, i, axis(1, n)) for n, i in enumerate(ids)], removed=[])
    assert samples(index.search(axis(1), limit=2)) == list(ids)
    assert samples(index.search(axis(1), limit=2, person_ids=[ids[1]])) == [ids[1]]
    index.apply(upto=2, added=[], removed=[ids[0]])
    assert samples(index.search(axis(1), limit=2)) == [ids[1]]


def test_cosine_does_not_depend_on_length(open_embedded):
    index = open_embedded()
    index.apply(upto=1, added=entries([5 * axis(1, 1), 0.01 * axis(1)]), removed=[])
    [hit, other] = index.search(20 * axis(1), limit=2)
    assert (hit.sample_id, hit.score) == (2, pytest.approx(1, abs=0.01))
    assert (other.sample_id, other.score) == (1, pytest.approx(np.sqrt(0.5), abs=0.01))


def test_removed_embedding_is_gone_from_the_files(open_embedded, tmp_path, few_make_signs):
    vectors = vectors_for(Metric.COSINE, 100)
    index = open_embedded()
    index.apply(upto=1, added=[Entry(0x1122334455, 0x66778899AA, vectors[0]), *entries(vectors[1:])], removed=[])
    codes, _ = quantise(vectors[:1], Metric.COSINE)
    traces = [codes.tobytes(), (0x1122334455).to_bytes(8, "little"), (0x66778899AA).to_bytes(8, "little")]

    def found():
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "header"]
        return [any(trace in file for file in files) for trace in traces]

    assert found() == [True, True, True]
    index.apply(upto=2, added=[], removed=[0x1122334455])
    assert found() == [False, False, False]


@pytest.mark.parametrize("change", ["clear", "rebuild"])
def test_files_given_up_are_overwritten_for_whoever_has_them_open(open_embedded, tmp_path, few_make_signs, change):
    index = open_embedded()
    vectors = vectors_for(Metric.COSINE, few_make_signs)
    index.apply(upto=1, added=entries(vectors[1:]), removed=[])
    [codes] = tmp_path.rglob("codes")
    with codes.open("rb") as still_open:
        assert any(still_open.read())
        if change == "clear":
            index.clear()
        else:
            index.apply(upto=2, added=entries(vectors[:1], first=1000), removed=[])
        still_open.seek(0)
        assert not any(still_open.read())
    assert not codes.exists()


def test_engines_that_differ_in_anything_have_directories_of_their_own():
    names = {
        directory_name(EngineInfo("fake", identity, dimension, metric))
        for identity in ("a:b", "a-b", "A:b", "../a", "人脸")
        for dimension in (128, 512)
        for metric in Metric
    }
    assert len(names) == 20
    assert set("".join(names)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_faiss_is_imported_by_the_first_search_only():
    code = "import faces.index.embedded, sys; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_closed_index_is_unavailable(open_embedded):
    index = open_embedded()
    index.close()
    with pytest.raises(IndexUnavailable, match="closed"):
        index.search(axis(1), limit=1)
    with pytest.raises(IndexUnavailable, match="closed"):
        index.apply(upto=1, added=[], removed=[])
