"""The index of plates in Elasticsearch: the server says which plates are worth a look, what each is worth is worked out here.

A plate's document has its key and, for each place, the character that stands there, as written and folded: so the conditions of
`conditions` are counts of terms. The answers are those of the embedded index, as long as no more than ten thousand plates are
worth a look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np

from analytics.plates.search import PART_SCORE, Query, understand
from analytics.sightings.plate_index.alphabet import LENGTH, encode
from analytics.sightings.plate_index.base import MIN_THRESHOLD, PlateEntry, PlateHit
from analytics.sightings.plate_index.conditions import Condition, Plan, exact_fit, folded, plan
from analytics.sightings.plate_index.scoring import scores
from faces.index.documents import ElasticsearchDocuments

_MOST_CANDIDATES: Final = 10_000
"""The most that Elasticsearch gives at once."""
_FIT: Final = 1e-6

Clause = dict[str, Any]


class ElasticsearchPlateIndex(ElasticsearchDocuments[PlateEntry]):
    """A PlateIndex on an Elasticsearch server."""

    noun: ClassVar[str] = "plate"
    counted_field: ClassVar[str] = "sighting_id"
    bulk_documents: ClassVar[int] = 5000

    def mappings(self) -> dict[str, Any]:
        term = {"type": "keyword", "doc_values": False}
        return {
            "dynamic": "strict",
            "_source": {"enabled": False},
            "properties": {
                "sighting_id": {"type": "long"},
                "key": {"type": "keyword"},
                "length": {"type": "keyword", "doc_values": False},
                "places": term,
                "folded": term,
            },
        }

    def document(self, entry: PlateEntry) -> tuple[int, dict[str, Any]]:
        key = entry.key[:LENGTH]
        return entry.sighting_id, {
            "sighting_id": entry.sighting_id,
            "key": key,
            "length": str(len(key)),
            "places": [_term(place, character) for place, character in enumerate(key)],
            "folded": [_term(place, folded(character)) for place, character in enumerate(key)],
        }

    def search(self, query: str, *, limit: int, threshold: float) -> list[PlateHit]:
        """As PlateIndex.search."""
        if limit < 1 or not MIN_THRESHOLD <= threshold <= 1:
            raise ValueError(f"limit must be at least 1 and threshold {MIN_THRESHOLD} to 1, not {limit} and {threshold}")
        wanted = understand(query)
        return self._read(lambda life: self._search(life, wanted, limit, threshold), empty=[])

    def _search(self, life: str, wanted: Query, limit: int, threshold: float) -> list[PlateHit]:
        same: list[PlateHit] = []
        if wanted.is_plain:
            same = self._scored(life, wanted, {"term": {"key": wanted.pattern[:LENGTH]}}, limit, 1.0)
            if len(same) == limit:
                return same
        if wanted.is_part or not wanted.is_plain:
            fits = {"bool": {"filter": [_exactly(exact_fit(wanted)), *_pattern(wanted)]}}
            found = _merged(same, self._scored(life, wanted, fits, limit, max(threshold, PART_SCORE)), limit)
            if len(found) == limit or not wanted.is_plain:
                return found
        near = {"bool": {"should": list(_near(plan(wanted, threshold))), "minimum_should_match": 1}}
        return _merged([], self._scored(life, wanted, near, _MOST_CANDIDATES, threshold, by_score=True), limit)

    def _scored(
        self, life: str, wanted: Query, query: Clause, most: int, threshold: float, *, by_score: bool = False
    ) -> list[PlateHit]:
        """The newest of what the server finds, or with `by_score` of what agrees best, where it reaches the threshold."""
        by: list[Clause] = [{"_score": {"order": "desc"}}] if by_score else []
        newest: Clause = {"sighting_id": {"order": "desc"}}
        response = self._client.search(
            index=life,
            query=query,
            sort=[*by, newest],
            size=min(most, _MOST_CANDIDATES),
            source=False,
            docvalue_fields=[{"field": "sighting_id"}, {"field": "key"}],
            track_total_hits=False,
            allow_partial_search_results=False,
        )
        fields = [document["fields"] for document in response["hits"]["hits"]]
        if not fields:
            return []
        fit = scores(wanted, encode(field["key"][0] for field in fields))
        good = np.flatnonzero(fit >= threshold - _FIT).tolist()
        return [PlateHit(int(fields[index]["sighting_id"][0]), float(fit[index])) for index in good]


def _merged(first: list[PlateHit], more: list[PlateHit], limit: int) -> list[PlateHit]:
    hits = {hit.sighting_id: hit for hit in [*first, *more]}
    return sorted(hits.values(), key=lambda hit: (-hit.score, -hit.sighting_id))[:limit]


def _term(place: int, character: str) -> str:
    return f"{place:x}{character}"


def _exactly(to_do: Plan) -> Clause:
    """Plates that have all literals at one of the shifts."""
    ways: list[Clause] = []
    for condition in to_do.conditions:
        for shift in condition.shifts:
            places = [(place + shift, character) for place, character in to_do.literals]
            if all(0 <= place < LENGTH for place, _ in places):
                terms: list[Clause] = [{"term": {"places": _term(place, character)}} for place, character in places]
                ways.append({"bool": {"filter": [*terms, *_length(condition)]}})
    return {"bool": {"should": ways, "minimum_should_match": 1}}


def _pattern(wanted: Query) -> list[Clause]:
    return [] if wanted.is_plain or "*" not in wanted.pattern else [{"wildcard": {"key": {"value": wanted.pattern}}}]


def _near(to_do: Plan) -> Iterator[Clause]:
    for condition in to_do.conditions:
        terms = {
            _term(place + shift, folded(character)): None
            for shift in condition.shifts
            for place, character in to_do.literals
            if 0 <= place + shift < LENGTH
        }
        if len(terms) >= condition.need:
            agreeing: list[Clause] = [{"constant_score": {"filter": {"term": {"folded": term}}}} for term in terms]
            yield {
                "bool": {"should": agreeing, "minimum_should_match": condition.need, "filter": _length(condition)},
            }


def _length(condition: Condition) -> list[Clause]:
    return [] if condition.length is None else [{"term": {"length": str(condition.length)}}]
