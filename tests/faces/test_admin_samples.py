"""Taking people and photos out in the admin, and the pictures that its pages show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from faces.models import FaceSample, Person
from tests.staff import admin_client, shown_text, staff_client

PERSONS = reverse("admin:faces_person_changelist")
SAMPLES = reverse("admin:faces_facesample_changelist")
NAME, NUMBER = "欧阳娜娜", "110101199003078515"
MASKED_NAME = "欧**娜"
VIEWER = "faces.view_person"
EDITOR = ("faces.view_person", "faces.change_person", "faces.add_facesample", "faces.view_facesample", "faces.delete_facesample")

Enrol = Callable[..., Person]


@pytest.fixture(autouse=True)
def _no_thumbnails_kept() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture
def admin(db: None) -> Client:
    return admin_client()


@pytest.fixture
def person(enrol: Enrol) -> Person:
    return enrol(1, NAME, NUMBER)


def change_url(person: Person) -> str:
    return reverse("admin:faces_person_change", args=[person.pk])


class TestTakingOut:
    def test_withdrawing_asks_first(self, person: Person) -> None:
        editor = staff_client(*EDITOR)
        url = reverse("admin:faces_person_withdraw", args=[person.pk])
        text = shown_text(editor.get(url).content.decode())
        assert "1 张存储的照片" in text
        assert MASKED_NAME in text
        assert NAME not in text
        assert person.samples.count() == 1

    def test_withdrawing(self, person: Person, django_capture_on_commit_callbacks: Callable[..., object]) -> None:
        path = person.samples.get().photo.name
        url = reverse("admin:faces_person_withdraw", args=[person.pk])
        with django_capture_on_commit_callbacks(execute=True):
            response = staff_client(*EDITOR).post(url, follow=True)
        assert response.redirect_chain == [(change_url(person), 302)]
        person.refresh_from_db()
        assert (person.has_consent, person.consent_source, person.samples.count()) == (False, "", 0)
        assert not default_storage.exists(path)
        assert url not in response.content.decode()

    @pytest.mark.parametrize(
        "permissions",
        [
            pytest.param((VIEWER, "faces.change_person"), id="no-right-to-delete-samples"),
            pytest.param((VIEWER, "faces.delete_facesample"), id="no-right-to-change-persons"),
        ],
    )
    def test_withdrawing_needs_both_permissions(self, person: Person, permissions: tuple[str, ...]) -> None:
        client = staff_client(*permissions)
        url = reverse("admin:faces_person_withdraw", args=[person.pk])
        assert url not in client.get(change_url(person)).content.decode()
        assert client.post(url).status_code == 403
        assert person.samples.count() == 1

    def test_withdrawing_of_several(self, admin: Client, person: Person, enrol: Enrol) -> None:
        other = enrol(2, "李四", "T002")
        action = {"action": "withdraw_selected", "_selected_action": [person.pk, other.pk]}
        page = admin.post(PERSONS, action)
        assert "确定撤回这 2 人的同意吗？" in shown_text(page.content.decode())
        assert FaceSample.objects.count() == 2
        response = admin.post(PERSONS, action | {"confirmed": "1"}, follow=True)
        assert "已撤回 2 人的同意，其照片和特征向量已删除。" in map(str, response.context["messages"])
        assert FaceSample.objects.count() == 0
        assert Person.objects.filter(consented_at__isnull=True).count() == 2

    @pytest.mark.parametrize("how", ["page", "action"])
    def test_deleting_a_person_deletes_the_photos_as_well(
        self, admin: Client, person: Person, how: str, django_capture_on_commit_callbacks: Callable[..., object]
    ) -> None:
        path = person.samples.get().photo.name
        assert default_storage.exists(path)
        with django_capture_on_commit_callbacks(execute=True):
            if how == "page":
                admin.post(reverse("admin:faces_person_delete", args=[person.pk]), {"post": "yes"})
            else:
                admin.post(PERSONS, {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"})
        assert not Person.objects.exists()
        assert not default_storage.exists(path)

    def test_deleting_a_person_needs_the_right_to_delete_the_samples(self, person: Person) -> None:
        client = staff_client(VIEWER, "faces.delete_person")
        response = client.post(reverse("admin:faces_person_delete", args=[person.pk]), {"post": "yes"})
        assert response.status_code == 403
        assert Person.objects.exists()

    @pytest.mark.parametrize("how", ["page", "action"])
    def test_deleting_a_sample(
        self, admin: Client, person: Person, how: str, django_capture_on_commit_callbacks: Callable[..., object]
    ) -> None:
        sample = person.samples.get()
        with django_capture_on_commit_callbacks(execute=True):
            if how == "page":
                url = reverse("admin:faces_facesample_delete", args=[sample.pk])
                response = admin.post(f"{url}?person={person.pk}", {"post": "yes"})
                assert response["location"] == change_url(person)
            else:
                admin.post(SAMPLES, {"action": "delete_selected", "_selected_action": [sample.pk], "post": "yes"})
        assert not FaceSample.objects.exists()
        assert not default_storage.exists(sample.photo.name)
        assert Person.objects.get().has_consent


class TestSamples:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({"quality": "good"}, True, id="good"),
            pytest.param({"quality": "fair"}, False, id="not-fair"),
            pytest.param({"engine": "fake:v1"}, True, id="engine"),
            pytest.param({"outdated": "yes"}, False, id="up-to-date"),
            pytest.param({"created_at__gte": "2020-01-01 00:00:00+08:00"}, True, id="since"),
            pytest.param({"created_at__lt": "2020-01-01 00:00:00+08:00"}, False, id="before"),
            pytest.param({"q": NAME}, True, id="name"),
            pytest.param({"q": "李四"}, False, id="other-name"),
        ],
    )
    def test_filters(self, person: Person, query: dict[str, str], found: bool) -> None:
        FaceSample.objects.update(quality=0.9)
        client = staff_client("faces.view_facesample")
        response = client.get(SAMPLES, query)
        assert response.status_code == 200
        assert (len(response.context["cl"].result_list) == 1) is found

    @pytest.mark.parametrize(
        ("permissions", "status"),
        [
            pytest.param(("faces.view_person",), 200, id="sees-persons"),
            pytest.param(("faces.view_facesample",), 200, id="sees-samples"),
            pytest.param(("faces.add_person",), 403, id="other-permission"),
            pytest.param((), 403, id="no-permission"),
        ],
    )
    @pytest.mark.parametrize("picture", ["thumbnail", "photo"])
    def test_pictures_are_for_those_who_may_see_them(
        self, person: Person, picture: str, permissions: tuple[str, ...], status: int
    ) -> None:
        url = reverse(f"admin:faces_facesample_{picture}", args=[person.samples.get().pk])
        response = staff_client(*permissions).get(url)
        assert response.status_code == status
        if status == 200:
            assert response["content-type"] == "image/jpeg"
            assert response["cache-control"].startswith("private")
            assert response.content.startswith(b"\xff\xd8\xff")

    @pytest.mark.parametrize("picture", ["thumbnail", "photo"])
    def test_pictures_are_not_for_strangers(self, client: Client, person: Person, picture: str) -> None:
        url = reverse(f"admin:faces_facesample_{picture}", args=[person.samples.get().pk])
        assert client.get(url).status_code == 302

    def test_a_thumbnail_is_small_and_cut_out_once(self, admin: Client, person: Person) -> None:
        sample = person.samples.get()
        url = reverse("admin:faces_facesample_thumbnail", args=[sample.pk])
        first = admin.get(url).content
        assert len(first) < len(admin.get(reverse("admin:faces_facesample_photo", args=[sample.pk])).content)
        default_storage.delete(sample.photo.name)
        assert admin.get(url).content == first

    @pytest.mark.parametrize("picture", ["thumbnail", "photo"])
    def test_missing_photos(self, admin: Client, person: Person, picture: str) -> None:
        sample = person.samples.get()
        default_storage.delete(sample.photo.name)
        assert admin.get(reverse(f"admin:faces_facesample_{picture}", args=[sample.pk])).status_code == 404
        assert admin.get(reverse(f"admin:faces_facesample_{picture}", args=[sample.pk + 1])).status_code == 404
