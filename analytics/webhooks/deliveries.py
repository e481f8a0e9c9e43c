"""Events on their way to receivers: rows, written with the event itself, that say what is still to be delivered, and when.

A delivery that is being tried is leased: where the server is killed meanwhile, it is tried again when the lease is over. A
receiver may so be sent an event twice, under the same webhook-id.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db.models import F, Q
from django.utils import timezone

from analytics.events.messages import event_body
from analytics.events.subscription import Pictures
from analytics.models import RecognitionEvent, Webhook, WebhookDelivery
from analytics.webhooks.sending import NotSent, post
from analytics.webhooks.signing import signature

LEASE: Final = timedelta(seconds=60)
GIVE_UP: Final = timedelta(days=1)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 5.0, 2 * 3600.0
_GROWTH: Final = 4
_OK = range(200, 300)


def enqueue(event: RecognitionEvent) -> None:
    """Notes for every receiver who wants it that this event is to be delivered; in the transaction that records it."""
    receivers = Webhook.objects.filter(Q(devices=None) | Q(devices=event.device), enabled=True).distinct()
    wanted = [webhook for webhook in receivers if not webhook.user_types or event.user_type in webhook.user_types]
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(WebhookDelivery(webhook=webhook, event=event, next_attempt_at=now) for webhook in wanted)


def due_webhooks(now: datetime) -> list[int]:
    """Keys of the receivers for whom something is to be delivered now."""
    due = WebhookDelivery.objects.filter(next_attempt_at__lte=now, webhook__enabled=True)
    return list(due.order_by().values_list("webhook", flat=True).distinct())


def deliver_next(webhook_id: int) -> bool | None:
    """Tries the oldest delivery that is due; whether it arrived, None where nothing was to be tried."""
    now = timezone.now()
    delivery = _lease(webhook_id, now)
    if delivery is None:
        return None
    status, error = _try(delivery)
    arrived = status in _OK
    delivery.status, delivery.error = status, error[:255]
    delivery.delivered_at = timezone.now() if arrived else None
    delivery.next_attempt_at = None if arrived else _next_attempt(delivery)
    delivery.save(update_fields=["status", "error", "delivered_at", "next_attempt_at"])
    return arrived


def try_again(deliveries: Any) -> int:
    """Has deliveries that did not arrive tried now; how many."""
    return int(deliveries.filter(delivered_at=None).update(next_attempt_at=timezone.now()))


def pause_seconds(attempts: int) -> float:
    """How long to wait after so many attempts that failed: 5 s, 20 s, 80 s, … at most two hours."""
    return float(min(_FIRST_PAUSE_SECONDS * _GROWTH ** (attempts - 1), _LONGEST_PAUSE_SECONDS))


def _lease(webhook_id: int, now: datetime) -> WebhookDelivery | None:
    due = WebhookDelivery.objects.filter(webhook=webhook_id, webhook__enabled=True, next_attempt_at__lte=now).order_by(
        "next_attempt_at", "pk"
    )
    delivery = due.select_related("webhook", "event__device", "event__person").first()
    if delivery is None:
        return None
    # Another server may have leased it a moment ago.
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, next_attempt_at=delivery.next_attempt_at).update(
        next_attempt_at=now + LEASE, attempts=F("attempts") + 1
    )
    delivery.attempts += 1
    return delivery if mine else None


def _try(delivery: WebhookDelivery) -> tuple[int | None, str]:
    """The status of the answer, and what went wrong."""
    webhook = delivery.webhook
    pictures = Pictures.FACE if webhook.with_face_image else Pictures.NONE
    message_id, timestamp = f"evt_{delivery.pk}", int(time.time())
    body = orjson.dumps({"type": "recognition", "timestamp": timestamp, "data": event_body(delivery.event, pictures)})
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Kiosk",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(webhook.secret, message_id, timestamp, body),
    }
    try:
        status = post(webhook.url, body, headers)
    except NotSent as error:
        return None, str(error)
    return status, "" if status in _OK else f"HTTP {status}"


def _next_attempt(delivery: WebhookDelivery) -> datetime | None:
    """None for one that is given up: a day after the event was recorded."""
    pause = pause_seconds(delivery.attempts) * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the attempts
    after = timezone.now() + timedelta(seconds=pause)
    return None if after > delivery.event.created_at + GIVE_UP else after
