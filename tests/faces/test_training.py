"""Enrolling a person from several pictures, through the real gallery with the fake engine."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage

from faces.engines.fake import Behaviour, FakeFace
from faces.enrolment import NewPerson, enrol_person, withdraw_consent
from faces.models import ConsentSource, FaceSample, GalleryState, Person
from faces.persons import register_person
from faces.training import SAME_PICTURE, SOMEBODY_ELSE, Training
from tests.media import as_jpeg, blank, fake_jpeg

pytestmark = pytest.mark.django_db


def photo(person: int, variation: int = 0, **options: Any) -> bytes:
    return fake_jpeg(FakeFace(person, variation, **options))


def training(
    number: str = "u1", *, name: str = "张三", consent: ConsentSource = ConsentSource.CLIENT, **options: int
) -> Training:
    return Training(NewPerson(name, number, consent=consent), **{"samples": 3, "most_images": 10} | options)


def answers(session: Training, *photos: bytes) -> list[tuple[str, str]]:
    taken = [session.take(picture) for picture in photos]
    return [(step.answer.progress.value, step.answer.detail) for step in taken]


def photos_stored() -> int:
    def count(folder: str) -> int:
        folders, files = default_storage.listdir(folder)
        return len(files) + sum(count(f"{folder}/{name}") for name in folders)

    return count("faces") if default_storage.exists("faces") else 0


@pytest.fixture
def nothing_else_stored():
    before = photos_stored()
    return lambda: photos_stored() - before


def test_three_good_pictures(nothing_else_stored):
    assert answers(training(), photo(1), photo(1, 1), photo(1, 2)) == [
        ("continue", "已采集 1/3 张，请继续"),
        ("continue", "已采集 2/3 张，请继续"),
        ("success", ""),
    ]
    person = Person.objects.get(number="u1")
    assert (person.name, person.consent_source, person.samples.count()) == ("张三", "client", 3)
    assert nothing_else_stored() == 3


def test_nothing_is_enrolled_before_the_last(nothing_else_stored):
    answers(training(), photo(1), photo(1, 1))
    assert not Person.objects.exists()
    assert nothing_else_stored() == 0


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        (as_jpeg(blank()), "未检测到人脸，请正对摄像头"),
        (fake_jpeg(FakeFace(1), FakeFace(2)), "画面中有多张人脸，请仅一人入镜"),
        (fake_jpeg(FakeFace(1), width=100, height=100), "人脸过小，请靠近摄像头"),
        (photo(1, behaviour=Behaviour.TURNED_AWAY), "人脸角度过大，请正对摄像头"),
        (b"", "图像数据存在异常"),
        (b"no picture", "图片格式不支持"),
        (photo(1), SAME_PICTURE),
        (photo(1, behaviour=Behaviour.DETECTION_FAILS), "人脸检测服务内部错误: the picture asks the detector to fail"),
    ],
    ids=["nobody", "two faces", "small", "turned away", "empty", "no picture", "the same picture", "the detector fails"],
)
def test_pictures_that_do_not_count(bad, detail):
    session = training()
    answers(session, photo(1))
    ((progress, told),) = answers(session, bad)
    assert (progress, told) == ("continue", detail)
    assert [progress for progress, _detail in answers(session, photo(1, 1), photo(1, 2))] == ["continue", "success"]


def test_somebody_else_starts_anew():
    session = training()
    assert answers(session, photo(1), photo(1, 1), photo(2))[-1] == ("continue", SOMEBODY_ELSE)
    assert [progress for progress, _detail in answers(session, photo(2, 1), photo(2, 2))] == ["continue", "success"]
    assert Person.objects.get().samples.count() == 3
    assert [step for step, _detail in answers(training("u2"), photo(1), photo(1, 1), photo(1, 2))][-1] == "success"


def test_the_last_picture_fails(nothing_else_stored):
    session = training(most_images=3)
    assert [progress for progress, _ in answers(session, photo(1), photo(1, 1), photo(1, 1))] == ["continue", "continue", "fail"]
    assert not Person.objects.exists()
    assert nothing_else_stored() == 0


def test_the_face_of_somebody_else(nothing_else_stored):
    enrol_person(NewPerson("李四", "u9"), photo(1, 3))
    assert answers(training(), photo(1), photo(1, 1), photo(1, 2))[-1] == ("fail", "该人脸已录入，请勿重复录入")
    assert not Person.objects.filter(number="u1").exists()
    assert nothing_else_stored() == 1


def test_one_picture_of_several_is_somebody_elses(nothing_else_stored):
    """At 0.45 the last picture is u9's, the others are nobody's yet, and all of them are alike."""
    enrol_person(NewPerson("李四", "u9"), photo(1, 15))
    assert answers(training(), photo(1), photo(1, 3), photo(1, 6))[-1] == ("fail", "该人脸已录入，请勿重复录入")
    assert nothing_else_stored() == 1


def test_again_under_the_same_number_adds_samples():
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    assert answers(training(name="别名"), photo(1, 2), photo(1, 3), photo(1, 4))[-1] == ("success", "")
    person = Person.objects.get()
    assert (person.name, person.samples.count()) == ("张三", 5)


def test_the_face_of_somebody_else_under_a_number_that_is_known():
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    answers(training("u2"), photo(2), photo(2, 1), photo(2, 2))
    assert answers(training(), photo(2, 3), photo(2, 4), photo(2, 5))[-1] == ("fail", "该人脸已录入，请勿重复录入")
    assert [person.samples.count() for person in Person.objects.order_by("number")] == [3, 3]


def test_another_face_under_the_same_number(nothing_else_stored):
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    assert answers(training(), photo(2), photo(2, 1), photo(2, 2))[-1] == ("fail", "与该编号已录入的人脸不一致")
    assert FaceSample.objects.count() == nothing_else_stored() == 3


def test_no_more_photos_than_a_person_may_have(settings, nothing_else_stored):
    settings.KIOSK = settings.KIOSK.model_copy(update={"face_samples": 4})
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    assert answers(training(), photo(1, 3), photo(1, 4), photo(1, 5))[-1] == ("success", "")
    assert FaceSample.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_photos_that_were_not_wanted_are_not_kept(settings, nothing_else_stored):
    GalleryState.objects.get_or_create(pk=1)  # a test with real transactions before this one emptied the table
    settings.KIOSK = settings.KIOSK.model_copy(update={"face_samples": 4})
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    answers(training(), photo(1, 3), photo(1, 4), photo(1, 5))
    assert nothing_else_stored() == 4


@pytest.mark.parametrize(
    ("consent", "progress", "source"), [(ConsentSource.CLIENT, "fail", ""), (ConsentSource.KIOSK, "success", "kiosk")]
)
def test_a_consent_that_was_withdrawn_is_given_at_the_kiosk_alone(consent, progress, source):
    answers(training(), photo(1), photo(1, 1), photo(1, 2))
    withdraw_consent(Person.objects.get())
    assert answers(training(consent=consent), photo(1), photo(1, 1), photo(1, 2))[-1][0] == progress
    assert Person.objects.get().consent_source == source
    assert FaceSample.objects.count() == (3 if source else 0)


def test_a_person_whom_staff_registered_without_photos():
    register_person(Person(name="王五", number="u1", consent_source=ConsentSource.STAFF))
    assert answers(training(), photo(1), photo(1, 1), photo(1, 2))[-1] == ("success", "")
    assert Person.objects.get().name == "王五"


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb"])
def test_wrong_names(name):
    assert answers(training(name=name, samples=1), photo(1)) == [("fail", "姓名应为 1 到 64 个可显示的字符")]


def test_nothing_personal_in_its_repr():
    session = training(samples=1)
    assert "张三" not in repr(session.take(photo(1)))
