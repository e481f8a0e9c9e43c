"""The handshake (platform protocol, 首次连接): from what a citizen says to the service, its guidance, and a hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from flows.dialogue import guidance, listening, tokens
from flows.dialogue.drafts import Mode
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.information import for_client, read_information, values_of
from flows.dialogue.qna import derive, disputed
from flows.dialogue.questions import missing, plan_of
from flows.dialogue.states import Step
from flows.dialogue.visits import Visit, find_visit, new_visit
from flows.models import Citizen, DialogueSession, Relative, ServiceItem
from flows.speech import SpeechError
from flows.types import FamilyMember, SessionState, Speaker
from flows.understanding import understanding
from flows.understanding.base import Classification, Decision


@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """A handshake as the client sent it: what was said as text or as audio, or neither where `hash` asks for a result."""

    user_id: str = field(repr=False)
    hash: str = field(default="", repr=False)
    info: Mapping[str, Any] = field(default_factory=dict, repr=False)
    text: str | None = field(default=None, repr=False)
    audio: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake came to."""

    hash: str = field(repr=False)
    classify: str
    """The service's name; "" where the request is unclear or no service."""
    flow: str
    candidates: list[dict[str, str]]
    """{"code", "name"} of the services an unclear request may mean, the likeliest first."""
    materials: list[str]
    info: dict[str, Any] = field(repr=False)
    masked: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    text: str = field(default="", repr=False)
    """What was heard; "" for a request in writing."""


def shake_hands(request: HandshakeRequest) -> Handshake:
    """Begins a visit, or goes on with an unclear one or with another wish (`hash`).

    Audio that takes longer than KIOSK_HANDSHAKE_SECONDS raises FlowError (CONCURRENT) with the hash; the same request, or one
    with that hash alone, gets the result. Raises FlowError.
    """
    today = timezone.localdate()
    if request.text is not None:
        visit, warnings = _open(request, today)
        state, fields, service = _understand(visit, request.text, today=today)
        visit.save(state, **fields)
        return _answer(visit, today, service=service, warnings=warnings)
    if request.audio is not None:
        visit, warnings = _open_for_audio(request, request.audio, today)
    elif request.hash:
        visit, warnings = find_visit(request.user_id, request.hash, Step.HANDSHAKE, related=["service"]), []
    else:
        raise FlowError(FlowErrorCode.WRONG_REQUEST, "缺少 input")
    return _result(visit, warnings, today)


# Opening

Warnings = list[dict[str, str]]


def _open(request: HandshakeRequest, today: date) -> tuple[Visit, Warnings]:
    """The visit of this request, with what database and client know of the citizen, not saved yet; what is wrong with `info`."""
    if request.hash:
        visit = find_visit(request.user_id, request.hash, Step.HANDSHAKE, related=["service"])
        if visit.state is SessionState.TRANSCRIBING:
            raise FlowError(FlowErrorCode.CONCURRENT, "语音正在识别，请稍后再试", hash=visit.hash)
    else:
        visit = new_visit(request.user_id)
        citizen = Citizen.objects.filter(number=request.user_id).first()
        if citizen is not None:
            visit.session.citizen = citizen
            visit.draft.known = values_of(citizen)
    sent = read_information(request.info, visit.draft.known, today=today)
    visit.draft.given = sent.values | visit.draft.given
    derive(visit.draft, today=today)
    return visit, list(sent.warnings)


def _open_for_audio(request: HandshakeRequest, audio: bytes, today: date) -> tuple[Visit, Warnings]:
    """The visit whose audio this is, which is listened to from now on unless it was posted before."""
    digest = tokens.request_digest(request.user_id, "audio", audio)
    before = _posted_before(request, digest)
    if before is not None:
        return before, []
    listening.check_room()
    visit, warnings = _open(request, today)
    visit.draft.before = "" if visit.is_new else visit.state
    visit.draft.listener = listening.listener()
    visit.draft.failure = None
    visit.save(SessionState.TRANSCRIBING, request_digest=digest)
    pk = visit.session.pk
    listening.listen(pk, audio, lambda outcome: _finish(pk, audio, outcome))
    return visit, warnings


_REPEATABLE: Final = (
    SessionState.TRANSCRIBING,
    SessionState.UNCLEAR,
    SessionState.ASKING,
    SessionState.ANSWERED,
    SessionState.FAILED,
)


def _posted_before(request: HandshakeRequest, digest: str) -> Visit | None:
    """The visit that has this very request already; None where it is new, or was lost and starts anew."""
    if request.hash:
        visit = find_visit(request.user_id, request.hash, Step.HANDSHAKE, related=["service"])
        if visit.session.request_digest != digest:
            return None
    else:
        found = (
            DialogueSession.objects.select_related("service")
            .filter(request_digest=digest, user_id=request.user_id, state__in=_REPEATABLE, expires_at__gt=timezone.now())
            .order_by("-pk")
            .first()
        )
        if found is None:
            return None
        visit = Visit(found)
    if not _is_lost(visit):
        return visit
    _give_up(visit, request_digest="")
    return None


def _is_lost(visit: Visit) -> bool:
    session = visit.session
    return visit.state is SessionState.TRANSCRIBING and listening.is_lost(session.pk, visit.draft.listener, session.updated_at)


# Understanding


