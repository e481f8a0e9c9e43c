"""Staff make webhooks and see what became of deliveries."""

from __future__ import annotations

import html
import re

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from analytics.events.recording import NewEvent, record
from analytics.models import MediaDevice, Webhook, WebhookDelivery
from tests.staff import admin_client, shown_text, staff_client

LIST = "/admin/analytics/webhook/"
DELIVERIES = "/admin/analytics/webhookdelivery/"
FORM = {"name": "门禁", "url": "http://192.168.1.9:9000/hook", "enabled": "on"}


@pytest.fixture
def staff(db):
    return admin_client()


def test_secret_is_shown_once(staff):
    page = staff.post(f"{LIST}add/", FORM, follow=True).content.decode()
    webhook = Webhook.objects.get()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", webhook.secret)
    assert html.escape(webhook.secret) in page or webhook.secret in html.unescape(page)
    for path in (LIST, f"{LIST}{webhook.pk}/change/"):
        assert webhook.secret not in html.unescape(staff.get(path).content.decode())
    assert webhook.secret not in str(list(LogEntry.objects.values_list("changes", flat=True)))
    assert LogEntry.objects.get_for_model(Webhook).exists()


def test_new_secret(staff):
    staff.post(f"{LIST}add/", FORM)
    before = Webhook.objects.get()
    staff.post(LIST, {"action": "renew_secret", "_selected_action": [before.pk]})
    assert Webhook.objects.get().secret != before.secret


def test_change_keeps_the_secret(staff):
    staff.post(f"{LIST}add/", FORM)
    before = Webhook.objects.get()
    staff.post(f"{LIST}{before.pk}/change/", {**FORM, "name": "新", "user_types": ["vip"]})
    after = Webhook.objects.get()
    assert (after.name, after.user_types, after.secret) == ("新", ["vip"], before.secret)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "ftp://192.168.1.9/"}, "http://"),
        ({"url": "http://user:secret@192.168.1.9/"}, "用户名"),
        ({"url": "http://[::1/"}, "有效的地址"),
        ({"name": ""}, "必"),
        ({"user_types": ["boss"]}, "boss"),
    ],
    ids=["scheme", "user", "no address", "no name", "type"],
)
def test_wrong_forms(staff, wrong, said):
    page = staff.post(f"{LIST}add/", FORM | wrong)
    assert page.status_code == 200
    assert said in shown_text(page.content.decode())
    assert not Webhook.objects.exists()


def test_deliveries(staff):
    Webhook.objects.create(name="门禁", url="http://127.0.0.1:1/", secret="whsec_")
    event = record(NewEvent(MediaDevice.objects.create(name="门口"), timezone.now(), 50, stranger_id="s"))
    WebhookDelivery.objects.update(next_attempt_at=None, error="Connection refused", attempts=20)
    text = shown_text(staff.get(f"{DELIVERIES}?state=given_up").content.decode())
    assert event.event_id in text
    assert "Connection refused" in text
    assert "不再尝试" in text
    assert event.event_id not in shown_text(staff.get(f"{DELIVERIES}?state=delivered").content.decode())
    staff.post(DELIVERIES, {"action": "try_again", "_selected_action": [WebhookDelivery.objects.get().pk]})
    assert WebhookDelivery.objects.get().next_attempt_at is not None


@pytest.mark.parametrize(
    ("permission", "path", "status"),
    [
        ("analytics.view_webhook", LIST, 200),
        ("analytics.view_webhookdelivery", LIST, 403),
        ("analytics.view_webhook", f"{LIST}add/", 403),
        ("analytics.view_webhookdelivery", DELIVERIES, 200),
        ("analytics.view_webhook", DELIVERIES, 403),
    ],
)
def test_permissions(db, permission, path, status):
    assert staff_client(permission).get(path).status_code == status
