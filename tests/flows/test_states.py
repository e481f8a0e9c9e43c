"""Which step may follow which: every state with every step, and every way from state to state."""

from __future__ import annotations

import itertools

import pytest

from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.states import FOLLOWING, UNDER_WAY, Step, check_step, check_transition
from flows.types import SessionState as S

OK = None
ORDER, SOON, OVER = FlowErrorCode.WRONG_ORDER, FlowErrorCode.CONCURRENT, FlowErrorCode.EXPIRED

TABLE = {
    #                handshake, qna, storage, summary
    S.CREATED: (ORDER, ORDER, ORDER, ORDER),
    S.TRANSCRIBING: (OK, SOON, SOON, SOON),
    S.UNCLEAR: (OK, ORDER, ORDER, ORDER),
    S.ASKING: (OK, OK, ORDER, ORDER),
    S.ANSWERED: (OK, OK, OK, ORDER),
    S.STORED: (ORDER, OK, OK, OK),
    S.SUMMARISED: (ORDER, OK, OK, OK),
    S.EXPIRED: (OVER, OVER, OVER, OVER),
    S.FAILED: (OK, ORDER, ORDER, ORDER),
}
CASES = [(state, step, expected) for state, row in TABLE.items() for step, expected in zip(Step, row, strict=True)]


@pytest.mark.parametrize(("state", "step", "expected"), CASES, ids=[f"{state}-{step.value}" for state, step, _ in CASES])
def test_step(state, step, expected):
    if expected is None:
        check_step(state, step)
        return
    with pytest.raises(FlowError) as caught:
        check_step(state, step)
    assert caught.value.code is expected
    assert caught.value.detail


def test_every_state_is_in_the_tables():
    assert set(TABLE) == set(FOLLOWING) == set(S)


def test_what_is_under_way_can_still_expire():
    assert all(S.EXPIRED in FOLLOWING[state] for state in UNDER_WAY - {S.CREATED})


WAYS = {(before, after): after == before or after in FOLLOWING[before] for before, after in itertools.product(S, S)}


@pytest.mark.parametrize(("way", "allowed"), WAYS.items(), ids=[f"{before}-{after}" for before, after in WAYS])
def test_transition(way, allowed):
    if allowed:
        check_transition(*way)
        return
    with pytest.raises(ValueError, match="does not go"):
        check_transition(*way)


@pytest.mark.parametrize("before", [S.STORED, S.SUMMARISED])
def test_nothing_stored_is_asked_about_again(before):
    assert FOLLOWING[before] <= {S.SUMMARISED}


@pytest.mark.parametrize("before", [state for state in S if state is not S.ANSWERED])
def test_only_answered_visits_are_stored(before):
    assert S.STORED not in FOLLOWING[before]
