"""Loading a catalogue: twice, over staff's edits, from wrong files."""

from __future__ import annotations

import io
import json

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command

from flows.catalogue import CatalogueError, load_catalogue, read_catalogue
from flows.models import ServiceItem
from flows.types import Origin
from tests.flows.factories import service_item, words, write_catalogue

pytestmark = pytest.mark.django_db


def changes(report):
    """The report's lists that are not empty."""
    names = ("created", "updated", "unchanged", "edited", "outdated", "name_taken", "withdrawn")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_the_first_load_creates_in_the_order_of_the_file(tmp_path):
    path = write_catalogue(tmp_path, words("b"), words("a"))
    assert changes(load_catalogue(path)) == {"created": ["b", "a"]}
    assert [item.code for item in ServiceItem.objects.all()] == ["b", "a"]
    stored = ServiceItem.objects.get(code="a")
    assert {field: getattr(stored, field) for field in words("a")} == words("a")
    assert stored.enabled
    assert stored.origin is Origin.SHIPPED


def test_the_second_load_changes_nothing(tmp_path):
    path = write_catalogue(tmp_path, words("a"), words("b"))
    load_catalogue(path)
    before = list(ServiceItem.objects.values())
    assert changes(load_catalogue(path)) == {"unchanged": ["a", "b"]}
    assert list(ServiceItem.objects.values()) == before


