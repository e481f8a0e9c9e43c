"""Edits of the catalogue are used at once, by every process, for one small query."""

from __future__ import annotations

import threading

import pytest

from flows.models import ServiceItem
from flows.understanding.base import Decision
from flows.understanding.builtin import BuiltIn
from flows.understanding.catalogue import CHECK_SECONDS, LearntCatalogue
from flows.understanding.retrieval import ServiceWords
from tests.flows.factories import service_item

pytestmark = pytest.mark.django_db


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def builtin(clock):
    service_item("passport", name="护照", aliases=["因私护照"], examples=["我要办护照"])
    service_item("permit", name="居住证", aliases=["暂住证"], examples=["我要办居住证"])
    return BuiltIn(LearntCatalogue(clock=clock))


def is_understood(builtin, text):
    return builtin.classify(text).decision is Decision.SERVICE


def added():
    service_item("well", name="取水许可证", aliases=["打井"], examples=["我要打一口井"])


def alias_given():
    item = ServiceItem.objects.get(code="permit")
    item.aliases = [*item.aliases, "打井"]
    item.save()


EDITS = {"an item is added": added, "an alias is added": alias_given}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_is_used_within_a_second(builtin, clock, edit):
    assert not is_understood(builtin, "我要打井")
    edit()
    assert not is_understood(builtin, "我要打井"), "it was just looked at"
    clock.now += CHECK_SECONDS
    assert is_understood(builtin, "我要打井")
    assert CHECK_SECONDS < 1


def test_an_item_that_is_switched_off_is_not_offered(builtin, clock):
    assert is_understood(builtin, "我要办居住证")
    ServiceItem.objects.filter(code="permit").update(enabled=False)
    clock.now += CHECK_SECONDS
    assert not is_understood(builtin, "我要办居住证")
    assert is_understood(builtin, "我要办护照")


def test_an_item_that_is_deleted_is_not_offered(builtin, clock):
    assert is_understood(builtin, "我要办护照")
    ServiceItem.objects.get(code="passport").delete()
    clock.now += CHECK_SECONDS
    assert not is_understood(builtin, "我要办护照")


def test_a_request_costs_one_query_and_none_within_the_interval(builtin, clock, django_assert_num_queries):
    builtin.classify("护照")
    with django_assert_num_queries(0):
        builtin.classify("护照")
    clock.now += CHECK_SECONDS
    with django_assert_num_queries(1):
        builtin.classify("护照")


def test_nothing_is_learnt_anew_where_nothing_changed(builtin, clock):
    before = builtin.services()
    clock.now += CHECK_SECONDS
    assert builtin.services() is before


class SlowSource:
    """Says when it is being read, and waits to be let on."""

    def __init__(self) -> None:
        self.count = 0
        self.reading, self.go_on = threading.Event(), threading.Event()

    def version(self) -> tuple[object, ...]:
        return (self.count,)

    def services(self) -> list[ServiceWords]:
        if self.count:
            self.reading.set()
            assert self.go_on.wait(10)
        return [ServiceWords("passport", "护照")] * 1


def test_while_one_thread_learns_the_others_go_on_with_the_last_catalogue(clock):
    source = SlowSource()
    catalogue = LearntCatalogue(source, clock)
    last = catalogue.matcher()
    source.count = 1
    clock.now += CHECK_SECONDS
    thread = threading.Thread(target=catalogue.matcher)
    thread.start()
    assert source.reading.wait(10)
    assert catalogue.matcher() is last
    source.go_on.set()
    thread.join()
    assert catalogue.matcher() is not last


def test_threads_that_come_first_all_get_the_catalogue_learnt_once(clock):
    source = SlowSource()
    catalogue = LearntCatalogue(source, clock)
    found = []
    threads = [threading.Thread(target=lambda: found.append(catalogue.matcher())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_a_failed_look_at_the_database_is_no_answer_and_no_lock(clock):
    class Broken(SlowSource):
        def version(self):
            raise OSError("no database")

    catalogue = LearntCatalogue(Broken(), clock)
    for _ in range(2):
        with pytest.raises(OSError, match="no database"):
            catalogue.matcher()
