"""The questions of a visit as the flow socket holds them (platform protocol, 对话); every call blocks: use a thread."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.utils import timezone

from flows import speech
from flows.dialogue import wording
from flows.dialogue.drafts import Draft
from flows.dialogue.listening import flow_error
from flows.dialogue.qna import Reply, leave_all_open, open_question, respond
from flows.dialogue.questions import Plan, plan_of
from flows.dialogue.reading import hear
from flows.dialogue.said import clean_text
from flows.dialogue.states import Step
from flows.dialogue.visits import Visit, find_visit
from flows.speech import SpeechError, SpeechErrorCode
from flows.types import SessionState, Speaker

_MOST_TURNS = 400
"""Of one visit, kiosk and citizen together; then its questions end, whatever is still missing."""


def begin(user_id: str, hash: str) -> str:  # noqa: A002 - the protocol's name
    """The open question of this visit, the first one at first; "" where nothing is left to ask.

    May be called again after a lost connection: the visit goes on where it stopped. Raises FlowError.
    """
    visit = _find(user_id, hash)
    if visit.state is not SessionState.ASKING:
        return ""
    was_open = visit.draft.question
    question = open_question(visit.draft, plan_of(visit.session.service), today=timezone.localdate())
    if question == was_open:
        return question
    _ask(visit, question)
    return question


def answer(user_id: str, hash: str, text: str) -> str:  # noqa: A002
    """Takes what the citizen said to the open question; the next question, or "" at the end. Raises FlowError."""
    words = clean_text(text)
    return _answer(_find(user_id, hash), words)


def answer_audio(user_id: str, hash: str, audio: bytes) -> str:  # noqa: A002
    """answer() to an utterance in any container that flows.speech reads.

    Silence is answered with the question again. Raises FlowError; the question stays open then.
    """
    visit = _find(user_id, hash)
    try:
        heard = speech.transcribe(audio)
    except SpeechError as error:
        if error.code is SpeechErrorCode.SILENT and visit.draft.question:
            return wording.NOT_HEARD + visit.draft.question
        raise flow_error(error) from None
    return _answer(visit, clean_text(heard.text), confidence=heard.confidence, audio=audio)


def _find(user_id: str, token: str) -> Visit:
    return find_visit(user_id, token, Step.QNA, related=["service"])


def _answer(visit: Visit, words: str, *, confidence: float = 1.0, audio: bytes | None = None) -> str:
    if visit.state not in {SessionState.ASKING, SessionState.ANSWERED}:
        return ""
    today = timezone.localdate()
    plan, draft = plan_of(visit.session.service), visit.draft
    about = draft.asked
    heard = hear(draft, words, today=today)
    visit.say(Speaker.CITIZEN, words, slot=about, confidence=min(confidence, heard.answer.confidence), audio=audio)
    reply = respond(draft, plan, heard, today=today, most_tries=settings.KIOSK.visit_tries)
    if reply.cancelled:
        _cancel(visit)
        return ""
    return _go_on(visit, _bounded(draft, plan, reply, today))


def _bounded(draft: Draft, plan: Plan, reply: Reply, today: date) -> str:
    if draft.turns < _MOST_TURNS:
        return reply.text
    leave_all_open(draft, plan, today=today)
    return ""


def _go_on(visit: Visit, text: str) -> str:
    if text:
        _ask(visit, text)
    else:
        visit.save(SessionState.ANSWERED, answered_at=visit.session.answered_at or timezone.now())
    return text


def _ask(visit: Visit, text: str) -> None:
    visit.say(Speaker.KIOSK, text, slot=visit.draft.asked)
    visit.save(SessionState.ASKING, answered_at=None)


def _cancel(visit: Visit) -> None:
    """The citizen broke off: what was found out is forgotten at once, and the hash opens nothing any more."""
    visit.draft = Draft(turns=visit.draft.turns)
    visit.save(SessionState.EXPIRED)
