"""What citizens say, as checked values: the parsers of the protocol's necessary and basic information. Pure functions."""

from flows.slots.base import Answer, CrossCheck, WrongValue
from flows.slots.loading import warm_up
from flows.slots.reading import read_answer, relative_answer
from flows.slots.values import age_on, check_value, cross_check, protocol_value, spoken

__all__ = [
    "Answer",
    "CrossCheck",
    "WrongValue",
    "age_on",
    "check_value",
    "cross_check",
    "protocol_value",
    "read_answer",
    "relative_answer",
    "spoken",
    "warm_up",
]
