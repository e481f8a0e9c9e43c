"""API tokens: who may call what, what is kept of a token, how often."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone

from kiosk.api.scopes import Scope
from kiosk.environment import Mode
from kiosk.models import ApiToken

pytestmark = pytest.mark.django_db

LIST = {"type": "face", "action": "list"}
UNREAD = {"photo": None}


@pytest.fixture(autouse=True)
def _forget_clients():
    cache.clear()


@pytest.fixture
def token():
    def make(*scopes: str, **fields) -> tuple[ApiToken, dict[str, str]]:
        made, key = ApiToken.objects.create_key(name="hall 1", scopes=list(scopes or Scope.values), **fields)
        return made, {"HTTP_AUTHORIZATION": f"Bearer {key}"}

    return make


def ask(client, path="/face", body=LIST, **extra):
    return client.post(path, body, content_type="application/json", **extra)


def test_without_tokens_this_machine_may_call(client):
    assert ask(client).json()["status"] == "success"


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "::ffff:192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
    ids=["another machine", "another, mapped", "unknown", "behind a proxy nobody told us of"],
)
def test_without_tokens_nobody_else_may(client, extra):
    response = ask(client, **extra)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json() == {"type": "face", "status": "error", "message": "缺少访问令牌或令牌无效"}


def test_production_is_never_open(client, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"mode": Mode.PRODUCTION})
    settings.SECURE_SSL_REDIRECT = False
    assert ask(client).status_code == 401


def test_with_a_token_made_this_machine_needs_one_too(client, token):
    _made, headers = token()
    assert ask(client).status_code == 401
    assert ask(client, **headers).json()["status"] == "success"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic YTpi", "Bearer nosuch.token", "Bearer x", "Token abc", "Bearer \xe9"],
)
def test_bad_header(client, token, header):
    token()
    assert ask(client, HTTP_AUTHORIZATION=header).status_code == 401


@pytest.mark.parametrize(
    "fields", [{"revoked": True}, {"expiry_date": timezone.now() - timedelta(days=1)}], ids=["revoked", "expired"]
)
def test_ended_token(client, token, fields):
    token()
    _made, headers = token(**fields)
    assert ask(client, **headers).status_code == 401


@pytest.mark.parametrize(
    ("scope", "body", "path"),
    [
        (Scope.FACES_LIST, LIST, "/face"),
        (Scope.FACES_ENROL, {"type": "face", "action": "add"}, "/face"),
        (Scope.FACES_RECOGNISE, {"type": "face", "action": "find"}, "/face"),
        (Scope.FACES_RECOGNISE, UNREAD, "/recognize"),
        (Scope.FACES_RECOGNISE, UNREAD, "/recognize/batch"),
    ],
    ids=["list", "add", "find", "recognize", "batch"],
)
def test_scope_is_needed_and_enough(client, token, scope, body, path):
    _made, right = token(scope)
    _made, wrong = token(*(other for other in Scope.values if other != scope))

    allowed = ask(client, path, body, **right)
    refused = ask(client, path, body, **wrong)

    assert allowed.status_code == 200
    assert "权限" not in allowed.json()["message"]
    assert refused.status_code == (403 if path == "/face" else 200)
    assert refused.json()["message"] == "令牌没有此操作的权限"


def test_recognize_is_http_200_even_then(client, token):
    token()
    response = ask(client, "/recognize", UNREAD)
    assert response.status_code == 200
    assert response.json() == {"statusCode": 400, "message": "缺少访问令牌或令牌无效", "data": None}


def test_kept_as_a_hash(token):
    made, headers = token()
    secret = headers["HTTP_AUTHORIZATION"].split(".")[1]
    assert secret not in str(ApiToken.objects.filter(pk=made.pk).values().get())


def test_last_use_is_noted(client, token):
    made, headers = token()
    ask(client, **headers)
    made.refresh_from_db()
    assert timezone.now() - made.last_used_at < timedelta(seconds=10)


def test_throttled_per_client(client, token, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"api_rate": "3/min"})
    _made, first = token()
    _made, second = token()

    assert [ask(client, **first).status_code for _ in range(4)] == [200, 200, 200, 429]
    limited = ask(client, **first)
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert limited.json() == {"type": "face", "status": "error", "message": "请求过于频繁，请稍后重试"}
    assert ask(client, "/recognize", UNREAD, **first).json() == {
        "statusCode": 429,
        "message": "请求过于频繁，请稍后重试",
        "data": None,
    }
    assert ask(client, **second).status_code == 200


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue()


def test_command(client):
    key = run("create", "door", "--scope", "faces:list").strip()
    assert ask(client, HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 200
    prefix = key.partition(".")[0]
    assert run("list").split() == [prefix, "usable", "door", "faces:list"]
    run("revoke", prefix)
    assert ask(client, HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 401
    assert "revoked" in run("list")
    with pytest.raises(CommandError, match="nosuch"):
        run("revoke", "nosuch")
