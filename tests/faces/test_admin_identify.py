"""The page "Who is this?" of the admin: what is answered to which photo, shown to whom, and noted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from auditlog.models import LogEntry
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from faces import workers
from faces.engines.fake import Behaviour, FakeFace
from faces.errors import FaceError, FaceErrorCode
from faces.models import Person
from tests.media import Placed, as_jpeg, blank, fake_jpeg
from tests.staff import admin_client, shown_text, staff_client

URL = reverse("admin:faces_person_identify")
USER = ("faces.view_person", "faces.identify_person")

Enrol = Callable[..., Person]


def ask(client: Client, photo: bytes | None, **headers: str) -> HttpResponse:
    data = {} if photo is None else {"photo": SimpleUploadedFile("probe.jpg", photo, "image/jpeg")}
    return client.post(URL, data, headers=headers)


def text_of(response: HttpResponse) -> str:
    return shown_text(response.content.decode())


def noted() -> list[dict[str, object]]:
    entries = LogEntry.objects.filter(action=LogEntry.Action.ACCESS, additional_data__use="identify")
    return [entry.additional_data for entry in entries]


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        pytest.param(USER, 200, id="may"),
        pytest.param(("faces.view_person",), 403, id="sees-persons-only"),
        pytest.param(("faces.identify_person",), 403, id="does-not-see-persons"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_permission(db: None, permissions: tuple[str, ...], status: int, method: str) -> None:
    client = staff_client(*permissions)
    response = client.get(URL) if method == "get" else ask(client, fake_jpeg(FakeFace(1)))
    assert response.status_code == status


def test_strangers_are_sent_to_sign_in(client: Client, db: None) -> None:
    assert ask(client, fake_jpeg(FakeFace(1))).status_code == 302


class TestMatches:
    def test_the_best_first_with_those_below_the_threshold(self, enrol: Enrol) -> None:
        near = enrol(1, "张三", "T001")
        far = enrol(2, "李四", "T002")
        text = text_of(ask(admin_client(), fake_jpeg(FakeFace(1, variation=2)), **{"x-requested-with": "fetch"}))
        assert text.index("已识别") < text.index("张三") < text.index("97.8%") < text.index("李四") < text.index("低于阈值")
        assert noted() == [{"use": "identify", "count": 2, "ids": sorted([near.entity_id, far.entity_id]), "faces": 1}]

    def test_nobody_above_the_threshold(self, enrol: Enrol) -> None:
        enrol(1, "张三", "T001")
        text = text_of(ask(admin_client(), fake_jpeg(FakeFace(2))))
        assert "无人达到阈值" in text
        assert "已识别 " not in text

    def test_at_most_five(self, enrol: Enrol) -> None:
        for person in range(7):
            enrol(person, f"人员{person}", f"T{person}")
        html = ask(admin_client(), fake_jpeg(FakeFace(3)), **{"x-requested-with": "fetch"}).content.decode()
        assert html.count("<li") == 5

    def test_every_face_with_its_box(self, enrol: Enrol) -> None:
        enrol(1, "张三", "T001")
        enrol(2, "李四", "T002")
        photo = fake_jpeg(Placed(FakeFace(2), 350, 100, 150), Placed(FakeFace(1), 50, 60, 200))
        html = ask(admin_client(), photo, **{"x-requested-with": "fetch"}).content.decode()
        first, second = html.split("<article")[1:]
        assert "张三" in first
        assert "李四" in second
        for part, box in ((first, (50, 60, 200, 200)), (second, (350, 100, 150, 150))):
            for key, value in zip("xywh", box, strict=True):
                shown = int(part.split(f'data-{key}="')[1].split('"')[0])
                assert abs(shown - value) <= 3
        assert noted()[0]["faces"] == 2

    @pytest.mark.parametrize(
        ("permissions", "name"),
        [
            pytest.param(USER, "张*", id="masked"),
            pytest.param((*USER, "faces.view_personal_data"), "张三", id="unmasked"),
        ],
    )
    def test_names(self, enrol: Enrol, permissions: tuple[str, ...], name: str) -> None:
        person = enrol(1, "张三", "T0001")
        html = ask(staff_client(*permissions), fake_jpeg(FakeFace(1))).content.decode()
        assert name in html
        assert ("张三" in html) is (name == "张三")
        assert ("T0001" in html) is (name == "张三")
        assert reverse("admin:faces_person_change", args=[person.pk]) in html
        assert reverse("admin:faces_facesample_thumbnail", args=[person.samples.get().pk]) in html

    def test_a_person_enrolled_without_a_row_is_no_answer(self, enrol: Enrol) -> None:
        """The index may know a moment longer of a person who has just been deleted."""
        enrol(1, "张三", "T001")
        Person.objects.all().delete()
        assert ask(admin_client(), fake_jpeg(FakeFace(1))).status_code == 200


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        pytest.param(None, "请先选择照片。", id="no-photo"),
        pytest.param(b"", "文件为空。", id="empty-file"),
        pytest.param(as_jpeg(blank()), "照片中未检测到人脸。", id="no-face"),
        pytest.param(b"hello", "无法读取该图片（支持 JPEG、PNG、BMP、WebP）", id="not-a-picture"),
        pytest.param(fake_jpeg(Placed(FakeFace(1), 10, 10, 60)), "人脸过小，无法比对", id="too-small"),
        pytest.param(
            fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_FAILS)), "人脸引擎处理该照片失败，请重试", id="engine-fails"
        ),
        pytest.param(fake_jpeg(FakeFace(1, behaviour=Behaviour.CRASHES)), "人脸引擎处理该照片失败，请重试", id="engine-crashes"),
        pytest.param(b"\xff\xd8\xff" + b"0" * (10 * 1024 * 1024), "图片大于 10 MiB。", id="too-large"),
    ],
)
@pytest.mark.parametrize("partial", [pytest.param(True, id="for-the-script"), pytest.param(False, id="whole-page")])
def test_clear_answers(enrol: Enrol, photo: bytes | None, message: str, partial: bool) -> None:
    enrol(1, "张三", "T001")
    response = ask(admin_client(), photo, **({"x-requested-with": "fetch"} if partial else {}))
    assert response.status_code == 200
    assert message in text_of(response)
    assert ("<html" in response.content.decode()) is not partial


def test_an_empty_gallery(db: None) -> None:
    assert "人脸库为空，请先录入人员。" in text_of(ask(admin_client(), fake_jpeg(FakeFace(1))))


def test_a_busy_engine(enrol: Enrol, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: object, **_kwargs: object) -> None:
        raise FaceError(FaceErrorCode.BUSY, "服务繁忙，请稍后重试")

    enrol(1)
    client = admin_client()
    monkeypatch.setattr(workers.FaceWorkers, "all_faces", busy)
    response = ask(client, fake_jpeg(FakeFace(1)))
    assert response.status_code == 503
    assert "人脸引擎繁忙，请稍后重试" in text_of(response)


def test_the_photo_is_not_kept(enrol: Enrol) -> None:
    enrol(1, "张三", "T001")

    def stored() -> set[str]:
        return {name for folder in default_storage.listdir("faces")[0] for name in default_storage.listdir(f"faces/{folder}")[1]}

    before = stored()
    ask(admin_client(), fake_jpeg(FakeFace(1, variation=4)))
    assert stored() == before


def test_looking_up_nobody_is_noted_as_well(enrol: Enrol) -> None:
    enrol(1)
    client = staff_client(*USER)
    ask(client, as_jpeg(blank()))
    assert noted() == [{"use": "identify", "count": 0, "ids": [], "faces": 0}]
    assert LogEntry.objects.latest("pk").actor.username == "staff"
