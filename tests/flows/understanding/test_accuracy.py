"""The bars of the product, over the utterances of tests/data.

requests.jsonl was written before the classifier; the others after it, by ear, without looking at what it would say. The weights
were fitted on the first three; no weight has seen requests4.jsonl.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bench.understanding import (
    CONFIDENT_WRONG_BAR,
    DATA,
    RIGHT_OR_ASKED_BAR,
    STRAIGHT_BAR,
    Outcome,
    builtin_for,
    measure,
    read_requests,
    shipped_services,
)
from flows.understanding.base import Decision

SETS = {path.stem: read_requests(path) for path in sorted(DATA.glob("requests*.jsonl"))}
EVERY = [request for requests in SETS.values() for request in requests]


@pytest.fixture(scope="module", params=SETS)
def tally(request, shipped):
    return measure(shipped, SETS[request.param])


def texts(tally, outcome):
    return [request.text for request, its, _ in tally.outcomes if its is outcome]


def test_at_least_97_in_100_of_each_set_are_right_or_asked_back(tally):
    """The bar of 98 is for all of them together; a set of a hundred may miss one more."""
    assert tally.share(Outcome.RIGHT, Outcome.ASKED) >= RIGHT_OR_ASKED_BAR - 0.01, texts(tally, Outcome.MISSED)


def test_at_most_1_in_100_of_each_set_is_confidently_wrong(tally):
    assert tally.share(Outcome.WRONG) <= CONFIDENT_WRONG_BAR, texts(tally, Outcome.WRONG)


def test_all_together_reach_the_bars(shipped):
    tally = measure(shipped, EVERY)
    assert tally.share(Outcome.RIGHT, Outcome.ASKED) >= RIGHT_OR_ASKED_BAR
    assert tally.share(Outcome.WRONG) <= CONFIDENT_WRONG_BAR


def test_it_does_not_reach_them_by_asking_always(tally):
    assert tally.straight >= STRAIGHT_BAR


def test_the_names_of_the_catalogue_are_never_taken_for_another_service(shipped):
    services = shipped_services()
    found = {service.code: shipped.classify(f"我要办{service.name}") for service in services}
    wrong = {code: its.service.code for code, its in found.items() if its.service and its.service.code != code}
    assert wrong == {}
    assert sum(its.decision is Decision.SERVICE for its in found.values()) >= 0.9 * len(services)


def test_where_the_service_is_not_offered_few_are_sure_of_another():
    """A hall that offers every second of them: what it does not offer must not become a neighbour."""
    services = shipped_services()
    offered = services[::2]
    codes = {service.code for service in offered}
    missing = [request for request in EVERY if request.service is not None and request.service not in codes]
    tally = measure(builtin_for(offered), missing)
    assert len(missing) > 300
    assert tally.share(Outcome.WRONG) <= 0.06, texts(tally, Outcome.WRONG)


def test_the_first_set_is_large_and_covers_every_service():
    requests = SETS["requests"]
    services = Counter(request.service for request in requests)
    assert len(requests) >= 450
    assert all(services[service.code] >= 3 for service in shipped_services())
    assert sum(not request.wants_service for request in requests) >= 80
    assert sum(request.service is None and request.wants_service for request in requests) >= 60
    kinds = {"plain", "polite", "filler", "dialect", "asr", "typo", "trad", "mixed", "order", "story", "negation", "bare", "two"}
    assert kinds <= {request.kind for request in requests}


def test_no_utterance_stands_in_two_sets_or_in_the_catalogue():
    counts = Counter(request.text for request in EVERY)
    examples = {example for service in shipped_services() for example in service.examples}
    assert [text for text, count in counts.items() if count > 1 or text in examples] == []