def _understand(
    visit: Visit, text: str, *, today: date, confidence: float | None = None, audio: bytes | None = None
) -> tuple[SessionState, dict[str, Any], ServiceItem | None]:
    """What the words mean for the visit: its next state, the fields to write, and the service. Adds both turns."""
    session, draft = visit.session, visit.draft
    found = understanding().classify(text, among=tuple(session.candidates))
    for slot, value in understanding().read(text, asked=None, today=today).values.items():
        # What was not asked for fills gaps only: 给孩子办 may speak of somebody else.
        if slot not in draft.values or slot in draft.derived:
            draft.given[slot] = value
    derive(draft, today=today)
    service = _service_of(found)
    # What was open may be known by now.
    draft.mode, draft.asked, draft.question = Mode.VALUE, "", ""
    if service is not None and service.pk != session.service_id:
        # Another service's questions: what was left open or asked for in vain may be needed now.
        draft.left, draft.tries = set(), {}
    visit.say(Speaker.CITIZEN, text, confidence=confidence, audio=audio)
    state, fields = _unclear(found) if service is None else _clear(visit, service, today)
    visit.say(Speaker.KIOSK, fields["flow"], confidence=found.confidence)
    return state, fields, service


def _service_of(found: Classification) -> ServiceItem | None:
    """None also where the item was switched off since the catalogue was read."""
    if found.decision is not Decision.SERVICE or found.service is None:
        return None
    return ServiceItem.objects.enabled().filter(code=found.service.code).first()


def _clear(visit: Visit, service: ServiceItem, today: date) -> tuple[SessionState, dict[str, Any]]:
    plan = plan_of(service)
    if plan.relations and visit.session.citizen_id is not None:
        known = Relative.objects.filter(citizen=visit.session.citizen_id, relation__in=plan.relations)
        visit.draft.known_relatives = {FamilyMember(relative.relation): values_of(relative) for relative in known}
    to_ask = missing(plan, visit.draft)
    complete = not to_ask and not disputed(visit.draft, today=today)
    fields = {
        "service": service,
        "classify": service.name,
        "candidates": [],
        "flow": guidance.service_flow(service, to_ask),
        "answered_at": timezone.now() if complete else None,
    }
    return SessionState.ANSWERED if complete else SessionState.ASKING, fields


def _unclear(found: Classification) -> tuple[SessionState, dict[str, Any]]:
    offered = found.decision is not Decision.NO_SERVICE
    candidates = found.candidates if offered else ()
    fields = {
        "service": None,
        "classify": "",
        "candidates": [candidate.code for candidate in candidates],
        "flow": guidance.question_back([candidate.name for candidate in candidates]) if offered else guidance.NOT_OFFERED,
        "answered_at": None,
    }
    return SessionState.UNCLEAR, fields


# Audio


def _finish(pk: int, audio: bytes, outcome: listening.Outcome) -> None:
    """Goes on with a visit whose audio has been heard to its end; on the listening thread."""
    session = DialogueSession.objects.select_related("service").filter(pk=pk, state=SessionState.TRANSCRIBING).first()
    if session is None:
        return
    visit = Visit(session)
    if isinstance(outcome, SpeechError):
        error = listening.flow_error(outcome)
        visit.draft.failure = (error.code, error.detail)
        _give_up(visit)
        return
    visit.draft.listener = visit.draft.before = ""
    state, fields, _service = _understand(
        visit, outcome.text, today=timezone.localdate(), confidence=outcome.confidence, audio=audio
    )
    visit.save(state, **fields)


def _give_up(visit: Visit, **fields: Any) -> None:
    """Back to where the visit was before its audio; one that began with it waits for another handshake."""
    before, visit.draft.before, visit.draft.listener = visit.draft.before, "", ""
    visit.save(SessionState(before) if before else SessionState.FAILED, **fields)


# Answering


def _result(visit: Visit, warnings: Warnings, today: date) -> Handshake:
    """What became of a visit whose audio is, or was, listened to; waits for it a while."""
    if visit.state is SessionState.TRANSCRIBING:
        listening.await_outcome(visit.session.pk, settings.KIOSK.handshake_seconds)
        visit = Visit(DialogueSession.objects.select_related("service").get(pk=visit.session.pk))
    if visit.state is SessionState.TRANSCRIBING:
        if not _is_lost(visit):
            raise FlowError(FlowErrorCode.CONCURRENT, "语音正在识别，请稍后再试", hash=visit.hash)
        _give_up(visit, request_digest="")
        raise FlowError(FlowErrorCode.SPEECH_FAILED, "语音处理中断，请重新提交", hash=visit.hash)
    if visit.draft.failure is not None:
        (code, detail), visit.draft.failure = visit.draft.failure, None
        # Told once; the same audio posted again is listened to again.
        visit.save(visit.state, request_digest="")
        raise FlowError(FlowErrorCode(code), detail, hash=visit.hash)
    if visit.state is SessionState.FAILED:
        raise FlowError(FlowErrorCode.SPEECH_FAILED, "语音没有处理成功，请重新提交", hash=visit.hash)
    heard = visit.session.turns.filter(speaker=Speaker.CITIZEN, slot="").order_by("-position").first()
    text = heard.text if heard is not None else ""
    return _answer(visit, today, service=visit.session.service, warnings=warnings, text=text)


def _answer(visit: Visit, today: date, *, service: ServiceItem | None, warnings: Warnings, text: str = "") -> Handshake:
    session = visit.session
    names = (
        dict(ServiceItem.objects.filter(code__in=session.candidates).values_list("code", "name")) if session.candidates else {}
    )
    info, masked = for_client(visit.draft, today=today)
    return Handshake(
        hash=visit.hash,
        classify=session.classify,
        flow=session.flow,
        candidates=[{"code": code, "name": names[code]} for code in session.candidates if code in names],
        materials=list(service.materials) if service else [],
        info=info,
        masked=masked,
        warnings=warnings,
        text=text,
    )
