"""The vector index in Elasticsearch: one index for each engine; how it is kept in step with the rows: `documents`.

Vectors are kept twice: as int8 codes, all of which a search scans, and as floats, which score the best of them again. So scores
are exact, and so, in practice, is the order; the time grows with the gallery (figures: deploy/elasticsearch/README.md).
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from faces.index.base import Entry, Hit
from faces.index.documents import ElasticsearchDocuments
from faces.types import Metric

if TYPE_CHECKING:
    from collections.abc import Collection

    from faces.types import Embedding

_SIMILARITY = {Metric.COSINE: "cosine", Metric.EUCLIDEAN: "l2_norm"}
_MIN_NEIGHBOURS = 64
_MAX_NEIGHBOURS = 10_000
"""The most that Elasticsearch accepts."""
_MIN_CANDIDATES = 1_000
"""Means nothing to the int8_flat type; decides the recall should an administrator change the mapping to int8_hnsw."""
_OVERSAMPLE = 3.0
"""For each neighbour asked for, so many of the best by int8 code are scored again by their floats."""


class ElasticsearchIndex(ElasticsearchDocuments[Entry]):
    """A VectorIndex on an Elasticsearch server.

    Besides the errors of ElasticsearchDocuments, ValueError is raised for a prefix that no index may have, and by `apply` and
    `search` for an embedding that is not `dimension` finite numbers, or is all zeros under COSINE.
    """

    noun = "sample"
    counted_field = "sample_id"

    def __init__(
        self, url: str, *, name_prefix: str, engine_identity: str, dimension: int, metric: Metric, **connection: Any
    ) -> None:
        """`connection`: as for ElasticsearchDocuments."""
        name = index_name(name_prefix, engine_identity=engine_identity, dimension=dimension, metric=metric)
        super().__init__(url, name=name, **connection)
        self._name_prefix = name_prefix
        self._engine_identity = engine_identity
        self._dimension = dimension
        self._metric = metric

    def search(self, probe: Embedding, *, limit: int, person_ids: Collection[int] | None = None) -> list[Hit]:
        vector = self._checked(probe).tolist()
        if limit < 1 or (person_ids is not None and not person_ids):
            return []
        wanted = None if person_ids is None else [int(person_id) for person_id in person_ids]
        return self._read(lambda life: self._nearest(life, vector, limit, wanted), empty=[])

    def forget_other_engines(self) -> None:
        with self._errors_reported():
            names = self._writer.indices.get(index=f"{self._name_prefix}-*", features="aliases", ignore_unavailable=True)
            for name in names:
                if name != self.name:
                    self._writer.indices.delete(index=name, ignore_unavailable=True)

    def mappings(self) -> dict[str, Any]:
        embedding = {
            "type": "dense_vector",
            "dims": self._dimension,
            "similarity": _SIMILARITY[self._metric],
            "index_options": {"type": "int8_flat"},
        }
        return {
            "dynamic": "strict",
            "_meta": {"engine": self._engine_identity, "metric": self._metric.value},
            "properties": {"sample_id": {"type": "long"}, "person_id": {"type": "long"}, "embedding": embedding},
        }

    def document(self, entry: Entry) -> tuple[int, dict[str, Any]]:
        from elasticsearch.helpers import pack_dense_vector

        return entry.sample_id, {
            "sample_id": int(entry.sample_id),
            "person_id": int(entry.person_id),
            "embedding": pack_dense_vector(self._checked(entry.embedding)),
        }

    def _nearest(self, life: str, vector: list[float], limit: int, wanted: list[int] | None) -> list[Hit]:
        """Asks for the nearest samples until they belong to `limit` persons, leaving out the persons already found."""
        neighbours = min(max(4 * limit, _MIN_NEIGHBOURS), _MAX_NEIGHBOURS)
        hits: list[Hit] = []
        while len(hits) < limit:
            filters: list[dict[str, Any]] = []
            if wanted is not None:
                filters.append({"terms": {"person_id": wanted}})
            if hits:
                filters.append({"bool": {"must_not": {"terms": {"person_id": [hit.person_id for hit in hits]}}}})
            knn = {
                "field": "embedding",
                "query_vector": vector,
                "k": neighbours,
                "num_candidates": max(neighbours, _MIN_CANDIDATES),
                "rescore_vector": {"oversample": _OVERSAMPLE},
                "filter": filters,
            }
            found = self._client.search(
                index=life,
                knn=knn,
                collapse={"field": "person_id"},
                size=min(limit - len(hits), neighbours),
                source=False,
                track_total_hits=True,
                allow_partial_search_results=False,
            )["hits"]
            hits += [self._hit(document) for document in found["hits"]]
            if found["total"]["value"] < neighbours:
                break
        return hits

    def _hit(self, document: dict[str, Any]) -> Hit:
        relevance = document["_score"]  # (1 + cosine) / 2, or 1 / (1 + distance squared)
        score = 2.0 * relevance - 1.0 if self._metric is Metric.COSINE else math.sqrt(max(0.0, 1.0 / relevance - 1.0))
        return Hit(sample_id=int(document["_id"]), person_id=int(document["fields"]["person_id"][0]), score=score)

    def _checked(self, embedding: Embedding) -> Embedding:
        if embedding.shape != (self._dimension,):
            raise ValueError(f"an embedding of shape ({self._dimension},) is needed, got {embedding.shape}")
        if not np.isfinite(embedding).all():
            raise ValueError("an embedding must consist of finite numbers")
        if self._metric is Metric.COSINE and not embedding.any():
            raise ValueError("an embedding that is all zeros has no cosine")
        return np.asarray(embedding, dtype=np.float32)


def index_name(prefix: str, *, engine_identity: str, dimension: int, metric: Metric) -> str:
    """The name of an engine's index: readable, valid in Elasticsearch, and different for engines that differ in anything.

    Raises ValueError for a prefix that no index may have.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", prefix):
        raise ValueError(
            "the prefix of an Elasticsearch index has at most 100 characters of a-z, 0-9, '.', '_' and '-',"
            f" the first a letter or digit, got {prefix!r}"
        )
    readable = re.sub(r"[^a-z0-9]+", "-", engine_identity.lower()).strip("-")
    exact = hashlib.sha256(f"{engine_identity}\n{dimension}\n{metric.value}".encode()).hexdigest()
    return f"{prefix}-{readable}-{dimension}-{exact[:8]}"
