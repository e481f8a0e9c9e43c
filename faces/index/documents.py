"""A cache of rows in Elasticsearch 9.3 or later, shared by all processes and machines; the rows are the subclass's.

Each row is a document whose id is the row's number; one more document, `state`, stands for the index as a whole. All of them
carry the version of the rows as their external version, so that Elasticsearch itself refuses what is older than what it has: a
process that is slow with its changes can neither take the version back nor bring back a row that another one has removed.

Each life of an index, from its creation to `clear`, has an alias of its own, and everything goes through that alias. A process
that was in the middle of its changes when another one cleared the index fails, instead of calling a half-filled index complete.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from faces.index.base import IndexUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from elasticsearch import ApiError, TransportError

Answer = TypeVar("Answer")
Entry = TypeVar("Entry")

_STATE_ID = "state"
_WRITE_TIMEOUT_SECONDS = 60.0
"""Writing may make Elasticsearch merge segments, which takes it longer than any search."""
_SHARDS_TIMEOUT_SECONDS = 3.0
_SHARDS_POLL_SECONDS = 0.05
_BULK_DOCUMENTS = 500
_BULK_BYTES = 8 * 1024 * 1024
_BULK_RETRIES = 3
"""How often documents are offered again to a server that is too busy (429)."""

_SETTINGS = {
    # Every change is made visible by an explicit refresh, once, at its end.
    "refresh_interval": "-1",
    "auto_expand_replicas": "0-1",
    # For so long a removed row is remembered, so that a process that was slow with its changes can't bring it back.
    "gc_deletes": "1h",
    # So many numbers may narrow a search.
    "max_terms_count": 1_000_000,
}


class ElasticsearchDocuments(Generic[Entry]):
    """Rows in one index of an Elasticsearch server. Thread-safe; the index is created by `create` or the first `apply`.

    `url` names scheme, host and port, and may carry user and password; otherwise `basic_auth` (user, password) or `api_key` does.
    `ca_certs` is the file of the authority that signed the server's certificate, where the system doesn't know it.
    No request is made by the constructor, but ValueError is raised for a URL without a port and for a name that no index may
    have. Every method that makes a request raises IndexUnavailable when it fails.

    What `apply` adds must start at the version that `version` gave: where the index was cleared in between, `apply` raises
    IndexUnavailable, and works again after `version` has been read again.
    """

    noun: ClassVar[str]
    """What a row is, for messages."""
    counted_field: ClassVar[str]
    """A field that all documents of rows have, and the one of the state has not."""
    bulk_documents: ClassVar[int] = _BULK_DOCUMENTS

    def __init__(
        self,
        url: str,
        *,
        name: str,
        timeout_seconds: float = 5.0,
        api_key: str | None = None,
        basic_auth: tuple[str, str] | None = None,
        ca_certs: str | None = None,
    ) -> None:
        from elasticsearch import Elasticsearch

        self.name = name
        self._server = _without_credentials(url)
        credentials: dict[str, Any] = {"api_key": api_key, "basic_auth": basic_auth, "ca_certs": ca_certs}
        self._client = Elasticsearch(
            url,
            request_timeout=timeout_seconds,
            # Once, because a connection kept open doesn't survive a restart of the server.
            max_retries=1,
            retry_on_timeout=False,
            **{name: value for name, value in credentials.items() if value is not None},
        )
        self._writer = self._client.options(request_timeout=max(timeout_seconds, _WRITE_TIMEOUT_SECONDS))
        self._life: str | None = None
        """The alias of the life of the index that this process last saw; None before it saw one."""

    def mappings(self) -> dict[str, Any]:
        """Of the index; what documents of rows have, `counted_field` among it."""
        raise NotImplementedError

    def document(self, entry: Entry) -> tuple[int, dict[str, Any]]:
        """The number of a row and its document. May raise ValueError."""
        raise NotImplementedError

    @property
    def version(self) -> int:
        return self._read(self._version_of, empty=0)

    def __len__(self) -> int:
        def count(life: str) -> int:
            response = self._client.search(
                index=life,
                size=0,
                query={"exists": {"field": self.counted_field}},
                track_total_hits=True,
                allow_partial_search_results=False,
            )
            return int(response["hits"]["total"]["value"])

        return self._read(count, empty=0)

    def apply(self, *, upto: int, added: Iterable[Entry], removed: Collection[int]) -> None:
        with self._errors_reported():
            life = self._life_to_write()
            if self._version_of(life) > upto:
                return
            self._write(self._changes(life, upto, added, removed))
            self._writer.indices.refresh(index=life)
            self._advance(life, upto)

    def create(self) -> None:
        """Makes the index and its mapping, unless they are there."""
        with self._errors_reported():
            self._life_to_write()

    def clear(self) -> None:
        with self._errors_reported():
            self._life = None
            self._writer.indices.delete(index=self.name, ignore_unavailable=True)

    def close(self) -> None:
        self._client.close()

    def _version_of(self, life: str) -> int:
        from elasticsearch import NotFoundError

        try:
            state = self._client.get(index=life, id=_STATE_ID, source=False)
        except NotFoundError as error:
            if _means_no_index(error):
                raise
            return 0
        return int(state["_version"])

    def _changes(self, life: str, upto: int, added: Iterable[Entry], removed: Collection[int]) -> Iterator[dict[str, Any]]:
        common = {"_index": life, "version": upto, "version_type": "external_gte"}
        for number in removed:
            yield {**common, "_op_type": "delete", "_id": str(number)}
        for entry in added:
            number, document = self.document(entry)
            yield {**common, "_op_type": "index", "_id": str(number), "_source": document}

    def _write(self, changes: Iterator[dict[str, Any]]) -> None:
        from elasticsearch.helpers import streaming_bulk

        refused = streaming_bulk(
            self._writer,
            changes,
            chunk_size=self.bulk_documents,
            max_chunk_bytes=_BULK_BYTES,
            max_retries=_BULK_RETRIES,
            raise_on_error=False,
            yield_ok=False,
            require_alias=True,
        )
        for _, item in refused:
            operation, result = item.popitem()
            status = result["status"]
            # Not there to be deleted, or there already in a newer version.
            if status == HTTPStatus.CONFLICT or (status == HTTPStatus.NOT_FOUND and "error" not in result):
                continue
            reason = result.get("error", {}).get("type", "no reason given")
            if reason == "index_not_found_exception":
                raise self._cleared()
            # Only the type: Elasticsearch's explanations quote the document.
            raise IndexUnavailable(
                f"Elasticsearch at {self._server} refused to {operation} {self.noun} {result['_id']}: {reason} (HTTP {status})"
            )

    def _advance(self, life: str, upto: int) -> None:
        from elasticsearch import ConflictError, NotFoundError

        try:
            self._writer.index(index=life, id=_STATE_ID, document={}, version=upto, version_type="external", require_alias=True)
        except ConflictError:
            return  # as far already, or further
        except NotFoundError as error:
            if _means_no_index(error):
                raise self._cleared() from None
            raise

    def _read(self, request: Callable[[str], Answer], *, empty: Answer) -> Answer:
        """What `request` gives for the life of the index there is now, or `empty` where there is none."""
        from elasticsearch import NotFoundError

        with self._errors_reported():
            if self._life is not None:
                try:
                    return request(self._life)
                except NotFoundError as error:
                    if not _means_no_index(error):
                        raise
            life = self._life = self._current_life()
            return empty if life is None else request(life)

    def _current_life(self) -> str | None:
        from elasticsearch import NotFoundError

        try:
            response = self._client.indices.get_alias(index=self.name)
        except NotFoundError as error:
            if _means_no_index(error):
                return None
            raise
        for alias in (alias for index in response.values() for alias in index["aliases"]):
            if alias.startswith(f"{self.name}."):
                if alias != self._life:
                    self._wait_for_shards(alias)
                return str(alias)
        raise IndexUnavailable(
            f"Elasticsearch at {self._server} has an index {self.name} that this program did not make: delete that index"
        )

    def _wait_for_shards(self, life: str) -> None:
        """For a moment after another process has created an index, it is there and can't be read."""
        from elasticsearch import ApiError

        deadline = time.monotonic() + _SHARDS_TIMEOUT_SECONDS
        while True:
            try:
                self._client.search(index=life, size=0, allow_partial_search_results=False)
            except ApiError as error:
                if error.meta.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(_SHARDS_POLL_SECONDS)
            else:
                return

    def _life_to_write(self) -> str:
        """The life of the index there is now, created if need be; refuses one that isn't the one last seen.

        Looking again is more than care: a delete with an external version would create a missing index, require_alias or not.
        """
        current = self._current_life()
        if self._life is not None and current != self._life:
            raise self._cleared()
        life = self._life = current if current is not None else self._create()
        return life

    def _create(self) -> str:
        from elasticsearch import BadRequestError

        life = f"{self.name}.{uuid4().hex}"
        try:
            self._writer.indices.create(
                index=self.name,
                aliases={life: {}},
                settings=_SETTINGS,
                mappings=self.mappings(),
            )
        except BadRequestError as error:
            if _error_type(error) != "resource_already_exists_exception":
                raise
            existing = self._current_life()
            if existing is None:
                raise self._cleared() from None
            return existing
        return life

    def _cleared(self) -> IndexUnavailable:
        self._life = None
        return IndexUnavailable(
            f"the index {self.name} was cleared while it was being changed: read its version again and apply what came later"
        )

    @contextmanager
    def _errors_reported(self) -> Iterator[None]:
        from elasticsearch import ApiError, TransportError

        try:
            yield
        except (ApiError, TransportError) as error:
            # From None: the error's own text, which a traceback would show, may quote documents.
            raise IndexUnavailable(f"Elasticsearch at {self._server} {_complaint(error)}") from None


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _error_type(error: ApiError) -> str:
    """Elasticsearch's own name of an error, e.g. "index_not_found_exception"; empty where the server gave none."""
    cause = error.body.get("error") if isinstance(error.body, dict) else None
    return str(cause.get("type", "")) if isinstance(cause, dict) else ""


def _means_no_index(error: ApiError) -> bool:
    """Told apart from the 404 of a missing document, and of a server that isn't Elasticsearch."""
    return _error_type(error) == "index_not_found_exception"


def _complaint(error: ApiError | TransportError) -> str:
    """What went wrong, in words to follow the server's name."""
    import elasticsearch

    complaints: list[tuple[type[Exception], str]] = [
        (elasticsearch.AuthenticationException, "does not accept the credentials (HTTP 401)"),
        (elasticsearch.AuthorizationException, "does not allow this to the credentials (HTTP 403)"),
        (elasticsearch.UnsupportedProductError, "is not an Elasticsearch server"),
        (elasticsearch.ConnectionTimeout, "did not answer in time"),
        (elasticsearch.SSLError, "can't be reached: TLS failed (is its certificate's authority known?)"),
        (elasticsearch.ConnectionError, "can't be reached"),
        (elasticsearch.TransportError, "gave an answer that can't be read"),
    ]
    for kind, complaint in complaints:
        if isinstance(error, kind):
            return complaint
    assert isinstance(error, elasticsearch.ApiError)
    return f"answered with an error: {_error_type(error) or 'no reason given'} (HTTP {error.meta.status})"
