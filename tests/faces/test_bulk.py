"""manage.py enrol and manage.py reembed: reports, breaking off and going on, and what is refused."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command

from faces import gallery, workers
from faces.bulk import BadList, Status, read_candidates
from faces.engines.fake import Behaviour, FakeEngine, FakeFace
from faces.index.base import Entry
from faces.models import FaceSample, GalleryState, Person
from faces.types import EngineInfo, Metric
from tests.media import as_jpeg, blank, fake_jpeg


@pytest.fixture
def folder(tmp_path) -> Path:
    photos = tmp_path / "photos"
    (photos / "T003_王五").mkdir(parents=True)
    (photos / "T001_张三.jpg").write_bytes(fake_jpeg(FakeFace(1)))
    (photos / "李四.jpg").write_bytes(fake_jpeg(FakeFace(2)))
    (photos / "T003_王五" / "1.jpg").write_bytes(fake_jpeg(FakeFace(3)))
    (photos / "T003_王五" / "2.png").write_bytes(fake_jpeg(FakeFace(3, variation=1)))
    (photos / "nobody.jpg").write_bytes(as_jpeg(blank()))
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    (photos / "notes.txt").write_text("not a photo", encoding="utf-8")
    return photos


def enrol(source: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("enrol", str(source), "--consent", "staff", *arguments, stdout=out)
    return out.getvalue()


def report_rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {Path(row["photo"]).name: row for row in csv.DictReader(file)}


# Threads of their own write the rows: they must be committed to be seen.
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def state(transactional_db):
    """Flushing the database between tests takes the gallery's one row along."""
    from faces.models import GalleryState

    GalleryState.objects.get_or_create(pk=1)


@committed
def test_folder(state, folder, tmp_path):
    out = enrol(folder)

    assert out.startswith("4 enrolled, 0 known, 2 refused, 0 failed")
    assert dict(Person.objects.values_list("name", "number").filter(number__startswith="T")) == {"张三": "T001", "王五": "T003"}
    assert Person.objects.get(name="李四").consent_source == "staff"
    assert Person.objects.get(name="王五").samples.count() == 2
    rows = report_rows(tmp_path / "enrol-report.csv")
    assert (rows["nobody.jpg"]["status"], rows["nobody.jpg"]["codes"]) == ("refused", "no_face")
    assert (rows["broken.jpg"]["status"], rows["broken.jpg"]["codes"]) == ("refused", "bad_photo")
    assert "notes.txt" not in rows
    created = LogEntry.objects.filter(action=LogEntry.Action.CREATE, additional_data={"client": "manage.py enrol"})
    assert created.count() == 3 + 4


@committed
def test_goes_on_where_it_stopped(state, folder):
    enrol(folder)
    (folder / "T009_赵六.jpg").write_bytes(fake_jpeg(FakeFace(9)))
    assert enrol(folder).startswith("1 enrolled, 6 known, 0 refused, 0 failed")
    assert FaceSample.objects.count() == 5


@committed
def test_a_failure_is_tried_again(state, tmp_path, settings):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "crash.jpg").write_bytes(fake_jpeg(FakeFace(1, behaviour=Behaviour.CRASHES)))
    for _ in range(2):
        assert enrol(photos).startswith("0 enrolled, 0 known, 0 refused, 1 failed")


@committed
def test_csv(state, folder, tmp_path):
    listed = folder / "people.csv"
    listed.write_text(
        "photo,name,number,user_type\nT001_张三.jpg,张三丰,A1,vip\n李四.jpg,李四,,\nmissing.jpg,无名,,\n", encoding="utf-8-sig"
    )
    assert enrol(listed, "--report", str(tmp_path / "r.csv")).startswith("2 enrolled, 0 known, 0 refused, 1 failed")
    assert Person.objects.get(number="A1").user_type == "vip"
    assert report_rows(tmp_path / "r.csv")["missing.jpg"]["codes"] == "unreadable"


BAD_LISTS = {
    "no photo column": "picture,name\n1.jpg,a\n",
    "no name column": "photo\n1.jpg\n",
    "an unknown column": "photo,name,age\n1.jpg,a,7\n",
    "an empty name": "photo,name\n1.jpg,\n",
    "an empty photo": "photo,name\n,a\n",
    "an unknown type": "photo,name,user_type\n1.jpg,a,king\n",
    "empty": "",
}


@pytest.mark.parametrize("text", BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_bad_csv(tmp_path, text):
    (tmp_path / "people.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadList):
        read_candidates(tmp_path / "people.csv")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00bad", b"photo,name\n\x80\x81,a\n"], ids=["utf-16", "not utf-8"])
def test_csv_in_another_encoding(tmp_path, data):
    (tmp_path / "people.csv").write_bytes(data)
    with pytest.raises(BadList, match="UTF-8"):
        read_candidates(tmp_path / "people.csv")


@pytest.mark.parametrize("name", ["nosuch", "people.txt"])
def test_no_list(db, tmp_path, name):
    (tmp_path / "people.txt").write_text("photo,name", encoding="utf-8")
    with pytest.raises(CommandError, match=name):
        enrol(tmp_path / name)


def test_consent_must_be_named(tmp_path):
    with pytest.raises(CommandError, match="--consent"):
        call_command("enrol", str(tmp_path))


def test_statuses_are_the_reports(tmp_path):
    assert [status.value for status in Status] == ["enrolled", "known", "refused", "failed"]


@committed
def test_reembed(state, folder, monkeypatch):
    enrol(folder)
    lost = FaceSample.objects.filter(person__name="李四").get()
    lost.photo.storage.delete(lost.photo.name)
    FaceSample.objects.update(engine="dlib:old", dimension=128, metric=Metric.EUCLIDEAN, embedding=bytes(512))
    gallery.close_gallery()

    out, err = StringIO(), StringIO()
    call_command("reembed", stdout=out, stderr=err)

    assert out.getvalue() == "3 re-embedded, 1 left as they were\n"
    assert f"sample {lost.pk}: its photo is missing" in err.getvalue()
    assert FaceSample.objects.get(pk=lost.pk).engine == "dlib:old"
    probe = FakeFace(3).embedding()
    people = gallery.gallery()
    people.catch_up()
    assert [near.person.name for near in people.nearest(probe, limit=1)] == ["王五"]
    assert len(people) == 3


@committed
def test_reembedding_leaves_nothing_of_the_old_engine_on_the_disk(state, folder, settings):
    gallery.close_gallery()  # that of an earlier test's database
    old = gallery.open_index(EngineInfo("dlib", "dlib:old", 128, Metric.EUCLIDEAN))
    old.apply(upto=1, added=[Entry(1, 1, np.full(128, 0.1, np.float32))], removed=[])
    old.close()
    enrol(folder)
    database = GalleryState.objects.get().identity.hex[:8]
    engines = list((settings.KIOSK.data_dir / "index" / database).glob("dlib-*"))
    assert len(engines) == 1

    call_command("reembed", stdout=StringIO())

    assert not engines[0].exists()
    assert len(gallery.gallery()) == 4


@committed
def test_another_engines_samples_are_never_compared(state, folder, post):
    enrol(folder)
    FaceSample.objects.update(engine="insightface:other@00000000")
    gallery.gallery()._index.clear()
    from tests.faces.conftest import as_base64

    assert post("/recognize", {"photo": as_base64(fake_jpeg(FakeFace(1)))})["statusCode"] == 251


def test_fake_engine_is_what_these_tests_think():
    assert FakeEngine().info == EngineInfo("fake", "fake:v1", 256, Metric.COSINE)
    assert workers.face_workers().spec.name == "fake"
