"""Columns that only the installation can read: keys, wrong keys, changing keys."""

from __future__ import annotations

import base64
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from pydantic import SecretStr

from flows.models import Citizen, DialogueSession, Relative, Turn
from kiosk.runtime import encryption, rotation
from kiosk.runtime.encryption import (
    Ciphertext,
    Undecryptable,
    blind_index,
    blind_indexes,
    decrypt,
    encrypt,
    forget_keys,
)
from kiosk.runtime.services import WrongConfiguration, verify_services
from tests.flows.records import PERSONAL, SPOUSE, citizen, visit

OLD, NEW, OTHER = "old-key-" * 5, "new-key-" * 5, "other-key-" * 5


@pytest.fixture
def use_keys(settings):
    """Sets the installation's keys, the first first."""

    def use(*keys: str) -> None:
        settings.KIOSK = settings.KIOSK.model_copy(update={"encryption_keys": SecretStr(",".join(keys))})
        forget_keys()

    use(OLD)
    yield use
    forget_keys()


@pytest.fixture(autouse=True)
def _forget_afterwards():
    yield
    forget_keys()


def column(model, name: str, pk: int):
    """What stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {model._meta.db_table} WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def write_column(model, name: str, pk: int, value) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE id = %s", [value, pk])


def rotate_keys(**options) -> str:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out, stderr=out, **options)
    return out.getvalue()


TEXTS = ["。", "张三", "13800138000", "𠮷野家 \x00\n", "长" * 10_000]


class TestValues:
    @pytest.mark.parametrize("text", TEXTS, ids=["one", "chinese", "digits", "odd", "long"])
    def test_round_trip(self, use_keys, text):
        token = encrypt(text)
        assert decrypt(token) == text
        assert text not in token
        assert encrypt(text) != token

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda token: token[:-10], id="cut"),
            pytest.param(lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:], id="one-character"),
            pytest.param(lambda _token: "13800138000", id="clear-text"),
            pytest.param(lambda _token: "汉字", id="not-ascii"),
            pytest.param(lambda _token: base64.b64encode(b"\x80" + bytes(100)).decode(), id="forged"),
        ],
    )
    def test_damaged(self, use_keys, damage):
        token = encrypt("13800138000")
        with pytest.raises(Undecryptable, match="KIOSK_ENCRYPTION_KEYS") as caught:
            decrypt(damage(token))
        assert "13800138000" not in str(caught.value)

    def test_any_of_the_keys_reads_and_the_first_writes(self, use_keys):
        old = encrypt("张三")
        use_keys(NEW, OLD)
        assert decrypt(old) == "张三"
        new = encrypt("张三")
        use_keys(NEW)
        assert decrypt(new) == "张三"
        with pytest.raises(Undecryptable):
            decrypt(old)

    def test_fields_and_index_use_different_keys(self, use_keys):
        assert blind_index("x") != blind_index("y")
        assert blind_index("x") == blind_index("x")
        assert encryption._derived(b"k", b"fields") != encryption._derived(b"k", b"index")
        use_keys(NEW, OLD)
        assert blind_indexes("x")[0] == blind_index("x") != blind_indexes("x")[1]

    def test_a_key_is_made_and_kept_where_none_is_set(self, use_keys, settings, tmp_path):
        settings.KIOSK = settings.KIOSK.model_copy(update={"encryption_keys": SecretStr(""), "data_dir": tmp_path})
        forget_keys()
        token = encrypt("张三")
        assert (tmp_path / "encryption_key").stat().st_mode & 0o777 == 0o600
        forget_keys()
        assert decrypt(token) == "张三"


@pytest.mark.django_db
class TestFields:
    def test_columns_are_unreadable_and_rows_are_not(self, use_keys):
        made = citizen()
        for name in ("phone", "id_card", "email", "address", "hukou", "political_status", "religion"):
            stored = column(Citizen, name, made.pk)
            assert stored.isascii()
            assert PERSONAL[name] not in stored
        read = Citizen.objects.get()
        assert {name: getattr(read, name) for name in PERSONAL} == PERSONAL

    def test_empty_stays_empty_and_can_be_asked_for(self, use_keys):
        empty, full = citizen("a", spouse=False, phone="", id_card=""), citizen("b", spouse=False)
        assert column(Citizen, "phone", empty.pk) == ""
        assert list(Citizen.objects.filter(phone="")) == [empty]
        assert list(Citizen.objects.exclude(phone="")) == [full]

    @pytest.mark.parametrize(
        "query",
        [
            pytest.param({"phone": "13812345678"}, id="exact"),
            pytest.param({"phone__contains": "138"}, id="contains"),
            pytest.param({"phone__in": ["13812345678"]}, id="in"),
            pytest.param({"phone__startswith": "138"}, id="startswith"),
        ],
    )
    def test_content_can_not_be_searched(self, use_keys, query):
        with pytest.raises(FieldError):
            Citizen.objects.filter(**query).exists()

    @pytest.mark.parametrize("value", [{}, {"citizen": {"name": "张三", "married": True}}, [1, None, "二"], None, "text", 0])
    def test_json(self, use_keys, value):
        made = visit(None, turns=0, summary=value)
        assert DialogueSession.objects.get().summary == value
        assert "张三" not in str(column(DialogueSession, "summary", made.pk))
        assert DialogueSession.objects.filter(summary__isnull=True).exists() is (value is None)

    def test_dump_and_load(self, use_keys):
        visit(citizen())
        dumped = serializers.serialize("json", [*Citizen.objects.all(), *DialogueSession.objects.all(), *Turn.objects.all()])
        before = DialogueSession.objects.get()
        Citizen.objects.all().delete()
        DialogueSession.objects.all().delete()
        for row in serializers.deserialize("json", dumped):
            row.save()
        after = DialogueSession.objects.get()
        assert (after.draft, after.summary) == (before.draft, before.summary)
        assert Citizen.objects.get().phone == PERSONAL["phone"]
        assert Turn.objects.get(position=1).text == f"我的电话是{PERSONAL['phone']}"

    def test_deferred_and_refreshed(self, use_keys):
        citizen()
        read = Citizen.objects.defer("phone").get()
        assert "phone" not in read.__dict__
        assert read.phone == PERSONAL["phone"]
        read.phone = "other"
        read.refresh_from_db()
        assert read.phone == PERSONAL["phone"]
        assert list(Citizen.objects.values_list("phone", flat=True)) == [PERSONAL["phone"]]


@pytest.mark.django_db
class TestBlindIndex:
    def test_follows_the_number_however_it_is_saved(self, use_keys):
        made = citizen()
        assert Citizen.objects.with_id_card(PERSONAL["id_card"]).get() == made
        made.id_card = SPOUSE["id_card"]
        made.save(update_fields=["id_card"])
        assert not Citizen.objects.with_id_card(PERSONAL["id_card"]).exists()
        assert Citizen.objects.with_id_card(SPOUSE["id_card"]).get() == made
        made.id_card = ""
        made.save()
        assert Citizen.objects.get().id_card_index is None
        assert not Citizen.objects.with_id_card("").exists()
        Citizen.objects.bulk_create([Citizen(number="bulk", id_card=PERSONAL["id_card"])])
        assert Citizen.objects.with_id_card(PERSONAL["id_card"]).get().number == "bulk"

    def test_one_citizen_a_number(self, use_keys):
        citizen("a", spouse=False)
        with pytest.raises(IntegrityError):
            citizen("b", spouse=False)

    def test_also_while_keys_are_changed(self, use_keys):
        first = citizen("a", spouse=False)
        use_keys(NEW, OLD)
        assert Citizen.objects.with_id_card(PERSONAL["id_card"]).get() == first
        with pytest.raises(IntegrityError):
            citizen("b", spouse=False)
        first.career = "退休"
        first.save()
        assert Citizen.objects.get().id_card_index == blind_index(PERSONAL["id_card"])

    def test_a_migration_knows_nothing_of_it(self):
        name, path, _args, kwargs = Citizen._meta.get_field("id_card_index").deconstruct()
        assert (name, path) == ("id_card_index", "django.db.models.CharField")
        assert "of" not in kwargs


@pytest.mark.django_db
class TestWrongKey:
    def test_a_row_can_be_read_as_far_as_it_is_readable(self, use_keys):
        made = citizen()
        use_keys(OTHER)
        read = Citizen.objects.get()
        assert (read.name, read.education) == (PERSONAL["name"], "本科")
        with pytest.raises(Undecryptable, match=f"phone of <Citizen {made.pk}>"):
            _ = read.phone
        (handed_out,) = Citizen.objects.values_list("phone", flat=True)
        assert isinstance(handed_out, Ciphertext)
        with pytest.raises(Undecryptable):
            str(handed_out)

    def test_saving_loses_nothing(self, use_keys):
        made = citizen()
        turn_text = visit(made).turns.get(position=1).text
        before = column(Citizen, "phone", made.pk), column(Citizen, "id_card_index", made.pk)
        use_keys(OTHER)
        read = Citizen.objects.get()
        read.education = "硕士"
        read.save(update_fields=["education"])
        with pytest.raises(Undecryptable):
            read.save()
        turn = Turn.objects.get(position=1)
        turn.slot = "name"
        turn.save()
        assert (column(Citizen, "phone", made.pk), column(Citizen, "id_card_index", made.pk)) == before
        use_keys(OLD)
        assert (Citizen.objects.get().phone, Citizen.objects.get().education) == (PERSONAL["phone"], "硕士")
        assert (Turn.objects.get(position=1).text, Turn.objects.get(position=1).slot) == (turn_text, "name")


@pytest.mark.django_db
class TestRotation:
    def test_everything_is_written_anew(self, use_keys):
        made, stored = citizen(), visit(Citizen.objects.get())
        use_keys(NEW, OLD)
        assert "can be dropped" in rotate_keys(batch=1)
        use_keys(NEW)
        assert {name: getattr(Citizen.objects.get(), name) for name in PERSONAL} == PERSONAL
        assert Relative.objects.get().id_card == SPOUSE["id_card"]
        assert DialogueSession.objects.get().draft == stored.draft
        assert [turn.text for turn in Turn.objects.all()] == [turn.text for turn in stored.turns.all()]
        assert Citizen.objects.with_id_card(PERSONAL["id_card"]).get() == made

    def test_the_second_run_writes_nothing(self, use_keys):
        made = citizen()
        use_keys(NEW, OLD)
        rotate_keys()
        before = column(Citizen, "phone", made.pk)
        assert rotate_keys().startswith("0 columns")
        assert column(Citizen, "phone", made.pk) == before

    def test_a_run_that_was_broken_off_is_finished_by_the_next(self, use_keys):
        for number in "abc":
            citizen(number, spouse=False, id_card="")
        use_keys(NEW, OLD)
        run = rotation.rotate(batch_size=1)
        next(run)
        run.close()
        current = [encryption.is_current(column(Citizen, "phone", row.pk)) for row in Citizen.objects.order_by("pk")]
        assert current == [True, False, False]
        assert sum(batch.rewritten for batch in rotation.rotate()) == 12

    def test_what_fits_no_key_is_named_and_left(self, use_keys):
        lost, kept = citizen("a", spouse=False), citizen("b", spouse=False, id_card="")
        use_keys(OTHER)
        write_column(Citizen, "phone", lost.pk, encrypt("13900000000"))
        before = column(Citizen, "phone", lost.pk)
        use_keys(NEW, OLD)
        out = io.StringIO()
        with pytest.raises(CommandError, match="keep the old keys"):
            call_command("rotate_keys", stdout=out, stderr=out)
        assert out.getvalue().strip() == f"flows.Citizen {lost.pk}: phone fits none of the keys"
        assert column(Citizen, "phone", lost.pk) == before
        assert encryption.is_current(column(Citizen, "email", lost.pk))
        assert encryption.is_current(column(Citizen, "phone", kept.pk))

    def test_two_rows_with_one_number_are_named(self, use_keys):
        first = citizen("a", spouse=False)
        use_keys(NEW, OLD)
        second = citizen("b", spouse=False, id_card=SPOUSE["id_card"])
        write_column(Citizen, "id_card", second.pk, encrypt(PERSONAL["id_card"]))
        write_column(Citizen, "id_card_index", second.pk, blind_index(PERSONAL["id_card"]))
        with pytest.raises(CommandError):
            rotate_keys()
        assert Citizen.objects.get(pk=first.pk).id_card == PERSONAL["id_card"]

    @pytest.mark.django_db(transaction=True)
    def test_beside_a_server_that_writes(self, use_keys):
        for index in range(30):
            citizen(f"n{index}", spouse=False, id_card="")
        use_keys(NEW, OLD)
        last = Citizen.objects.order_by("pk").last()
        written: list[str] = []
        stop = threading.Event()

        def write() -> None:
            try:
                while not stop.is_set():
                    phone = f"139{len(written):08}"
                    Citizen.objects.filter(pk=last.pk).update(phone=phone)
                    written.append(phone)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(write)
            while not written:
                time.sleep(0.001)
            problems = [problem for batch in rotation.rotate(batch_size=2) for problem in batch.problems]
            stop.set()
            writing.result()
        use_keys(NEW)
        assert problems == []
        assert Citizen.objects.get(pk=last.pk).phone == written[-1]
        assert {row.phone for row in Citizen.objects.exclude(pk=last.pk)} == {PERSONAL["phone"]}

    @pytest.mark.parametrize("batch", [0, -1])
    def test_wrong_batch(self, use_keys, batch):
        with pytest.raises(CommandError, match="--batch"):
            call_command("rotate_keys", batch=batch)


@pytest.mark.django_db
def test_reading_a_hundred_rows_is_fast(use_keys):
    """Seven columns each: 700 values. An order of magnitude of room, since the machine is shared."""
    for index in range(100):
        citizen(f"n{index}", spouse=False, id_card="")
    best = min(_seconds(lambda: [row.phone for row in Citizen.objects.all()]) for _ in range(3))
    assert best < 0.5


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_the_settings_hide_the_keys():
    assert "old-key" not in repr(django_settings.KIOSK.model_copy(update={"encryption_keys": SecretStr(OLD)}))


@pytest.mark.django_db
@pytest.mark.parametrize(("keys", "starts"), [((NEW,), False), ((NEW, OLD), True), ((OLD,), True)], ids=["other", "both", "same"])
def test_a_server_with_keys_that_fit_no_row_refuses_to_start(use_keys, keys, starts):
    citizen()
    use_keys(*keys)
    if starts:
        verify_services()
        return
    with pytest.raises(WrongConfiguration, match=r"KIOSK_ENCRYPTION_KEYS: flows\.Citizen"):
        verify_services()


@pytest.mark.django_db
def test_one_damaged_row_keeps_no_server_from_starting():
    citizen()
    damaged = citizen("wechat-20662", id_card="")
    write_column(Citizen, "phone", damaged.pk, "damaged")
    verify_services()
