"""A language model behind an OpenAI-compatible endpoint: one question, one JSON object, within a hard time limit."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import OpenAI

REST_SECONDS = 15.0
"""After a failure the endpoint is not asked for so long; then one question tries it again."""
_MOST_QUESTIONS = 8
"""Under way at once; one more is not asked."""
_MOST_TOKENS = 400

_LIBRARIES = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")
"""Loggers of the client."""

Message = Mapping[str, str]

logger = logging.getLogger(__name__)


class EndpointUnavailable(Exception):
    """No usable answer. The message names the reason, never what was asked or answered."""


class Breaker:
    """Whether asking is worth while. After a failure it is not for REST_SECONDS, then for one caller, until that one succeeds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._closed_until: float | None = None

    def admit(self) -> bool:
        """Whether to ask now; a caller who is told so has to report() how it went."""
        with self._lock:
            if self._closed_until is None:
                return True
            if self._clock() < self._closed_until:
                return False
            self._closed_until = self._clock() + REST_SECONDS
            return True

    def report(self, *, success: bool) -> None:
        with self._lock:
            self._closed_until = None if success else self._clock() + REST_SECONDS


class Endpoint:
    """Safe for several threads. The client is made, and its library imported, by the first question."""

    def __init__(self, *, url: str, model: str, key: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._model, self._key, self._seconds = url, model, key, seconds
        self._breaker = Breaker(clock)
        self._under_way = threading.BoundedSemaphore(_MOST_QUESTIONS)
        self._schemas_refused = False

    def ask(self, messages: Sequence[Message], *, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The model's JSON object, which should follow the schema, but need not. Raises EndpointUnavailable.

        Takes at most the time limit, whatever the endpoint does; none at all while it rests after a failure.
        """
        import openai  # noqa: F401 - its half second is not to eat up the first question's time

        if not self._under_way.acquire(blocking=False):
            raise EndpointUnavailable("too many questions under way")
        if not self._breaker.admit():
            self._under_way.release()
            raise EndpointUnavailable("resting after a failure")
        try:
            text = self._within_limit(lambda: self._complete(messages, name, schema))
        except EndpointUnavailable:
            self._breaker.report(success=False)
            raise
        self._breaker.report(success=True)
        return _json_object(text)

    def _within_limit(self, call: Callable[[], str]) -> str:
        """Runs on a thread of its own: the timeouts of HTTP clients count the pauses between bytes, not the whole.

        The thread gives the place among those under way back, when the library lets go of it.
        """
        done: queue.SimpleQueue[str | EndpointUnavailable] = queue.SimpleQueue()

        def run() -> None:
            try:
                done.put(call())
            except EndpointUnavailable as error:
                done.put(error)
            except Exception as error:  # noqa: BLE001 - whatever a foreign server's answer makes the library raise; it may hold the text
                done.put(EndpointUnavailable(type(error).__name__))
            finally:
                self._under_way.release()

        threading.Thread(target=run, name="language-model", daemon=True).start()
        try:
            result = done.get(timeout=self._seconds)
        except queue.Empty:
            raise EndpointUnavailable(f"no answer within {self._seconds:g} s") from None
        if isinstance(result, EndpointUnavailable):
            raise result
        return result

    def _complete(self, messages: Sequence[Message], name: str, schema: Mapping[str, Any]) -> str:
        """The model's text. Runs on a thread of its own; what it raises may hold what was sent, and goes no further."""
        import openai

        wanted = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
        try:
            if self._schemas_refused:
                return self._request(messages, {"type": "json_object"})
            try:
                return self._request(messages, wanted)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                text = self._request(messages, {"type": "json_object"})
        except openai.APIStatusError as error:
            raise EndpointUnavailable(f"HTTP {error.status_code}") from None
        logger.warning("The language model's endpoint refuses JSON schemas; it is asked for JSON without one from now on")
        self._schemas_refused = True
        return text

    def _request(self, messages: Sequence[Message], response_format: Mapping[str, Any]) -> str:
        completion = self._client.chat.completions.create(  # type: ignore[call-overload]
            model=self._model, messages=list(messages), response_format=response_format, temperature=0, max_tokens=_MOST_TOKENS
        )
        text = completion.choices[0].message.content if completion.choices else None
        if not isinstance(text, str):
            raise EndpointUnavailable("an answer without text")
        return text

    @cached_property
    def _client(self) -> OpenAI:
        import openai

        for library in _LIBRARIES:
            # At DEBUG they log what is sent.
            logging.getLogger(library).setLevel(logging.WARNING)
        return openai.OpenAI(
            base_url=self._url,
            api_key=self._key or "none",
            timeout=self._seconds,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )


def _json_object(text: str) -> dict[str, Any]:
    """The object in a model's text: the whole, or what stands between the outermost braces (```json … ```)."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        raise EndpointUnavailable("an answer that is no JSON object") from None
    if not isinstance(found, dict):
        raise EndpointUnavailable("an answer that is no JSON object")
    return found
