"""Staff at the catalogue: finding, editing, switching off; through admin's pages."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from flows.catalogue import load_catalogue, read_catalogue
from flows.forms import LinesField, ServiceItemForm
from flows.models import ServiceItem
from flows.types import Origin
from tests.flows.factories import service_item, words, write_catalogue

pytestmark = pytest.mark.django_db

LIST = "admin:flows_serviceitem_changelist"


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("staff"))
    return client


def change_url(item):
    return reverse("admin:flows_serviceitem_change", args=[item.pk])


def listed(response):
    return {item.code for item in response.context["cl"].result_list}


def form_data(item, **changes):
    """What a browser posts from the change page of an item, with some fields edited."""
    form = ServiceItemForm(instance=item)
    posted = {name: form[name].value() for name in form.fields if name != "code"}
    posted |= {name: "\r\n".join(getattr(item, name)) for name in ("aliases", "examples", "materials")}
    posted["guidance"] = item.guidance.replace("\n", "\r\n")
    if not item.enabled:
        del posted["enabled"]
    return posted | changes


SEARCHES = {
    "a name": ("护照", {"a"}),
    "an alias": ("扯证", {"b"}),
    "a part of an alias": ("扯", {"b"}),
    "a code": ("b", {"b"}),
    "nothing": ("身份证", set()),
}


@pytest.mark.parametrize(("query", "found"), SEARCHES.values(), ids=SEARCHES.keys())
def test_search(staff, query, found):
    service_item("a", name="护照", aliases=["出国本"])
    service_item("b", name="结婚登记", aliases=["扯证"])
    assert listed(staff.get(reverse(LIST), {"q": query})) == found


FILTERS = {
    "enabled": ({"enabled__exact": "1"}, {"shipped", "edited", "own"}),
    "switched off": ({"enabled__exact": "0"}, {"closed"}),
    "department": ({"department": "民政部门"}, {"own"}),
    "shipped": ({"origin": "shipped"}, {"shipped", "closed"}),
    "edited": ({"origin": "edited"}, {"edited"}),
    "own": ({"origin": "own"}, {"own"}),
    "a made-up origin": ({"origin": "stolen"}, {"shipped", "edited", "own", "closed"}),
}


@pytest.mark.parametrize(("parameters", "found"), FILTERS.values(), ids=FILTERS.keys())
def test_filters(staff, tmp_path, parameters, found):
    load_catalogue(write_catalogue(tmp_path, words("shipped"), words("edited"), words("closed")))
    ServiceItem.objects.filter(code="edited").update(fee="20元")
    ServiceItem.objects.filter(code="closed").update(enabled=False)
    service_item("own", department="民政部门")
    assert listed(staff.get(reverse(LIST), parameters)) == found


def test_lists_are_shown_one_per_line_and_labels_in_chinese(staff):
    item = service_item(aliases=["甲", "乙"], required_slots=["hukou"])
    page = staff.get(change_url(item)).content.decode()
    textarea = re.search(r'<textarea[^>]*name="aliases"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert html.unescape(textarea[1]).strip().splitlines() == ["甲", "乙"]
    for label in ("别名", "例句", "办事指引", "需要询问的信息", "户口所在地", "办理时限", "群众怎么说"):
        assert label in page
    assert re.search(r'name="required_slots"[^>]*value="hukou"[^>]*checked', page)


def test_edited_lines_become_a_list(staff):
    item = service_item()
    data = form_data(item, aliases=" 甲 \r\n\r\n乙\r\n", required_slots=["education", "birth"], family_questions=[])
    response = staff.post(change_url(item), data)
    assert response.status_code == 302, response.context["adminform"].errors
    item.refresh_from_db()
    assert item.aliases == ["甲", "乙"]
    assert set(item.required_slots) == {"birth", "education"}
    assert item.family_questions == []


def test_a_wrong_line_is_refused_beside_its_field(staff):
    item = service_item()
    response = staff.post(change_url(item), form_data(item, aliases="甲\r\n甲"))
    assert response.status_code == 200
    assert response.context["adminform"].errors == {"aliases": ["“甲”重复了。"]}
    item.refresh_from_db()
    assert item.aliases == words("own")["aliases"]


def test_saving_without_an_edit_keeps_the_item_shipped(staff, tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a", required_slots=["address", "hukou"], guidance="一\n二")))
    item = ServiceItem.objects.get()
    assert staff.post(change_url(item), form_data(item, required_slots=["hukou", "address"])).status_code == 302
    assert ServiceItem.objects.get().origin is Origin.SHIPPED
    assert staff.post(change_url(item), form_data(item, fee="20元")).status_code == 302
    assert ServiceItem.objects.get().origin is Origin.EDITED


@pytest.mark.parametrize("entry", read_catalogue(), ids=lambda entry: entry.code)
def test_every_shipped_item_goes_through_the_form_unchanged(entry):
    item = entry.as_item()
    form = ServiceItemForm(form_data(item, code=item.code), instance=item)
    assert form.is_valid(), form.errors
    assert form.has_changed() is False
    assert item.origin is Origin.SHIPPED


def test_the_code_is_chosen_once(staff):
    item = service_item("own")
    staff.post(change_url(item), form_data(item, code="other"))
    assert ServiceItem.objects.get().code == "own"


def test_an_item_is_switched_off_in_the_list(staff):
    item = service_item()
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(item.pk),
        "form-0-order": "30",
        "_save": "1",
    }
    assert staff.post(reverse(LIST), data).status_code == 302
    item.refresh_from_db()
    assert (item.enabled, item.order) == (False, 30)


def test_a_new_item_is_staffs_own(staff):
    data = words(
        "fishing-licence", aliases="钓鱼证", examples="我要钓鱼", materials="", name="钓鱼证办理", order="5", enabled="on"
    )
    assert staff.post(reverse("admin:flows_serviceitem_add"), data).status_code == 302
    item = ServiceItem.objects.get()
    assert (item.origin, item.aliases, item.materials) == (Origin.OWN, ["钓鱼证"], [])


def test_only_staffs_own_items_can_be_deleted(staff, tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a")))
    shipped, own = ServiceItem.objects.get(), service_item("own")
    delete = "admin:flows_serviceitem_delete"
    assert staff.post(reverse(delete, args=[shipped.pk]), {"post": "yes"}).status_code == 403
    assert staff.post(reverse(delete, args=[own.pk]), {"post": "yes"}).status_code == 302
    data = {"action": "delete_selected", "_selected_action": [shipped.pk], "post": "yes"}
    staff.post(reverse(LIST), data)
    assert ServiceItem.objects.get() == shipped


def test_a_reader_sees_and_cannot_change(client):
    item = service_item()
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_serviceitem"))
    client.force_login(reader)
    assert client.get(change_url(item)).status_code == 200
    assert client.post(change_url(item), form_data(item, fee="1元")).status_code == 403


LINES = {
    "nothing": (None, []),
    "empty": ("", []),
    "one": ("甲", ["甲"]),
    "unix": ("甲\n乙", ["甲", "乙"]),
    "browser": ("甲\r\n乙\r\n", ["甲", "乙"]),
    "blank lines and blanks": ("\n 甲 \n　\n乙　", ["甲", "乙"]),
}


@pytest.mark.parametrize(("text", "lines"), LINES.values(), ids=LINES.keys())
def test_lines(text, lines):
    assert LinesField(required=False).clean(text) == lines
