"""face_train as a step of a visit: whose face is enrolled, by whose consent, and what the citizen's record learns of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from faces.enrolment import NewPerson, withdraw_consent
from faces.frames import FrameAnswer
from faces.models import ConsentSource, Person
from faces.training import Training
from flows.dialogue import tokens
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.models import Citizen, DialogueSession

_MOST_NAME: Final = 64
NO_CONSENT: Final = "未同意人脸录入，请改用其他方式办理"
ASK_AGAIN: Final = "该人员尚未同意人脸识别，征得同意后请带上 consent: true"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """The handshake of a face_train, less its user_id and hash."""

    name: str = ""
    consent: bool | None = None
    """Given at the kiosk (true) or refused (false); None is a client that states, as with POST /face, that it obtained it."""


def read_training_request(body: dict[str, Any]) -> TrainingRequest:
    """`name` and `consent`, both beyond the protocol and both optional. Raises FlowError."""
    name, consent = body.get("name"), body.get("consent")
    if consent is not None and not isinstance(consent, bool):
        raise FlowError(FlowErrorCode.WRONG_REQUEST, "consent 应为 true 或 false")
    if name is not None and (not isinstance(name, str) or len(name.strip()) > _MOST_NAME or not name.isprintable()):
        raise FlowError(FlowErrorCode.WRONG_REQUEST, f"name 应为最多 {_MOST_NAME} 个可显示的字符")
    return TrainingRequest((name or "").strip(), consent)


def begin_training(user_id: str, hash: str, request: TrainingRequest) -> Training:  # noqa: A002 - the protocol's name
    """The enrolment of the person whose number is user_id. Raises FlowError: a wrong hash, or no consent.

    Without a name in the request, the citizen's is taken, and where that is not known yet, the user_id.
    """
    if hash:
        _check_visit(user_id, hash)
    if request.consent is False:
        raise FlowError(FlowErrorCode.WRONG_REQUEST, NO_CONSENT)
    if request.consent is None and Person.objects.filter(number=user_id, consented_at__isnull=True).exists():
        raise FlowError(FlowErrorCode.WRONG_REQUEST, ASK_AGAIN)
    known = Citizen.objects.filter(number=user_id).values_list("name", flat=True).first()
    source = ConsentSource.KIOSK if request.consent else ConsentSource.CLIENT
    new = NewPerson(name=request.name or known or user_id, number=user_id, consent=source)
    environment = settings.KIOSK
    return Training(new, samples=environment.face_train_samples, most_images=environment.face_train_images)


def train(training: Training, photo: bytes) -> FrameAnswer:
    """What is said to one picture. With the person enrolled, the citizen of the same number is theirs."""
    step = training.take(photo)
    if step.person is not None:
        _link(step.person)
    return step.answer


def withdraw(user_id: str, hash: str) -> None:  # noqa: A002 - the protocol's name
    """Takes the consent of this visit's citizen back and erases their face; nothing where none is kept. Raises FlowError."""
    _check_visit(user_id, hash)
    person = Person.objects.filter(number=user_id).first()
    if person is not None:
        withdraw_consent(person)


def _link(person: Person) -> None:
    """A citizen who is not known yet is linked by storage."""
    citizen = Citizen.objects.filter(number=person.number, person__isnull=True).first()
    if citizen is not None and not Citizen.objects.filter(person=person).exists():
        citizen.person = person
        citizen.save(update_fields=["person", "updated_at"])


def _check_visit(user_id: str, token: str) -> None:
    """Raises FlowError unless the hash is that of a visit of this user_id that has not expired."""
    key = tokens.key_of(token, user_id)
    visit = None if key is None else DialogueSession.objects.filter(key=key, user_id=user_id).only("expires_at").first()
    if visit is None:
        raise FlowError(FlowErrorCode.NO_VISIT, "尚未握手，或者 hash 与 user_id 不符")
    if visit.expires_at <= timezone.now():
        raise FlowError(FlowErrorCode.EXPIRED, "会话已过期，请重新握手")
