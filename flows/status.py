"""The flows app on the status page: understanding, speech, visits under way, and what is overdue for deletion."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from flows.dialogue.states import UNDER_WAY
from flows.models import DialogueSession, ServiceItem
from flows.retention import lapsed_visits, overdue_citizens, would_erase
from flows.review import waiting
from flows.speech import speech_status
from flows.speech.types import EngineStatus
from kiosk.runtime.status import Health, Line, Section, pool_line, register_status


def register() -> None:
    """Puts this app on the status page."""
    register_status("flows", flow_status)


def flow_status() -> list[Section]:
    """Starts no engine; the numbers of visits are counted anew each time."""
    speech = speech_status()
    lines = [
        *_speech(_("speech to text"), speech.recognition, missing=Health.ATTENTION),
        *_speech(_("text to speech"), speech.voice, missing=Health.BAD),
    ]
    return [
        Section(_("Speech"), lines, "record_voice_over"),
        Section(_("Conversation"), [_understanding(), *_visits()], "forum"),
        Section(_("Retention"), _retention(), "auto_delete"),
    ]


def _speech(label: str, engine: EngineStatus, *, missing: Health) -> list[Line]:
    line = Line(label, engine.engine or _("none"), engine.reason, Health.GOOD if engine.available else missing)
    return (
        [line] if engine.pool is None else [line, pool_line(_("%(engine)s: waiting or in work") % {"engine": label}, engine.pool)]
    )


def _understanding() -> Line:
    environment = settings.KIOSK
    items = ServiceItem.objects.enabled().count()
    health = Health.GOOD if items else Health.BAD
    offered = _("%(count)d service items offered") % {"count": items}
    if not environment.llm_url:
        return Line(_("understanding"), _("built in"), offered, health)
    # The host alone: an address may carry a key.
    host = urlsplit(environment.llm_url).hostname or ""
    return Line(_("understanding"), f"{environment.llm_model} ({host})", offered, health)


def _visits() -> list[Line]:
    now = timezone.now()
    most = settings.KIOSK.visits_at_once
    under_way = DialogueSession.objects.filter(state__in=UNDER_WAY, expires_at__gte=now).count()
    return [
        Line(
            _("visits under way"),
            _("%(pending)d of %(capacity)d") % {"pending": under_way, "capacity": most},
            "KIOSK_VISITS_AT_ONCE",
            Health.BAD if under_way >= most else Health.GOOD,
        ),
        Line(_("waiting for review"), str(waiting().count())),
    ]


def _retention() -> list[Line]:
    environment = settings.KIOSK
    now = timezone.now()
    overdue, lapsed = would_erase(now).visits, lapsed_visits(now).count()
    citizens = overdue_citizens(now).count()
    mend = "manage.py enforce_retention"
    kept = _("%(days)d days; never stored ones %(hours)d hours")
    return [
        Line(
            _("visits are kept"),
            kept % {"days": environment.visit_days, "hours": environment.abandoned_hours},
            "KIOSK_VISIT_DAYS, KIOSK_ABANDONED_HOURS",
        ),
        Line(_("recordings of citizens"), _("kept") if environment.keep_audio else _("not kept"), "KIOSK_KEEP_AUDIO"),
        Line(_("visits overdue for deletion"), str(overdue), mend if overdue else "", Health.BAD if overdue else Health.GOOD),
        Line(
            _("citizens overdue for deletion"), str(citizens), mend if citizens else "", Health.BAD if citizens else Health.GOOD
        ),
        Line(_("visits that lapsed"), str(lapsed), mend if lapsed else "", Health.ATTENTION if lapsed else Health.GOOD),
    ]
