"""From evidence to a decision: two logistic regressions over the signs, and three rules.

The weights were fitted by `python -m bench.understanding_fit` on the first three sets of utterances of tests/data, each also with
the wanted service taken out of the catalogue: nothing may be sure then. They know no service, only how much evidence is enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from flows.understanding.base import MOST_CANDIDATES, Candidate, Classification, Decision
from flows.understanding.evidence import Evidence
from flows.understanding.retrieval import ServiceWords

Weights = Mapping[str, float]

SURE = 0.8
"""From this probability that the service at the top is the one that is wanted, it is not asked about."""
MEANT = 0.2
"""From this probability that any service is wanted, the citizen is asked back."""
_CANDIDATE_SHARE = 0.1
"""Of the best score: what a candidate has to have."""

IS_TOP: Weights = {
    "mentioned": -6.944,
    "wanted": 0.429,
    "length": 3.502,
    "score": 0.174,
    "runner_up": -4.105,
    "nothing": -0.814,
    "clause_score": 0.506,
    "clause_runner_up": 1.064,
    "agreement": 0.812,
    "heard": 1.456,
    "named": -2.103,
    "named_only": -0.056,
    "name_share": 2.515,
    "rival": -2.867,
    "qualified": -0.825,
    "fragment": -4.258,
    "coverage": 10.059,
    "clause_coverage": 0.070,
    "unexplained": 2.934,
    "addressed": -0.559,
    "open": -7.172,
    "constant": -14.329,
}
IS_ANY: Weights = {
    "mentioned": -10.881,
    "wanted": 3.024,
    "length": 2.077,
    "score": 0.211,
    "runner_up": 0.797,
    "nothing": -2.717,
    "clause_score": 0.770,
    "clause_runner_up": 0.871,
    "agreement": -0.679,
    "heard": 0.478,
    "named": -0.214,
    "named_only": 0.029,
    "name_share": 0.082,
    "rival": 0.244,
    "qualified": -2.514,
    "fragment": 1.781,
    "coverage": 6.027,
    "clause_coverage": 5.801,
    "unexplained": 5.978,
    "addressed": -5.777,
    "open": 5.892,
    "constant": -10.217,
}


def decide(evidence: Evidence, services: tuple[ServiceWords, ...]) -> Classification:
    """The decision, with at most MOST_CANDIDATES to ask about."""
    if evidence.empty or not evidence.signs:
        return _decide_nearly_nothing(evidence, services)
    is_top, is_any = probability(IS_TOP, evidence.signs), probability(IS_ANY, evidence.signs)
    if is_top >= SURE and not evidence.several:
        return Classification(Decision.SERVICE, service=_candidate(services, *evidence.ranking[0]), confidence=is_top)
    if is_any >= MEANT or evidence.several:
        return Classification(Decision.UNCLEAR, candidates=_candidates(evidence, services), confidence=is_any)
    return Classification(Decision.NO_SERVICE, confidence=1 - is_any)


def _decide_nearly_nothing(evidence: Evidence, services: tuple[ServiceWords, ...]) -> Classification:
    """我要办证, 我的车要办手续: something is wanted, but one word says too little to be sure what."""
    if not evidence.wanted or not evidence.empty:
        return Classification(Decision.NO_SERVICE, confidence=1.0)
    likely = evidence.signs.get("nothing", 1.0) < 1.0
    return Classification(Decision.UNCLEAR, candidates=_candidates(evidence, services) if likely else (), confidence=1.0)


def probability(weights: Weights, signs: Mapping[str, float]) -> float:
    """The logistic regression's."""
    return 1 / (1 + math.exp(-sum(weight * signs.get(sign, 1.0) for sign, weight in weights.items())))


def _candidates(evidence: Evidence, services: tuple[ServiceWords, ...]) -> tuple[Candidate, ...]:
    """The best one, then what single clauses want, then the others by their score."""
    scores = dict(evidence.ranking)
    best = evidence.ranking[0]
    close = (position for position, score in evidence.ranking if score >= _CANDIDATE_SHARE * best[1])
    chosen = list(dict.fromkeys([best[0], *evidence.by_clause, *close]))[:MOST_CANDIDATES]
    return tuple(_candidate(services, position, scores[position]) for position in chosen)


def _candidate(services: tuple[ServiceWords, ...], position: int, score: float) -> Candidate:
    return Candidate(services[position].code, services[position].name, min(score, 1.0))
