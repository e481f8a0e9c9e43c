"""Storage: what is written, once and whole, also when two requests come at the same moment."""

from __future__ import annotations

import threading

import pytest
from auditlog.models import LogEntry
from django.db import DatabaseError, connection

from faces.models import Person
from flows.dialogue import storage
from flows.dialogue.conversation import answer
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.storage import store
from flows.models import Citizen, DialogueSession, Relative
from flows.types import Slot
from tests.flows.conftest import ANSWERS, USER, talk

pytestmark = pytest.mark.django_db

ID_CARD = ANSWERS["id_card"]


def storage_body(token, user_id=USER):
    return {"user_id": user_id, "type": "storage", "hash": token}


@pytest.fixture
def answered(visit):
    """Makes a visit whose questions have ended; the hash."""

    def make(text="我要办身份证", user_id=USER, **changes):
        token = visit(text, user_id)
        talk(token, user_id, **changes)
        return token

    return make


def test_the_output_has_every_slot(answered, flow_post):
    token = answered()
    body = flow_post("/storage", storage_body(token))
    output = body.pop("output")
    assert body == storage_body(token)
    assert set(output) == {*Slot.values, "age"}
    assert (output["name"], output["gender"], output["nationality"], output["phone"]) == ("张三", "男", "汉", "13800138000")
    assert (output["id_card"], output["address"]) == (ID_CARD, ANSWERS["address"])
    assert output["age"] >= 35
    assert output["email"] is output["career"] is output["marital_status"] is output["education"] is None


def test_what_is_written(answered, flow_post):
    token = answered()
    body = flow_post("/storage", storage_body(token))
    citizen = Citizen.objects.get()
    assert (citizen.number, citizen.name, citizen.gender, citizen.phone, citizen.id_card) == (
        USER,
        "张三",
        "男",
        "13800138000",
        ID_CARD,
    )
    assert str(citizen.birth) == "1990-03-07"
    session = DialogueSession.objects.get()
    assert (session.state, session.review_state, session.citizen) == ("stored", "pending", citizen)
    assert session.stored_at is not None
    assert session.summary == body["output"]


def test_a_second_time_answers_the_same_and_changes_nothing(answered, flow_post):
    token = answered()
    first = flow_post("/storage", storage_body(token))
    written = Citizen.objects.get().updated_at
    Citizen.objects.update(phone="")
    assert flow_post("/storage", storage_body(token)) == first
    citizen = Citizen.objects.get()
    assert (citizen.updated_at, citizen.phone) == (written, "")


def test_after_the_summary_too(answered, flow_post):
    token = answered()
    first = flow_post("/storage", storage_body(token))
    flow_post("/summary", {"user_id": USER, "type": "summary", "hash": token})
    assert flow_post("/storage", storage_body(token)) == first
    assert DialogueSession.objects.get().state == "summarised"


def test_unknown_values_leave_the_record_as_it_is(answered, visit, flow_post):
    flow_post("/storage", storage_body(answered()))
    token = visit("我要领结婚证")
    talk(token, education="跳过")
    output = flow_post("/storage", storage_body(token))["output"]
    assert (output["education"], output["address"], output["marital_status"]) == (None, ANSWERS["address"], False)
    assert Citizen.objects.count() == 1


def test_what_is_said_wins_over_what_was_known(visit, flow_post):
    Citizen.objects.create(number=USER, name="张三", phone="13700137000", education="高中")
    token = visit()
    talk(token, gender="我的电话换了，电话是13900139000，我是男的")
    output = flow_post("/storage", storage_body(token))["output"]
    assert (output["phone"], output["education"]) == ("13900139000", "高中")


def test_what_staff_change_meanwhile_is_not_undone(visit, flow_post):
    citizen = Citizen.objects.create(number=USER, name="张三", phone="13700137000")
    token = visit()
    citizen.phone = "13600136000"
    citizen.save()
    talk(token)
    assert flow_post("/storage", storage_body(token))["output"]["phone"] == "13600136000"


def test_relatives(answered, flow_post):
    token = answered("我要领结婚证")
    output = flow_post("/storage", storage_body(token))["output"]
    spouse = {"relation": "spouse", "name": "李丽", "id_card": ANSWERS["spouse.id_card"]}
    assert output["relatives"] == [spouse]
    relative = Relative.objects.get()
    assert (relative.citizen.number, relative.relation, relative.name) == (USER, "spouse", "李丽")


def test_a_relative_is_stored_once(answered, visit, flow_post):
    flow_post("/storage", storage_body(answered("我要领结婚证")))
    assert talk(visit("我要领结婚证")) == []
    Relative.objects.update(name="")
    token = answered("我要领结婚证", **{"spouse.name": "王芳"})
    flow_post("/storage", storage_body(token))
    assert Relative.objects.get().name == "王芳"


