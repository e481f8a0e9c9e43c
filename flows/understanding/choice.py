"""Which understanding the settings choose."""

from __future__ import annotations

from functools import cache, lru_cache

from django.conf import settings

from flows.understanding.base import Understanding
from flows.understanding.builtin import BuiltIn
from kiosk.environment import Environment


def understanding() -> Understanding:
    """The endpoint of KIOSK_LLM_URL where there is one, else the built-in. Touches no network and no database."""
    return _configured(settings.KIOSK)


@lru_cache(maxsize=4)
def _configured(environment: Environment) -> Understanding:
    if not environment.llm_url:
        return _built_in()
    from flows.understanding.endpoint import Endpoint
    from flows.understanding.llm import LanguageModel

    endpoint = Endpoint(
        url=environment.llm_url,
        model=environment.llm_model,
        key=environment.llm_key.get_secret_value(),
        seconds=environment.llm_seconds,
    )
    return LanguageModel(endpoint, personal=environment.external_personal_data, builtin=_built_in())


@cache
def _built_in() -> BuiltIn:
    return BuiltIn()
