"""What every VectorIndex has to do, whatever it is made of.

A test class for an implementation inherits from VectorIndexContract and provides the fixture `open_index`: a function that takes
`metric` and opens an index of DIMENSION for embeddings compared by it. Calls with the same metric in one test open the same
gallery, each as another process would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from faces.index.base import Entry, IndexUnavailable, VectorIndex
from faces.types import Metric

DIMENSION = 16

OpenIndex = Callable[..., VectorIndex]


def axis(*components):
    """The unit vector in the direction of these first components."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(components)] = components
    return vector / np.linalg.norm(vector)


def vectors_for(metric, count, *, seed=0):
    """Embeddings as an engine makes them: of unit length for COSINE; of uneven length and far from the origin for EUCLIDEAN."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, DIMENSION))
    if metric is Metric.COSINE:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    else:
        vectors = 0.2 * vectors + random.uniform(0.1, 0.4, size=DIMENSION)
    return vectors.astype(np.float32)


def entries(vectors, *, first=1, samples_each=1):
    return [Entry(first + i, 1000 + (first + i - 1) // samples_each, vector) for i, vector in enumerate(vectors)]


def scores_of(metric, vectors, probe):
    """Exactly, in the metric's own numbers."""
    vectors, probe = vectors.astype(np.float64), probe.astype(np.float64)
    return vectors @ probe if metric is Metric.COSINE else np.linalg.norm(vectors - probe, axis=1)


def nearest_first(metric, scores):
    return np.argsort(-scores if metric is Metric.COSINE else scores)


def samples(hits):
    return [hit.sample_id for hit in hits]


