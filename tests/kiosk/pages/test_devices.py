"""The passes of kiosks: who gets one, what it opens, when it ends."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.signing import TimestampSigner
from django.test import Client
from django.utils import timezone

from kiosk.api.passes import issue_pass
from kiosk.models import ApiToken
from kiosk.pages.devices import COOKIE, SCOPES
from tests.staff import admin_client, staff_client

pytestmark = pytest.mark.django_db
NAME = "一楼大厅 1 号机"
HANDSHAKE = {"user_id": "asdasd", "type": "handshake", "input": {"type": "text", "text": "我要办身份证"}}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Whether tokens exist is remembered for a second."""
    cache.clear()


def kiosk(*, scopes=SCOPES, **fields) -> tuple[Client, ApiToken]:
    """The browser of a kiosk, and its token."""
    token = ApiToken(name=NAME, scopes=[scope.value for scope in scopes], **fields)
    key = ApiToken.objects.assign_key(token)
    token.save()
    client = Client()
    client.cookies[COOKIE] = key
    return client, token


def get_pass(client: Client):
    response = client.get("/kiosk/pass")
    return response.status_code, response.json().get("pass")


def handshake(bearer: str) -> str:
    headers = {"authorization": f"Bearer {bearer}"}
    return str(Client().post("/handshake", HANDSHAKE, content_type="application/json", headers=headers).json()["type"])


def test_a_kiosk_gets_a_pass_that_opens_its_visit():
    client, token = kiosk()
    status, bearer = get_pass(client)
    assert status == 200
    assert bearer.startswith("pass.")
    assert token.prefix in bearer
    assert client.cookies[COOKIE].value not in bearer, "scripts never see the token"
    assert handshake(bearer) == "handshake"


@pytest.mark.parametrize(
    "browser",
    [
        pytest.param(Client, id="no cookie"),
        pytest.param(lambda: kiosk(revoked=True)[0], id="revoked"),
        pytest.param(lambda: kiosk(expiry_date=timezone.now() - timedelta(days=1))[0], id="expired"),
        pytest.param(lambda: kiosk(scopes=SCOPES[:1])[0], id="too few scopes"),
    ],
)
def test_no_other_browser_does(browser):
    kiosk()  # an installation that has tokens is open to nobody
    assert get_pass(browser()) == (200, None)


def test_without_tokens_a_development_installation_asks_for_none():
    assert get_pass(Client()) == (200, "")


def test_a_pass_ends_with_its_token():
    client, token = kiosk()
    kiosk()
    _status, bearer = get_pass(client)
    assert handshake(bearer) == "handshake"
    ApiToken.objects.filter(pk=token.pk).update(revoked=True)
    assert handshake(bearer) == "error"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: f"pass.{token.prefix}", id="unsigned"),
        pytest.param(lambda token: issue_pass(token.prefix)[:-1], id="cut"),
        pytest.param(lambda token: "pass." + TimestampSigner(salt="other", sep=".").sign(token.prefix), id="other purpose"),
        pytest.param(lambda token: issue_pass("12345678"), id="of no token"),
    ],
)
def test_a_forged_pass_opens_nothing(forge):
    _client, token = kiosk()
    assert handshake(forge(token)) == "error"


def test_a_pass_ends(monkeypatch):
    client, _token = kiosk()
    _status, bearer = get_pass(client)
    monkeypatch.setattr("kiosk.api.passes.SECONDS", -1)
    assert handshake(bearer) == "error"


def test_staff_register_a_kiosk():
    client = admin_client()
    response = client.post("/kiosk/device", {"name": NAME})
    assert (response.status_code, response.url) == (302, "/kiosk/")
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/kiosk/")
    token = ApiToken.objects.get_from_key(cookie.value)
    assert (token.name, set(token.scopes)) == (NAME, {scope.value for scope in SCOPES})
    assert "_auth_user_id" not in client.session, "the kiosk's browser does not stay signed in"


@pytest.mark.parametrize("name", ["", " ", "x" * 51, "a\nb"], ids=["none", "blank", "too long", "line break"])
def test_a_kiosk_needs_a_name(name):
    response = admin_client().post("/kiosk/device", {"name": name})
    assert (response.status_code, ApiToken.objects.count()) == (200, 0)
    assert 'aria-invalid="true"' in response.content.decode()


def test_only_staff_who_make_tokens_register_kiosks():
    assert staff_client("kiosk.view_apitoken").get("/kiosk/device").status_code == 403
    assert "/admin/login/" in Client().get("/kiosk/device").url


class TestWithdrawal:
    def ask(self, **body) -> dict:
        answer = Client().post("/kiosk/withdraw", json.dumps(body), content_type="application/json")
        return {"status": answer.status_code, **answer.json()}

    def test_it_takes_a_visit(self):
        shaken = Client().post("/handshake", HANDSHAKE, content_type="application/json").json()
        answer = self.ask(user_id="asdasd", hash=shaken["hash"])
        assert answer == {"status": 200, "user_id": "asdasd", "type": "withdraw", "hash": shaken["hash"]}

    @pytest.mark.parametrize(
        "body",
        [{"user_id": "asdasd"}, {"user_id": "asdasd", "hash": "0" * 64}, {"hash": ""}, {"user_id": "asdasd", "hash": 5}],
        ids=["no hash", "wrong hash", "no user", "no text"],
    )
    def test_of_no_visit_nothing_is_erased(self, body):
        assert self.ask(**body)["type"] == "error"

    def test_it_asks_for_a_token(self):
        kiosk()
        assert self.ask(user_id="asdasd", hash="")["status"] == 401
