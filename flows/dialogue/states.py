"""Which step of a visit may follow which. Pure: no database, no clock."""

from __future__ import annotations

from enum import Enum

from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.types import SessionState


class Step(Enum):
    """What a client asks for with a hash."""

    HANDSHAKE = "handshake"
    QNA = "qna"
    STORAGE = "storage"
    SUMMARY = "summary"


_S = SessionState

FOLLOWING: dict[SessionState, frozenset[SessionState]] = {
    _S.CREATED: frozenset({_S.TRANSCRIBING, _S.UNCLEAR, _S.ASKING, _S.ANSWERED}),
    _S.TRANSCRIBING: frozenset({_S.UNCLEAR, _S.ASKING, _S.ANSWERED, _S.FAILED, _S.EXPIRED}),
    _S.UNCLEAR: frozenset({_S.TRANSCRIBING, _S.ASKING, _S.ANSWERED, _S.EXPIRED}),
    # Before anything is stored a citizen may still say that they came for something else.
    _S.ASKING: frozenset({_S.TRANSCRIBING, _S.UNCLEAR, _S.ANSWERED, _S.EXPIRED}),
    _S.ANSWERED: frozenset({_S.TRANSCRIBING, _S.UNCLEAR, _S.ASKING, _S.STORED, _S.EXPIRED}),
    _S.STORED: frozenset({_S.SUMMARISED}),
    _S.SUMMARISED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.FAILED: frozenset({_S.TRANSCRIBING, _S.UNCLEAR, _S.ASKING, _S.ANSWERED, _S.EXPIRED}),
}
"""Besides staying where it is, which every state allows."""

UNDER_WAY = frozenset({_S.CREATED, _S.TRANSCRIBING, _S.UNCLEAR, _S.ASKING, _S.ANSWERED})
"""Not stored yet: what KIOSK_VISITS_AT_ONCE counts, and what expires."""

_ALLOWED: dict[Step, frozenset[SessionState]] = {
    Step.HANDSHAKE: frozenset({_S.TRANSCRIBING, _S.UNCLEAR, _S.ASKING, _S.ANSWERED, _S.FAILED}),
    Step.QNA: frozenset({_S.ASKING, _S.ANSWERED, _S.STORED, _S.SUMMARISED}),
    Step.STORAGE: frozenset({_S.ANSWERED, _S.STORED, _S.SUMMARISED}),
    Step.SUMMARY: frozenset({_S.STORED, _S.SUMMARISED}),
}

_NOT_THERE_YET = {
    _S.CREATED: "尚未握手，请先提交办理事项",
    _S.UNCLEAR: "办理事项还不明确，请带上 hash 重新握手",
    _S.ASKING: "提问尚未结束，请先完成对话",
    _S.ANSWERED: "信息尚未录入，请先提交录入",
    _S.STORED: "本次办理的信息已经录入，请重新握手",
    _S.SUMMARISED: "本次办理的信息已经录入，请重新握手",
}


def check_step(state: SessionState, step: Step) -> None:
    """Raises FlowError where the step is out of order: WRONG_ORDER, CONCURRENT while the audio is listened to, EXPIRED."""
    if state in _ALLOWED[step]:
        return
    match state:
        case _S.TRANSCRIBING:
            raise FlowError(FlowErrorCode.CONCURRENT, "语音正在识别，请稍后再试")
        case _S.EXPIRED:
            raise FlowError(FlowErrorCode.EXPIRED, "本次办理已结束，请重新握手")
        case _S.FAILED:
            raise FlowError(FlowErrorCode.WRONG_ORDER, "语音没有处理成功，请重新握手")
        case _:
            raise FlowError(FlowErrorCode.WRONG_ORDER, _NOT_THERE_YET[state])


def check_transition(before: SessionState, after: SessionState) -> None:
    """Raises ValueError where no visit may go from `before` to `after`: a mistake in the program, not of a client."""
    if before != after and after not in FOLLOWING[before]:
        raise ValueError(f"a visit does not go from {before} to {after}")