def test_a_new_shipped_text_reaches_an_untouched_item(tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a"), words("b")))
    path = write_catalogue(tmp_path, words("a", fee="20元"), words("b"))
    assert changes(load_catalogue(path)) == {"updated": ["a"], "unchanged": ["b"]}
    assert ServiceItem.objects.get(code="a").fee == "20元"
    assert changes(load_catalogue(path)) == {"unchanged": ["a", "b"]}


def test_switching_off_and_moving_are_not_edits(tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a")))
    ServiceItem.objects.update(enabled=False, order=99)
    assert changes(load_catalogue(write_catalogue(tmp_path, words("a", fee="20元")))) == {"updated": ["a"]}
    item = ServiceItem.objects.get()
    assert (item.fee, item.enabled, item.order) == ("20元", False, 99)


def test_staff_edits_are_kept_and_reported(tmp_path):
    path = write_catalogue(tmp_path, words("a"))
    load_catalogue(path)
    ServiceItem.objects.update(guidance="本大厅三楼办理。")
    assert changes(load_catalogue(path)) == {"edited": ["a"]}
    newer = write_catalogue(tmp_path, words("a", fee="20元"))
    assert changes(load_catalogue(newer)) == {"edited": ["a"], "outdated": ["a"]}
    item = ServiceItem.objects.get()
    assert (item.guidance, item.fee) == ("本大厅三楼办理。", "免费")


def test_an_edit_that_is_taken_back_is_no_edit(tmp_path):
    path = write_catalogue(tmp_path, words("a"))
    load_catalogue(path)
    ServiceItem.objects.update(fee="20元")
    assert changes(load_catalogue(path)) == {"edited": ["a"]}
    ServiceItem.objects.update(fee="免费")
    assert changes(load_catalogue(path)) == {"unchanged": ["a"]}


def test_an_edit_that_becomes_the_shipped_text_follows_it_from_then_on(tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a")))
    ServiceItem.objects.update(fee="20元")
    load_catalogue(write_catalogue(tmp_path, words("a", fee="20元")))
    assert ServiceItem.objects.get().origin is Origin.SHIPPED
    assert changes(load_catalogue(write_catalogue(tmp_path, words("a", fee="30元")))) == {"updated": ["a"]}


def test_restoring_gives_up_the_edits_of_that_item_only(tmp_path):
    path = write_catalogue(tmp_path, words("a"), words("b"))
    load_catalogue(path)
    ServiceItem.objects.update(fee="20元")
    assert changes(load_catalogue(path, restore=["a"])) == {"updated": ["a"], "edited": ["b"]}
    assert dict(ServiceItem.objects.values_list("code", "fee")) == {"a": "免费", "b": "20元"}


def test_an_item_of_staff_with_a_shipped_code_is_kept(tmp_path):
    service_item("a", fee="我们的收费")
    assert changes(load_catalogue(write_catalogue(tmp_path, words("a")))) == {"edited": ["a"], "outdated": ["a"]}
    assert ServiceItem.objects.get().fee == "我们的收费"


def test_an_item_of_staff_with_a_shipped_name_is_kept_and_the_shipped_one_reported(tmp_path):
    service_item("own", name="护照")
    report = load_catalogue(write_catalogue(tmp_path, words("a", name="护照"), words("b")))
    assert changes(report) == {"created": ["b"], "name_taken": ["a"]}
    assert set(ServiceItem.objects.values_list("code", flat=True)) == {"own", "b"}


def test_a_renamed_item_whose_new_name_is_taken_is_kept(tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a")))
    service_item("own", name="护照")
    assert changes(load_catalogue(write_catalogue(tmp_path, words("a", name="护照")))) == {"name_taken": ["a"]}
    assert ServiceItem.objects.get(code="a").name == words("a")["name"]


def test_an_item_that_is_no_longer_shipped_is_kept_and_reported(tmp_path):
    load_catalogue(write_catalogue(tmp_path, words("a"), words("b")))
    service_item("own")
    assert changes(load_catalogue(write_catalogue(tmp_path, words("b")))) == {"unchanged": ["b"], "withdrawn": ["a"]}
    assert ServiceItem.objects.count() == 3


def without(field):
    entry = words("a")
    del entry[field]
    return entry


WRONG_ENTRIES = {
    "no fee": ([without("fee")], ["items[0] (a) fee", "required"]),
    "no code": ([without("code")], ["items[0] code", "required"]),
    "unknown field": ([words("a", price="1元")], ["items[0] (a) price"]),
    "fee a number": ([words("a", fee=20)], ["items[0] (a) fee", "string"]),
    "alias a number": ([words("a", aliases=["甲", 1])], ["items[0] (a) aliases 1", "string"]),
    "aliases a text": ([words("a", aliases="甲")], ["items[0] (a) aliases", "list"]),
    "an entry is a text": (["身份证"], ["items[0]"]),
    "unknown slot": ([words("a", required_slots=["phone"])], ["a required_slots", "phone"]),
    "unknown relative": ([words("a", family_questions=["cat"])], ["a family_questions", "cat"]),
    "bad code": ([words("身份证")], ["身份证 code"]),
    "empty guidance": ([words("a", guidance="")], ["a guidance"]),
    "blank around an example": ([words("a", examples=["我要 "])], ["a examples"]),
    "the same code twice": ([words("a"), words("a", name="另一个", aliases=[])], ["code a", "2 times"]),
    "the same name twice": ([words("a", name="护照"), words("b", name="护照")], ["name 护照", "2 times"]),
    "an alias of two items": ([words("a", aliases=["证"]), words("b", aliases=["证"])], ["'证'", "a, b"]),
    "an alias that is another's name": ([words("a", name="证"), words("b", aliases=["证"])], ["'证'", "a, b"]),
    "an alias that is its own name": ([words("a", name="证", aliases=["证"])], ["'证'", "a, a"]),
}


@pytest.mark.parametrize(("entries", "parts"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_file_is_refused_whole(tmp_path, entries, parts):
    path = write_catalogue(tmp_path, words("right"), *entries)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    text = str(caught.value)
    assert [part for part in parts if part.replace("items[0]", "items[1]") not in text] == [], text
    assert not ServiceItem.objects.exists()


WRONG_FILES = {
    "not there": (None, "No such file"),
    "not JSON": ("身份证", "Expecting value"),
    "a list": ("[]", "the file: "),
    "null": ("null", "the file: "),
    "no items": ('{"shared_aliases": {}}', "items: Field required"),
    "a key twice": ('{"shared_aliases": {}, "items": [], "items": []}', "'items' stands 2 times"),
}


@pytest.mark.parametrize(("text", "message"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_file_that_is_no_catalogue_is_refused(tmp_path, text, message):
    path = tmp_path / "catalogue.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError, match=message):
        load_catalogue(path)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "catalogue.json"
    path.write_bytes(json.dumps({"shared_aliases": {}, "items": [words()]}, ensure_ascii=False).encode("gb18030"))
    with pytest.raises(CatalogueError, match="utf-8"):
        load_catalogue(path)


def test_every_problem_of_a_file_is_named_at_once(tmp_path):
    path = write_catalogue(tmp_path, words("a", guidance=""), words("b", required_slots=["x"]), words("b", name="乙", aliases=[]))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert len(caught.value.problems) == 3


SHARED = {
    "declared": ({"证": ["b", "a"]}, None),
    "declared for one of them": ({"证": ["a"]}, "shared_aliases does not say so"),
    "declared for one more": ({"证": ["a", "b", "c"]}, "shared_aliases does not say so"),
    "another word declared": ({"证": ["a", "b"], "照": ["a", "b"]}, "'照' is not shared by two items"),
}


@pytest.mark.parametrize(("shared", "message"), SHARED.values(), ids=SHARED.keys())
def test_an_alias_may_be_shared_on_purpose(tmp_path, shared, message):
    path = write_catalogue(tmp_path, words("a", aliases=["证"]), words("b", aliases=["证"]), shared_aliases=shared)
    if message is None:
        assert len(read_catalogue(path)) == 2
    else:
        with pytest.raises(CatalogueError, match=message):
            read_catalogue(path)


def run_command(**options):
    output = io.StringIO()
    call_command("load_catalogue", stdout=output, **options)
    return output.getvalue()


def test_the_command_reports_in_one_line():
    first, second = run_command(), run_command()
    count = ServiceItem.objects.count()
    assert first == f"Service catalogue: {count} created, 0 updated, 0 unchanged\n"
    assert second == f"Service catalogue: 0 created, 0 updated, {count} unchanged\n"


def test_the_command_names_what_it_kept_and_restores_on_demand():
    run_command()
    ServiceItem.objects.filter(code="passport").update(fee="200元")
    assert run_command().endswith("; kept as edited by staff: passport\n")
    assert "1 updated" in run_command(restore=["passport"])
    assert ServiceItem.objects.get(code="passport").origin is Origin.SHIPPED


def test_the_command_refuses_to_restore_an_unknown_code():
    with pytest.raises(CommandError, match="no item has the code pasport"):
        run_command(restore=["pasport"])
    assert not ServiceItem.objects.exists()


def test_the_audit_log_tells_who_changed_an_item():
    run_command()
    item = ServiceItem.objects.get(code="passport")
    entry = LogEntry.objects.get_for_object(item).get()
    assert entry.additional_data == {"client": "load_catalogue"}
    item.fee = "200元"
    item.save()
    assert list(LogEntry.objects.get_for_object(item).latest().changes_dict) == ["fee"]
