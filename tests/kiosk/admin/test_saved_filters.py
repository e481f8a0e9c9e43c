"""Filters that members of staff keep of the admin's lists."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kiosk import saved_filters
from kiosk.models import SavedFilter
from tests.staff import shown_text, staff_client

pytestmark = pytest.mark.django_db

SAVE = reverse("saved-filter-save")
VISITS = reverse("admin:flows_dialoguesession_changelist")
VIEW = "flows.view_dialoguesession"
PENDING = "review_state__exact=pending"


@pytest.fixture
def lin() -> Client:
    return staff_client(VIEW, username="lin")


def keep(client: Client, name: str = "待我审核", query: str = PENDING, model: str = "flows.dialoguesession"):
    return client.post(SAVE, {"name": name, "query": query, "model": model}, follow=True)


def test_is_offered_kept_and_leads_there(lin):
    assert "保存此筛选" not in shown_text(lin.get(VISITS).content.decode())
    assert "保存此筛选" in shown_text(lin.get(f"{VISITS}?{PENDING}").content.decode())
    page = keep(lin)
    assert page.redirect_chain == [(f"{VISITS}?{PENDING}", 302)]
    html = lin.get(VISITS).content.decode()
    assert f'<a href="?{PENDING}">待我审核</a>' in html
    assert "保存此筛选" not in shown_text(page.content.decode())


def test_the_same_name_again_replaces_it(lin):
    keep(lin)
    keep(lin, query="state__exact=stored")
    assert list(SavedFilter.objects.values_list("name", "query")) == [("待我审核", "state__exact=stored")]


def test_what_was_searched_for_is_not_kept(lin):
    keep(lin, query=f"q=欧阳慕白&p=2&{PENDING}")
    assert SavedFilter.objects.get().query == PENDING


@pytest.mark.parametrize(
    ("name", "query"),
    [("", PENDING), ("  ", PENDING), ("x", ""), ("x", "q=张三"), ("x", f"a={'x' * 2000}")],
    ids=["no-name", "blank", "no-filter", "only-a-search", "too-long"],
)
def test_refused(lin, name, query):
    lin.post(SAVE, {"name": name, "query": query, "model": "flows.dialoguesession"})
    assert not SavedFilter.objects.exists()


def test_not_more_than_so_many(lin, monkeypatch):
    monkeypatch.setattr(saved_filters, "MOST", 1)
    keep(lin, name="a")
    keep(lin, name="b")
    keep(lin, name="a", query="state__exact=stored")
    assert list(SavedFilter.objects.values_list("name", "query")) == [("a", "state__exact=stored")]


@pytest.mark.parametrize("model", ["flows.citizen", "flows.turn", "nonsense", ""], ids=["unseen", "no-list", "nonsense", "none"])
def test_of_lists_that_one_sees(lin, model):
    assert keep(lin, model=model).status_code == 404
    assert not SavedFilter.objects.exists()


def test_each_has_their_own(lin):
    keep(lin)
    kept, other = SavedFilter.objects.get(), staff_client(VIEW, username="wang")
    assert "待我审核" not in other.get(VISITS).content.decode()
    drop = reverse("saved-filter-drop", args=[kept.pk])
    assert other.post(drop).status_code == 404
    assert lin.get(drop).status_code == 405
    assert lin.post(drop, follow=True).redirect_chain == [(VISITS, 302)]
    assert not SavedFilter.objects.exists()


def test_strangers_are_sent_to_sign_in():
    assert Client().post(SAVE, {"name": "x", "query": PENDING, "model": "flows.dialoguesession"}).status_code == 302
