"""Visits in the database: found by their hash, changed by one request at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from flows.dialogue import tokens
from flows.dialogue.drafts import Draft
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.states import UNDER_WAY, Step, check_step, check_transition
from flows.models import DialogueSession, Turn
from flows.types import SessionState, Speaker

MOST_USER_ID = 64


class Visit:
    """A visit as one request sees it. Nothing is locked while it thinks; save() refuses where somebody else was faster."""

    def __init__(self, session: DialogueSession) -> None:
        self.session = session
        self.draft = Draft.from_json(session.draft)
        self._said: list[Turn] = []

    @property
    def hash(self) -> str:
        return tokens.hash_of(self.session.key, self.session.user_id)

    @property
    def is_new(self) -> bool:
        """Whether it has never been saved."""
        return self.session._state.adding  # noqa: SLF001 - Django's documented name

    @property
    def state(self) -> SessionState:
        return SessionState(self.session.state)

    def say(
        self, speaker: Speaker, text: str, *, slot: str = "", confidence: float | None = None, audio: bytes | None = None
    ) -> None:
        """Adds a turn, to be written by save()."""
        turn = Turn(position=self.draft.turns, speaker=speaker, text=text, slot=slot, confidence=confidence)
        if audio is not None and settings.KIOSK.keep_audio:
            turn.audio = ContentFile(audio, name="utterance")
        self.draft.turns += 1
        self._said.append(turn)

    def save(self, state: SessionState, **fields: Any) -> None:
        """Writes draft, turns, `state` and `fields` in one transaction, and lets the hash live on.

        Raises FlowError (CONCURRENT) where the visit was changed since it was read; nothing is written then.
        """
        check_transition(self.state, state)
        now = timezone.now()
        changes = fields | {
            "state": state,
            "draft": self.draft.as_json(),
            "updated_at": now,
            "expires_at": now + timedelta(minutes=settings.KIOSK.visit_minutes),
        }
        if self.is_new:
            self._insert(changes)
        else:
            self._update(changes)
        self._said = []

    def _insert(self, changes: dict[str, Any]) -> None:
        self._assign(changes)
        with transaction.atomic():
            self.session.save(force_insert=True)
            self._write_turns()

    def _update(self, changes: dict[str, Any]) -> None:
        version = self.session.version
        with transaction.atomic():
            unchanged = DialogueSession.objects.filter(pk=self.session.pk, version=version)
            if not unchanged.update(version=F("version") + 1, **changes):
                raise FlowError(FlowErrorCode.CONCURRENT, "本次办理的另一个请求正在处理，请稍后再试")
            self._write_turns()
        self._assign(changes | {"version": version + 1})

    def _assign(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.session, name, value)

    def _write_turns(self) -> None:
        if self._said:
            for turn in self._said:
                turn.session = self.session
            Turn.objects.bulk_create(self._said)


def new_visit(user_id: str) -> Visit:
    """A visit that save() will write. Raises FlowError (BUSY) where as many are under way as may be.

    Requests that come at the very same moment may exceed the number by a few.
    """
    under_way = DialogueSession.objects.filter(state__in=UNDER_WAY, expires_at__gt=timezone.now())
    if under_way.count() >= settings.KIOSK.visits_at_once:
        raise FlowError(FlowErrorCode.BUSY, "办理人数较多，请稍后再试")
    return Visit(DialogueSession(user_id=user_id))


def find_visit(user_id: str, token: str, step: Step, *, related: Sequence[str] = ()) -> Visit:
    """The visit that this hash opens for this user_id, if `step` may be taken now. Raises FlowError."""
    key = tokens.key_of(token, user_id)
    session = None
    if key is not None:
        session = DialogueSession.objects.select_related(*related).filter(key=key, user_id=user_id).first()
    if session is None:
        raise FlowError(FlowErrorCode.NO_VISIT, "尚未握手，或者 hash 与 user_id 不符")
    if session.expires_at <= timezone.now():
        raise FlowError(FlowErrorCode.EXPIRED, "会话已过期，请重新握手")
    check_step(SessionState(session.state), step)
    return Visit(session)