def test_the_enrolled_person_of_this_number_is_linked(answered, flow_post):
    person = Person.objects.create(number=USER, name="张三")
    flow_post("/storage", storage_body(answered()))
    assert Citizen.objects.get().person == person


def test_a_person_who_belongs_to_another_citizen_is_left_alone(answered, flow_post):
    person = Person.objects.create(number=USER, name="张三")
    Citizen.objects.create(number="other", person=person)
    assert flow_post("/storage", storage_body(answered()))["type"] == "storage"
    assert Citizen.objects.get(number=USER).person is None


def test_the_api_client_stands_in_the_audit_log(answered, flow_post):
    flow_post("/storage", storage_body(answered()))
    entry = LogEntry.objects.get_for_model(Citizen).latest("pk")
    assert entry.additional_data == {"client": "API token local"}
    assert ID_CARD not in str(entry.changes)


def test_an_id_number_of_somebody_else(answered, flow_post):
    flow_post("/storage", storage_body(answered(), USER))
    token = answered(user_id="citizen-2")
    body = flow_post("/storage", storage_body(token, "citizen-2"))
    assert (body["type"], body["hash"]) == ("error", token)
    assert "身份证号" in body["detail"]
    assert ID_CARD not in body["detail"]
    session = DialogueSession.objects.get(user_id="citizen-2")
    assert (session.state, Citizen.objects.count()) == ("answered", 1)
    answer("citizen-2", token, "我刚才说错了，身份证号是110101198506150027")
    # Who was said to be a man has a woman's number now.
    answer("citizen-2", token, "以身份证为准")
    assert flow_post("/storage", storage_body(token, "citizen-2"))["type"] == "storage"


def test_all_or_nothing(answered, monkeypatch):
    token = answered("我要领结婚证")

    def broken(*_arguments):
        raise DatabaseError

    monkeypatch.setattr(storage, "_write_relatives", broken)
    with pytest.raises(DatabaseError):
        store(USER, token)
    assert (Citizen.objects.count(), DialogueSession.objects.get().state) == (0, "answered")
    monkeypatch.undo()
    assert store(USER, token)["name"] == "张三"


TOO_LATE = {
    "the same citizen": (USER, {}, "13800138000"),
    "the same citizen with this ID number": (USER, {"id_card": ID_CARD}, "13800138000"),
    "somebody with this ID number": ("other", {"id_card": ID_CARD}, FlowErrorCode.TAKEN),
}


@pytest.mark.parametrize(("number", "values", "outcome"), TOO_LATE.values(), ids=TOO_LATE.keys())
@pytest.mark.django_db(transaction=True)
def test_somebody_is_stored_while_this_visit_looks(answered, monkeypatch, number, values, outcome):
    token = answered()
    look, looked = storage._refuse_taken_number, []

    def slow(citizen, given):
        looked.append(citizen)
        if len(looked) == 1 or number != USER:
            # As if another process were faster. What stands in this transaction is rolled back with it.
            Citizen.objects.create(number=number, **values)
        if number == USER or len(looked) > 1:
            look(citizen, given)

    monkeypatch.setattr(storage, "_refuse_taken_number", slow)
    try:
        found = store(USER, token)["phone"]
    except FlowError as error:
        found = error.code
    assert (found, len(looked)) == (outcome, 2)


def test_few_queries(answered, django_assert_max_num_queries):
    token = answered()
    with django_assert_max_num_queries(16):
        store(USER, token)
    with django_assert_max_num_queries(1):
        store(USER, token)


def at_once(*calls):
    """Runs them on threads of their own, all let go together after they have read the visit; results or exceptions."""
    outcomes: list[object] = [None] * len(calls)
    barrier = threading.Barrier(len(calls), timeout=20)

    def work(number: int) -> None:
        barrier.wait()
        try:
            outcomes[number] = calls[number]()
        except FlowError as error:
            outcomes[number] = error.code
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_twice_at_once(answered):
    token = answered("我要领结婚证")
    outcomes = at_once(*[lambda: store(USER, token)] * 4)
    assert outcomes[0]["name"] == "张三"
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert (Citizen.objects.count(), Relative.objects.count()) == (1, 1)
    assert DialogueSession.objects.get().state == "stored"


@pytest.mark.django_db(transaction=True)
def test_two_visits_of_one_new_citizen_at_once(answered):
    tokens = [answered(), answered(phone="13900139000")]
    outcomes = at_once(*[lambda token=token: store(USER, token) for token in tokens])
    assert [outcome["name"] for outcome in outcomes] == ["张三", "张三"]
    assert Citizen.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_citizens_with_one_id_number_at_once(answered):
    tokens = {user: answered(user_id=user) for user in ("a", "b")}
    outcomes = at_once(*[lambda user=user: store(user, tokens[user]) for user in tokens])
    assert sorted(isinstance(outcome, dict) for outcome in outcomes) == [False, True]
    assert FlowErrorCode.TAKEN in outcomes
    assert Citizen.objects.count() == 1
