"""Persons and samples in the admin, through its URLs: what is shown to whom, and what forms and actions do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from faces.engines.fake import Behaviour, FakeFace
from faces.models import ConsentSource, FaceSample, Person
from tests.media import Placed, as_jpeg, as_png, blank, fake_jpeg
from tests.staff import admin_client, shown_text, staff_client

PERSONS = reverse("admin:faces_person_changelist")
ADD = reverse("admin:faces_person_add")
SAMPLES = reverse("admin:faces_facesample_changelist")
NAME, NUMBER = "欧阳娜娜", "110101199003078515"
MASKED_NAME, MASKED_NUMBER = "欧**娜", "11**************15"
VIEWER = "faces.view_person"
UNMASKED = ("faces.view_person", "faces.view_personal_data")
EDITOR = ("faces.view_person", "faces.change_person", "faces.add_facesample", "faces.view_facesample", "faces.delete_facesample")

Enrol = Callable[..., Person]


@pytest.fixture
def admin(db: None) -> Client:
    return admin_client()


@pytest.fixture
def person(enrol: Enrol) -> Person:
    return enrol(1, NAME, NUMBER)


def change_url(person: Person) -> str:
    return reverse("admin:faces_person_change", args=[person.pk])


def fields(**values: object) -> dict[str, object]:
    return {"number": "T001", "name": "张三", "user_type": "visitor", "consent_source": "", **values}


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/jpeg")


def told(response: HttpResponse) -> list[str]:
    """The messages on the page that a form leads to."""
    return [str(message) for message in response.context["messages"]]


def accesses() -> list[LogEntry]:
    return list(LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk"))


class TestWhoSeesWhat:
    @pytest.mark.parametrize("page", ["list", "detail", "samples", "sample"])
    @pytest.mark.parametrize(
        ("permissions", "unmasked"),
        [
            pytest.param(("faces.view_person", "faces.view_facesample"), False, id="viewer"),
            pytest.param((*EDITOR,), False, id="editor"),
            pytest.param((*UNMASKED, "faces.view_facesample"), True, id="unmasked-viewer"),
            pytest.param((*EDITOR, "faces.view_personal_data"), True, id="unmasked-editor"),
        ],
    )
    def test_names_and_numbers(self, person: Person, page: str, permissions: tuple[str, ...], unmasked: bool) -> None:
        sample = person.samples.get()
        url = {
            "list": PERSONS,
            "detail": change_url(person),
            "samples": SAMPLES,
            "sample": reverse("admin:faces_facesample_change", args=[sample.pk]),
        }[page]
        html = staff_client(*permissions).get(url).content.decode()
        assert (NAME in html) is unmasked
        assert (MASKED_NAME in html) is not unmasked
        if page in {"list", "detail"}:
            assert (NUMBER in html) is unmasked
            assert (MASKED_NUMBER in html) is not unmasked
        assert sample.photo.name not in html

    @pytest.mark.parametrize(
        "path",
        [
            pytest.param(lambda person: ADD, id="add"),
            pytest.param(lambda person: reverse("admin:faces_person_delete", args=[person.pk]), id="delete"),
            pytest.param(lambda person: reverse("admin:faces_person_withdraw", args=[person.pk]), id="withdraw"),
            pytest.param(lambda person: reverse("admin:faces_person_identify"), id="identify"),
            pytest.param(lambda person: reverse("admin:faces_person_export"), id="export"),
            pytest.param(lambda person: reverse("admin:faces_person_import"), id="import"),
            pytest.param(
                lambda person: reverse("admin:faces_facesample_delete", args=[person.samples.get().pk]), id="delete-sample"
            ),
            pytest.param(lambda person: reverse("admin:faces_facesample_add"), id="add-sample"),
            pytest.param(lambda person: reverse("admin:auditlog_logentry_changelist"), id="audit-log"),
        ],
    )
    def test_a_viewer_is_kept_out(self, person: Person, path: Callable[[Person], str]) -> None:
        viewer = staff_client("faces.view_person", "faces.view_facesample")
        assert viewer.get(path(person)).status_code == 403
        assert viewer.post(path(person), {"post": "yes"}).status_code == 403
        assert FaceSample.objects.filter(person=person).count() == 1

    def test_a_viewer_changes_nothing(self, person: Person) -> None:
        photos = [upload("a.jpg", fake_jpeg(FakeFace(1, variation=2)))]
        response = staff_client(VIEWER).post(change_url(person), fields(consent_source="staff", photos=photos))
        assert response.status_code == 403
        person.refresh_from_db()
        assert (person.name, person.samples.count()) == (NAME, 1)

    def test_an_editor_without_the_right_to_see_a_name_can_not_change_it(self, person: Person) -> None:
        response = staff_client(*EDITOR).post(change_url(person), fields(user_type="vip", consent_source="staff"))
        assert response.status_code == 302
        person.refresh_from_db()
        assert (person.name, person.number, person.user_type) == (NAME, NUMBER, "vip")

    @pytest.mark.parametrize("permissions", [pytest.param((VIEWER, "faces.change_person"), id="no-right-to-add-samples")])
    def test_photos_need_their_own_permission(self, person: Person, permissions: tuple[str, ...]) -> None:
        client = staff_client(*permissions)
        assert 'name="photos"' not in client.get(change_url(person)).content.decode()
        photos = [upload("a.jpg", fake_jpeg(FakeFace(1, variation=2)))]
        client.post(change_url(person), fields(consent_source="staff", photos=photos))
        assert person.samples.count() == 1

    def test_the_menu_has_what_a_user_may_open(self, db: None) -> None:
        text = shown_text(staff_client(VIEWER).get(reverse("admin:index")).content.decode())
        assert "人员" in text
        for hidden in ("这是谁？", "人脸样本", "审计日志", "接口令牌", "用户"):
            assert hidden not in text


class TestList:
    @pytest.mark.parametrize(
        ("permissions", "query", "found"),
        [
            pytest.param(UNMASKED, NAME, True, id="unmasked-name"),
            pytest.param(UNMASKED, "欧阳", True, id="unmasked-part-of-a-name"),
            pytest.param(UNMASKED, NUMBER[:6], True, id="unmasked-part-of-a-number"),
            pytest.param((VIEWER,), NAME, True, id="masked-name"),
            pytest.param((VIEWER,), NUMBER, True, id="masked-number"),
            pytest.param((VIEWER,), "欧阳", False, id="masked-part-of-a-name"),
            pytest.param((VIEWER,), NUMBER[:17], False, id="masked-part-of-a-number"),
            pytest.param((VIEWER,), "nobody", False, id="nobody"),
        ],
    )
    def test_search(self, person: Person, enrol: Enrol, permissions: tuple[str, ...], query: str, found: bool) -> None:
        enrol(2, "李四", "T002")
        html = staff_client(*permissions).get(PERSONS, {"q": query}).content.decode()
        assert (person.entity_id in html) is found
        assert html.count("person_") >= (1 if found else 0)
        assert "李*" not in html
        assert "李四" not in html

    @pytest.mark.parametrize("query", ["name__startswith", "number__startswith", "name", "number__gte"])
    @pytest.mark.parametrize(
        ("permissions", "allowed"), [pytest.param((VIEWER,), False, id="masked"), pytest.param(UNMASKED, True, id="unmasked")]
    )
    def test_names_in_the_address(self, person: Person, query: str, permissions: tuple[str, ...], allowed: bool) -> None:
        value = {"name": NAME, "number": NUMBER}[query.partition("__")[0]][: None if query == "name" else 3]
        response = staff_client(*permissions).get(PERSONS, {query: value})
        assert response.status_code == (200 if allowed else 400)

    @pytest.mark.parametrize("query", ["person__name__startswith", "person__number", "person__name"])
    def test_names_in_the_address_of_the_samples(self, person: Person, query: str) -> None:
        assert staff_client("faces.view_facesample").get(SAMPLES, {query: NAME}).status_code == 400

    def test_search_by_entity_id(self, person: Person) -> None:
        html = staff_client(VIEWER).get(PERSONS, {"q": person.entity_id}).content.decode()
        assert MASKED_NAME in html

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            pytest.param({"user_type__exact": "vip"}, {"贵宾"}, id="type"),
            pytest.param({"consent": "yes"}, {"贵宾", "照片"}, id="with-consent"),
            pytest.param({"consent": "no"}, {"无"}, id="without-consent"),
            pytest.param({"samples": "yes"}, {"照片"}, id="with-photos"),
            pytest.param({"samples": "no"}, {"贵宾", "无"}, id="without-photos"),
            pytest.param({"outdated": "yes"}, {"照片"}, id="other-engine"),
        ],
    )
    def test_filters(self, admin: Client, enrol: Enrol, query: dict[str, str], expected: set[str]) -> None:
        now = timezone.now()
        Person.objects.create(name="贵宾", number="1", user_type="vip", consented_at=now, consent_source=ConsentSource.STAFF)
        Person.objects.create(name="无", number="2")
        enrol(1, "照片", "3")
        if "outdated" in query:
            FaceSample.objects.update(engine="another:v1")
        rows = admin.get(PERSONS, query).context["cl"].result_list
        assert {row.name for row in rows} == expected

    def test_what_a_row_says(self, admin: Client, person: Person) -> None:
        FaceSample.objects.update(quality=0.87)
        html = admin.get(PERSONS).content.decode()
        assert reverse("admin:faces_facesample_thumbnail", args=[person.samples.get().pk]) in html
        text = shown_text(html)
        for shown in (NAME, NUMBER, person.entity_id, "访客", "87%", "由对接系统取得"):
            assert shown in text

    def test_the_same_queries_for_fifty_persons_as_for_one(self, admin: Client, enrol: Enrol) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert admin.get(PERSONS).status_code == 200
            return len(captured)

        enrol(1)
        admin.get(PERSONS)
        for_one = queries()
        for number in range(49):
            Person.objects.create(name=f"人员{number}", number=f"N{number}")
        assert queries() == for_one

    def test_an_unmasked_list_is_noted(self, person: Person, enrol: Enrol) -> None:
        other = enrol(2, "李四", "T002")
        staff_client(*UNMASKED).get(PERSONS)
        (entry,) = accesses()
        assert entry.additional_data == {"use": "list", "count": 2, "ids": [other.entity_id, person.entity_id]}
        assert entry.actor.username == "staff"

    def test_a_masked_list_is_not(self, person: Person) -> None:
        staff_client(VIEWER).get(PERSONS)
        assert accesses() == []


class TestPersonForm:
    def test_a_new_person_with_photos(self, admin: Client) -> None:
        photos = [upload("1.jpg", fake_jpeg(FakeFace(1))), upload("2.jpg", fake_jpeg(FakeFace(1, variation=2)))]
        response = admin.post(ADD, fields(consent_source="staff", photos=photos), follow=True)
        person = Person.objects.get()
        assert (person.name, person.number, person.consent_source, person.samples.count()) == ("张三", "T001", "staff", 2)
        assert person.consented_at is not None
        assert response.redirect_chain[-1][0] == change_url(person)
        assert "已录入 2 张照片。" in told(response)
        assert "2 / 20" in shown_text(response.content.decode())

    def test_an_empty_number_becomes_the_entity_id(self, admin: Client) -> None:
        admin.post(ADD, fields(number=""))
        person = Person.objects.get()
        assert person.number == person.entity_id

    @pytest.mark.parametrize(
        ("values", "error"),
        [
            pytest.param({"name": ""}, "该字段是必填项。", id="no-name"),
            pytest.param({"name": "张\u200b三"}, "只能包含可显示的字符。", id="unprintable-name"),
            pytest.param({"number": NUMBER}, "编号", id="number-taken"),
            pytest.param({"user_type": "president"}, "president", id="unknown-type"),
            pytest.param(
                {"photos": [("1.jpg", fake_jpeg(FakeFace(9)))]}, "上传照片前须先登记同意方式。", id="photos-without-consent"
            ),
        ],
    )
    def test_wrong_values(self, admin: Client, person: Person, values: dict[str, object], error: str) -> None:
        if "photos" in values:
            values = {"photos": [upload(*photo) for photo in values["photos"]]}  # type: ignore[attr-defined]
        response = admin.post(ADD, fields(**values))
        assert response.status_code == 200
        assert error in shown_text(response.content.decode())
        assert Person.objects.count() == 1

    @pytest.mark.parametrize(
        ("photo", "reason"),
        [
            pytest.param(as_jpeg(blank()), "未检测到人脸", id="no-face"),
            pytest.param(fake_jpeg(FakeFace(1), FakeFace(2)), "画面中有多张人脸，仅允许一人", id="two-faces"),
            pytest.param(fake_jpeg(Placed(FakeFace(1), 100, 100, 60)), "人脸过小", id="small"),
            pytest.param(fake_jpeg(FakeFace(1, behaviour=Behaviour.TURNED_AWAY)), "人脸角度过大", id="turned-away"),
            pytest.param(b"GIF89a", "无法读取该图片（支持 JPEG、PNG、BMP、WebP）", id="not-a-picture"),
            pytest.param(as_png(blank())[:-20], "无法读取该图片（支持 JPEG、PNG、BMP、WebP）", id="truncated"),
            pytest.param(fake_jpeg(FakeFace(2)), "该人脸已录入为其他人员", id="somebody-else"),
            pytest.param(fake_jpeg(FakeFace(1)), "该照片已录入", id="the-same-photo"),
            pytest.param(
                fake_jpeg(FakeFace(1, behaviour=Behaviour.EMBEDDING_FAILS)), "人脸特征提取失败，请重试", id="engine-fails"
            ),
            pytest.param(
                b"\xff\xd8\xff" + b"0" * (10 * 1024 * 1024), "图片过大、为动图或已损坏（不超过 10 MiB）", id="too-large"
            ),
        ],
    )
    def test_one_refused_photo_does_not_keep_the_others_out(
        self, admin: Client, person: Person, enrol: Enrol, photo: bytes, reason: str
    ) -> None:
        enrol(2, "李四", "T002")
        good = fake_jpeg(FakeFace(1, variation=3))
        photos = [upload("bad <1>.jpg", photo), upload("good.jpg", good)]
        values = fields(number=NUMBER, name=NAME, consent_source="client", photos=photos)
        response = admin.post(change_url(person), values, follow=True)
        assert f"bad <1>.jpg: {reason}" in told(response)
        assert escape(f"bad <1>.jpg: {reason}") in response.content.decode()
        assert "已录入 1 张照片。" in told(response)
        assert person.samples.count() == 2

    def test_every_reason_is_given(self, admin: Client, person: Person) -> None:
        photo = fake_jpeg(Placed(FakeFace(1, behaviour=Behaviour.TURNED_AWAY), -20 + 20, 0, 60))
        response = admin.post(
            change_url(person),
            fields(name=NAME, number=NUMBER, consent_source="client", photos=[upload("a.jpg", photo)]),
            follow=True,
        )
        assert any("人脸过小；" in message and "人脸角度过大" in message for message in told(response))

    def test_a_consent_is_not_emptied_here(self, admin: Client, person: Person) -> None:
        response = admin.post(change_url(person), fields(number=NUMBER, name=NAME, consent_source=""))
        assert "请使用“撤回同意”" in shown_text(response.content.decode())
        person.refresh_from_db()
        assert person.has_consent

    def test_a_consent_is_recorded_with_its_time(self, admin: Client) -> None:
        person = Person.objects.create(name="张三", number="T001")
        admin.post(change_url(person), fields(consent_source="guardian"))
        person.refresh_from_db()
        assert (person.consent_source, person.has_consent) == ("guardian", True)

    def test_opening_unmasked_is_noted(self, person: Person) -> None:
        staff_client(*UNMASKED).get(change_url(person))
        (entry,) = accesses()
        assert (entry.object_id, entry.object_repr, entry.actor.username) == (person.pk, person.entity_id, "staff")

    def test_opening_masked_is_not(self, person: Person) -> None:
        staff_client(VIEWER).get(change_url(person))
        assert accesses() == []

    def test_the_gallery(self, admin: Client, person: Person) -> None:
        sample = person.samples.get()
        html = admin.get(change_url(person)).content.decode()
        for route in ("thumbnail", "change", "delete"):
            assert reverse(f"admin:faces_facesample_{route}", args=[sample.pk]) in html
        text = shown_text(html)
        assert "fake:v1" in text
        assert f"{sample.bbox_x}, {sample.bbox_y} · {sample.bbox_w} × {sample.bbox_h}" in text
        assert f"{sample.quality:.0%}" in text


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_in_both_languages(admin: Client, person: Person, language: str) -> None:
    admin.cookies["django_language"] = language
    text = shown_text(admin.get(change_url(person)).content.decode())
    assert ("人脸识别同意" in text) is (language == "zh-hans")
    assert ("Consent to face recognition" in text) is (language == "en")


def test_the_log_tells_nothing_personal(admin: Client, person: Person, enrol: Enrol) -> None:
    """Whatever is done, no name, no number and no photo's path is written down."""
    path = person.samples.get().photo.name
    admin.get(PERSONS)
    admin.get(change_url(person))
    admin.post(change_url(person), fields(name="欧阳娜", number="X" + NUMBER, consent_source="client"))
    admin.post(reverse("admin:faces_person_delete", args=[person.pk]), {"post": "yes"})
    rows = str(list(LogEntry.objects.values_list()))
    assert LogEntry.objects.filter(action=LogEntry.Action.DELETE).count() == 2
    for secret in (NAME, "欧阳娜", NUMBER, path):
        assert secret not in rows
    with connection.cursor() as cursor:
        cursor.execute("SELECT object_repr, change_message FROM django_admin_log")
        own = str(cursor.fetchall())
    assert NAME not in own
    assert NUMBER not in own
