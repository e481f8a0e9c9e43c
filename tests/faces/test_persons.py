"""What staff change about people by hand."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from faces.errors import FaceErrorCode
from faces.models import ConsentSource, Person
from faces.persons import add_samples, change_person, photo_limit_bytes, register_person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("number", "consent"),
    [
        pytest.param("T001", ConsentSource.STAFF, id="number-and-consent"),
        pytest.param("T001", "", id="no-consent"),
        pytest.param("", ConsentSource.LEGAL, id="no-number"),
    ],
)
def test_registering(number: str, consent: str) -> None:
    register_person(Person(name="张三", number=number, consent_source=consent))
    person = Person.objects.get()
    assert person.number == (number or person.entity_id)
    assert person.consent_source == consent
    assert person.has_consent is bool(consent)


class TestChanging:
    def test_nobody_elses_change_is_undone(self) -> None:
        Person.objects.create(name="张三", number="T001")
        mine, theirs = Person.objects.get(), Person.objects.get()
        theirs.user_type = "vip"
        change_person(theirs, ["user_type"])
        mine.name = "张三丰"
        change_person(mine, ["name"])
        person = Person.objects.get()
        assert (person.name, person.user_type) == ("张三丰", "vip")

    def test_a_consent_is_given_now_and_its_correction_keeps_the_time(self) -> None:
        register_person(Person(name="张三", number="T001"))
        person = Person.objects.get()
        person.consent_source = ConsentSource.STAFF
        change_person(person, ["consent_source"])
        given = Person.objects.get().consented_at
        assert given is not None
        person.consent_source = ConsentSource.GUARDIAN
        change_person(person, ["consent_source"])
        assert (Person.objects.get().consent_source, Person.objects.get().consented_at) == (ConsentSource.GUARDIAN, given)

    def test_a_consent_is_not_taken_back_here(self) -> None:
        register_person(Person(name="张三", number="T001", consent_source=ConsentSource.STAFF))
        person = Person.objects.get()
        person.consent_source = ""
        with pytest.raises(ValueError, match="withdrawn with its photos"):
            change_person(person, ["consent_source"])
        assert Person.objects.get().has_consent


def test_a_photo_over_the_limit_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(name="张三", number="T001", consent_source=ConsentSource.STAFF)
    register_person(person)
    photo = ContentFile(b"", name="huge.jpg")
    photo.size = photo_limit_bytes() + 1
    monkeypatch.setattr(photo.file, "read", lambda *_size: pytest.fail("read"))
    (outcome,) = add_samples(person, [photo])
    assert outcome.sample is None
    assert outcome.problem is not None
    assert outcome.problem.code is FaceErrorCode.ABNORMAL_PHOTO
