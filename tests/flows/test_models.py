"""What a service item may hold: by its validators, and by the database where those are not run."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from flows.models import ServiceItem
from flows.types import Origin
from tests.flows.factories import service_item, words

pytestmark = pytest.mark.django_db

REFUSED = {
    "code with blanks": ("code", "pass port"),
    "no name": ("name", ""),
    "no guidance": ("guidance", ""),
    "no department": ("department", ""),
    "aliases are a text": ("aliases", "护照"),
    "aliases are an object": ("aliases", {"护照": 1}),
    "an alias is a number": ("aliases", [1]),
    "an alias is empty": ("aliases", [""]),
    "an alias has blanks around it": ("aliases", [" 护照"]),
    "an alias has two lines": ("aliases", ["护\n照"]),
    "an alias holds a null character": ("aliases", ["护\x00照"]),
    "an alias twice": ("aliases", ["护照", "护照"]),
    "an alias of 65 characters": ("aliases", ["照" * 65]),
    "101 aliases": ("aliases", [str(number) for number in range(101)]),
    "an unknown slot": ("required_slots", ["shoe_size"]),
    "a slot twice": ("required_slots", ["birth", "birth"]),
    "a necessary field as a slot": ("required_slots", ["phone"]),
    "slots are a text": ("required_slots", "birth"),
    "a slot is a list": ("required_slots", [["birth"]]),
    "an unknown relative": ("family_questions", ["neighbour"]),
}


def test_a_whole_item_is_valid():
    ServiceItem(**words()).full_clean()


def test_an_item_with_empty_lists_is_valid():
    item = ServiceItem(**words(aliases=[], examples=[], materials=[], required_slots=[], family_questions=[]))
    item.full_clean()


def test_an_alias_of_64_characters_is_valid():
    ServiceItem(**words(aliases=["照" * 64])).full_clean()


@pytest.mark.parametrize(("field", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_validation_refuses(field, value):
    with pytest.raises(ValidationError) as caught:
        ServiceItem(**words(**{field: value})).clean_fields()
    assert set(caught.value.message_dict) == {field}


CONSTRAINED = {
    "code empty": ({"code": ""}, "service_item_code_not_empty"),
    "name empty": ({"name": ""}, "service_item_name_not_empty"),
    "guidance empty": ({"guidance": ""}, "service_item_guidance_not_empty"),
    "department empty": ({"department": ""}, "service_item_department_not_empty"),
    "fee empty": ({"fee": ""}, "service_item_fee_not_empty"),
    "time limit empty": ({"time_limit": ""}, "service_item_time_limit_not_empty"),
    "aliases an object": ({"aliases": {}}, "service_item_aliases_is_list"),
    "examples a text": ({"examples": "我要"}, "service_item_examples_is_list"),
    "materials a number": ({"materials": 1}, "service_item_materials_is_list"),
    "slots an object": ({"required_slots": {"birth": True}}, "service_item_required_slots_is_list"),
    "relatives a text": ({"family_questions": "child"}, "service_item_family_questions_is_list"),
}


@pytest.mark.parametrize(("change", "constraint"), CONSTRAINED.values(), ids=CONSTRAINED.keys())
def test_the_database_refuses(change, constraint):
    item = service_item()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ServiceItem.objects.filter(pk=item.pk).update(**change)


@pytest.mark.parametrize("field", ["code", "name"])
def test_the_database_keeps_it_unique(field):
    first, second = service_item("first"), service_item("second")
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceItem.objects.filter(pk=second.pk).update(**{field: getattr(first, field)})


def test_chinese_is_found_in_a_list_by_its_characters():
    service_item("marriage", aliases=["扯证", "领证"])
    service_item("passport")
    assert [item.code for item in ServiceItem.objects.filter(aliases__icontains="扯证")] == ["marriage"]


def test_the_enabled_are_those_the_hall_offers():
    service_item("offered")
    service_item("closed", enabled=False)
    assert [item.code for item in ServiceItem.objects.enabled()] == ["offered"]


SAME_WORDS = {
    "slots in another order": {"required_slots": ["hukou", "address"]},
    "line breaks of a browser": {"guidance": "一\r\n二"},
    "switched off": {"enabled": False},
    "moved": {"order": 7},
}
OTHER_WORDS = {
    "name": {"name": "护照簿"},
    "alias": {"aliases": ["护照"]},
    "aliases in another order": {"aliases": ["乙", "甲"]},
    "slot": {"required_slots": ["address"]},
    "fee": {"fee": "120元"},
    "legal basis": {"legal_basis": "《护照法》"},
}


@pytest.mark.parametrize("change", SAME_WORDS.values(), ids=SAME_WORDS.keys())
def test_the_content_hash_stays(change):
    base = {"guidance": "一\n二"}
    assert ServiceItem(**words(**base)).content_hash() == ServiceItem(**words(**(base | change))).content_hash()


@pytest.mark.parametrize("change", OTHER_WORDS.values(), ids=OTHER_WORDS.keys())
def test_the_content_hash_changes(change):
    base = {"aliases": ["甲", "乙"]}
    assert ServiceItem(**words(**base)).content_hash() != ServiceItem(**words(**(base | change))).content_hash()


def test_origin():
    item = service_item()
    assert item.origin is Origin.OWN
    item.shipped_hash = item.content_hash()
    item.save()
    assert item.origin is Origin.SHIPPED
    assert ServiceItem.objects.of_origin(Origin.SHIPPED).get() == item
    item.fee = "120元"
    assert item.origin is Origin.EDITED
