"""What the parsers load at the first use, for a server that wants its first citizen served as fast as the others."""

from __future__ import annotations

from flows.slots import career, education, gender, marital_status, nationality, political_status, religion
from flows.slots.regions import place_names, province_names, region_names

_TABLES = (career, education, gender, marital_status, nationality, political_status, religion)


def warm_up() -> None:
    """Loads the regions, the readings of Chinese characters and the e-mail rules: about half a second, once a process."""
    import email_validator  # noqa: F401

    place_names()
    province_names()
    region_names()
    for module in _TABLES:
        module.SOUNDS.within("您好")