class VectorIndexContract:
    @pytest.fixture
    def index(self, open_index: OpenIndex) -> VectorIndex:
        return open_index(metric=Metric.COSINE)

    def test_what_other_engines_knew_is_forgotten(self, open_index):
        kept, other = open_index(metric=Metric.COSINE), open_index(metric=Metric.EUCLIDEAN)
        for index, metric in ((kept, Metric.COSINE), (other, Metric.EUCLIDEAN)):
            index.apply(upto=1, added=entries(vectors_for(metric, 5)), removed=[])

        kept.forget_other_engines()

        assert (len(kept), kept.version) == (5, 1)
        again = open_index(metric=Metric.EUCLIDEAN)
        assert (len(again), again.version) == (0, 0)

    def test_new_index_is_empty(self, index):
        assert (index.version, len(index)) == (0, 0)
        assert index.search(axis(1), limit=3) == []
        assert index.search(axis(1), limit=3, person_ids=[1]) == []
        index.clear()
        assert index.version == 0

    @pytest.mark.parametrize("metric", Metric)
    def test_nearest_come_first_with_the_metrics_own_scores(self, open_index, metric):
        index = open_index(metric=metric)
        vectors = vectors_for(metric, 400)
        index.apply(upto=1, added=entries(vectors), removed=[])
        for probe in vectors_for(metric, 5, seed=1):
            scores = scores_of(metric, vectors, probe)
            best = nearest_first(metric, scores)
            hits = index.search(probe, limit=10)
            assert hits[0].sample_id == best[0] + 1
            assert hits[0].person_id == best[0] + 1000
            assert [hit.score for hit in hits] == pytest.approx([scores[hit.sample_id - 1] for hit in hits], abs=0.01)
            assert [hit.score for hit in hits] == pytest.approx(scores[best[:10]], abs=0.01)

    @pytest.mark.parametrize(("metric", "perfect"), [(Metric.COSINE, 1.0), (Metric.EUCLIDEAN, 0.0)])
    def test_embedding_finds_itself(self, open_index, metric, perfect):
        index = open_index(metric=metric)
        vectors = vectors_for(metric, 50)
        index.apply(upto=1, added=entries(vectors), removed=[])
        for position, vector in enumerate(vectors):
            [hit] = index.search(vector, limit=1)
            assert (hit.sample_id, hit.score) == (position + 1, pytest.approx(perfect, abs=0.02))

    def test_euclidean_distance_is_no_matter_of_direction(self, open_index):
        index = open_index(metric=Metric.EUCLIDEAN)
        near, far = 1.1 * axis(1, 0.3), 9 * axis(1)
        index.apply(upto=1, added=entries([far, near]), removed=[])
        assert samples(index.search(axis(1), limit=2)) == [2, 1]

    def test_each_person_is_found_once_by_the_nearest_sample(self, index):
        """150 samples of one person are all nearer than anyone else's."""
        order = np.random.default_rng(0).permutation(np.arange(1, 151)).tolist()
        crowd = [Entry(i, 1, axis(1, 0.004 * i)) for i in order]
        others = [Entry(200 + i, 2 + i, axis(1, 1 + i)) for i in range(4)]
        index.apply(upto=1, added=[*crowd, *others], removed=[])
        hits = index.search(axis(1, -1), limit=4)
        assert [(hit.person_id, hit.sample_id) for hit in hits] == [(1, 1), (2, 200), (3, 201), (4, 202)]

    def test_limit_beyond_all_persons_gives_each_of_them(self, index):
        index.apply(upto=1, added=entries(vectors_for(Metric.COSINE, 30), samples_each=3), removed=[])
        hits = index.search(axis(1), limit=100)
        assert sorted(hit.person_id for hit in hits) == [1000 + i for i in range(10)]

    @pytest.mark.parametrize("metric", Metric)
    def test_search_among_given_persons(self, open_index, metric):
        index = open_index(metric=metric)
        vectors = vectors_for(metric, 300)
        index.apply(upto=1, added=entries(vectors), removed=[])
        order = nearest_first(metric, scores_of(metric, vectors, vectors[7]))
        among = {1000 + int(i) for i in order[1::2]} | set(range(50_000, 60_000)) | {-5, 1 << 40}
        assert [hit.person_id for hit in index.search(vectors[7], limit=1, person_ids=among)] == [1000 + order[1]]
        assert {hit.person_id for hit in index.search(vectors[7], limit=300, person_ids=among)} == {
            1000 + int(i) for i in order[1::2]
        }

    @pytest.mark.parametrize(
        "question",
        [
            pytest.param({"limit": 0}, id="limit 0"),
            pytest.param({"limit": 5, "person_ids": []}, id="among nobody"),
            pytest.param({"limit": 5, "person_ids": [999]}, id="among strangers"),
        ],
    )
    def test_question_without_an_answer(self, index, question):
        index.apply(upto=1, added=entries([axis(1)]), removed=[])
        assert index.search(axis(1), **question) == []

    def test_removed_sample_is_not_found(self, index):
        index.apply(upto=1, added=entries([axis(1), axis(1, 0.5), axis(0, 1)]), removed=[])
        index.apply(upto=2, added=[], removed=[1, 77])
        assert (index.version, len(index)) == (2, 2)
        assert samples(index.search(axis(1), limit=5)) == [2, 3]

    def test_sample_added_again_replaces_the_first(self, index):
        index.apply(upto=1, added=entries([axis(1), axis(0, 1)]), removed=[])
        index.apply(upto=2, added=[Entry(1, 7, axis(0, 0, 1))], removed=[])
        assert len(index) == 2
        [first, _] = index.search(axis(0, 0, 1), limit=2)
        assert (first.sample_id, first.person_id, first.score) == (1, 7, pytest.approx(1, abs=0.01))
        assert index.search(axis(1), limit=5, person_ids=[1000]) == []

    def test_removing_comes_before_adding(self, index):
        index.apply(upto=1, added=entries([axis(1), axis(0, 1)]), removed=[])
        index.apply(upto=2, added=[Entry(1, 1000, axis(0, 0, 1))], removed=[1, 2])
        assert len(index) == 1
        assert samples(index.search(axis(0, 0, 1), limit=5)) == [1]

    def test_applying_again_changes_nothing(self, index):
        vectors = vectors_for(Metric.COSINE, 1200)
        index.apply(upto=3, added=entries(vectors[:2]), removed=[])
        for _ in range(2):
            index.apply(upto=4, added=iter(entries(vectors[2:], first=3)), removed=[1, 5000])
            assert (index.version, len(index)) == (4, 1199)
            assert samples(index.search(vectors[700], limit=1)) == [701]

    def test_applying_nothing_says_the_version(self, index):
        index.apply(upto=6, added=iter(()), removed=set())
        assert (index.version, len(index)) == (6, 0)

    def test_version_is_never_taken_back(self, open_index):
        ahead, behind = open_index(metric=Metric.COSINE), open_index(metric=Metric.COSINE)
        ahead.apply(upto=5, added=entries([axis(1), axis(0, 1)]), removed=[])
        assert behind.version == 5
        ahead.apply(upto=9, added=[Entry(1, 1000, axis(0, 0, 1))], removed=[2])
        behind.apply(upto=7, added=entries([axis(1), axis(0, 1)]), removed=[])
        assert (ahead.version, samples(ahead.search(axis(0, 0, 1), limit=9))) == (9, [1])

    def test_failing_source_of_entries_leaves_the_version(self, index):
        def source():
            yield from entries([axis(1)])
            raise LookupError("the database went away")

        with pytest.raises(LookupError):
            index.apply(upto=3, added=source(), removed=[])
        assert index.version == 0
        index.apply(upto=3, added=entries([axis(1), axis(0, 1)]), removed=[])
        assert (index.version, len(index)) == (3, 2)

    def test_clear_forgets_everything(self, index):
        index.apply(upto=8, added=entries([axis(1), axis(0, 1)]), removed=[])
        index.clear()
        assert (index.version, len(index), index.search(axis(1), limit=2)) == (0, 0, [])
        index.apply(upto=2, added=entries([axis(0, 1)]), removed=[])
        assert (index.version, len(index)) == (2, 1)

    def test_what_one_process_does_all_others_see_at_once(self, open_index):
        writer, reader = open_index(metric=Metric.COSINE), open_index(metric=Metric.COSINE)
        assert reader.version == 0
        for upto in (1, 2):
            writer.apply(upto=upto, added=entries([axis(upto, 1)], first=upto), removed=[])
            assert (reader.version, len(reader)) == (upto, upto)
            assert samples(reader.search(axis(upto, 1), limit=1)) == [upto]
        writer.clear()
        assert (reader.version, len(reader), reader.search(axis(1), limit=1)) == (0, 0, [])

    @pytest.mark.parametrize("filled_again", [False, True])
    def test_changes_to_an_index_that_was_cleared_meanwhile_are_refused(self, open_index, filled_again):
        """Or it would say to be complete up to the later version, without what came before."""
        changed, cleared = open_index(metric=Metric.COSINE), open_index(metric=Metric.COSINE)
        changed.apply(upto=8, added=entries([axis(1), axis(0, 1)]), removed=[])
        assert changed.version == 8
        cleared.clear()
        if filled_again:
            cleared.apply(upto=4, added=entries([axis(1)]), removed=[])
        with pytest.raises(IndexUnavailable, match="was cleared"):
            changed.apply(upto=9, added=entries([axis(0, 0, 1)], first=3), removed=[2])
        assert changed.version == (4 if filled_again else 0)
        changed.apply(upto=9, added=entries([axis(1)]), removed=[2])
        assert (cleared.version, len(cleared)) == (9, 1)

    @pytest.mark.parametrize(
        ("embedding", "complaint"),
        [
            pytest.param(np.ones(DIMENSION + 1, np.float32), r"\(16,\).*\(17,\)", id="too long"),
            pytest.param(np.ones((1, DIMENSION), np.float32), r"\(16,\).*\(1, 16\)", id="a matrix"),
            pytest.param(np.full(DIMENSION, np.nan, np.float32), "finite", id="not a number"),
            pytest.param(np.full(DIMENSION, np.inf, np.float32), "finite", id="infinite"),
            pytest.param(np.zeros(DIMENSION, np.float32), "zeros", id="no direction"),
        ],
    )
    def test_wrong_embedding_is_a_value_error(self, index, embedding, complaint):
        with pytest.raises(ValueError, match=complaint):
            index.search(embedding, limit=1)
        with pytest.raises(ValueError, match=complaint):
            index.apply(upto=1, added=[Entry(1, 1, embedding)], removed=[])
        assert (index.version, len(index)) == (0, 0)

    def test_threads_search_while_one_applies(self, index):
        """What was there before is found all the time, and a hit never mixes two samples."""
        vectors = vectors_for(Metric.COSINE, 400)
        index.apply(upto=1, added=entries(vectors[:100]), removed=[])
        stop = threading.Event()

        def search(offset):
            rounds = 0
            while not stop.is_set() or not rounds:
                for position in range(offset, 100, 4):
                    [hit] = index.search(vectors[position], limit=1)
                    assert (hit.sample_id, hit.person_id) == (position + 1, position + 1000)
                rounds += 1

        with ThreadPoolExecutor(4) as pool:
            searches = [pool.submit(search, offset) for offset in range(4)]
            try:
                for upto in range(2, 30):
                    some = entries(vectors[100 + upto :], first=101 + upto)
                    index.apply(upto=upto, added=some, removed=range(101, 101 + upto))
            finally:
                stop.set()
            for found in searches:
                found.result()
        assert len(index) == 100 + 271  # the last round adds those from position 129 on
