"""What may leave the installation of what a citizen said."""

from __future__ import annotations

import pytest

from flows.understanding.redaction import MASK, Redactor
from flows.understanding.retrieval import ServiceWords

SERVICES = [
    ServiceWords("pension", "养老保险", ("转社保",), ("以前在广东交的社保想转回来", "补贴一年三千六怎么领")),
    ServiceWords("permit", "居住证", (), ("我要办居住证",)),
]
REDACTED = {
    "the hall's own words": ("我要办居住证", "我要办居住证"),
    "unknown words": ("我想支个摊办居住证", f"我想{MASK}摊办居住证"),
    "a name": ("帮陈志强办居住证", f"帮{MASK}办居住证"),
    "after 叫": ("孩子叫社保居住证,我要办居住证", f"孩子{MASK},我要办居住证"),
    "a place that the catalogue knows, as an address": ("户口在广东,想转社保", "想转社保"),
    "where one lives": ("我住广东,想转社保", "想转社保"),
    "numerals that the catalogue knows": ("三千六百想转社保", f"{MASK}想转社保"),
    "digits": ("138办居住证", f"{MASK}办居住证"),
    "Latin": ("wang办居住证", f"{MASK}办居住证"),
    "nothing": ("", None),
    "only unknown": ("陈志强", None),
    "mostly unknown": ("陈志强跟刘晓燕在云南丽江居住证", None),
    "only about oneself": ("我住广东", None),
}


@pytest.mark.parametrize(("said", "left"), REDACTED.values(), ids=REDACTED.keys())
def test_only_words_of_the_hall_are_left(said, left, today):
    assert Redactor(SERVICES).redact(said, today=today) == left


def test_a_text_in_which_the_parsers_still_find_something_is_not_sent(today):
    """Where somebody comes from, in words of the catalogue only."""
    services = [*SERVICES, ServiceWords("x", "人才落户", (), ("我是广东人要落户",))]
    assert Redactor(services).redact("我是广东人,想转社保", today=today) is None
