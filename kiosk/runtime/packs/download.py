"""One file from the network: resumed where it broke off, bounded, checked, and only then given its name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from kiosk.runtime.packs.catalogue import File
from kiosk.runtime.packs.errors import DownloadFailed
from kiosk.runtime.packs.hashing import sha256_of
from kiosk.runtime.packs.progress import Advance, Progress, silent

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 64 * 1024
OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 200, 206, 416
PASSING = frozenset({408, RANGE_NOT_SATISFIABLE, 429, 500, 502, 503, 504})
"""Answers that another try may better."""


@dataclass(frozen=True, slots=True)
class Network:
    """How patient a download is."""

    connect_seconds: float = 10
    read_seconds: float = 60
    """Longest silence in the middle."""
    attempts: int = 4
    """Tries in all; each goes on where the one before broke off."""
    wait_seconds: float = 2
    max_bytes: int = 16 * 1024**3
    """For files of unknown size."""


DEFAULT_NETWORK = Network()


def shown(url: str) -> str:
    """The URL as it may be recorded and printed: without a password and without what follows a question mark."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fetch(
    url: str, file: File, folder: Path, network: Network = DEFAULT_NETWORK, progress: Progress = silent
) -> tuple[Path, str]:
    """Downloads `url` to `folder` under the file's name; returns its path and SHA-256.

    A file that is there already is not downloaded again if its checksum is known. A download that broke off lies there as
    NAME.part and is continued, by the next attempt or the next call, as long as the server says that the file is still the
    same. Raises DownloadFailed; a file of a wrong size or checksum is deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    if file.sha256 and target.is_file() and sha256_of(target, progress) == file.sha256:
        return target, file.sha256
    partial = _Partial(folder / f"{file.name}.part", url)
    for attempt in range(1, network.attempts + 1):
        if file.size and partial.resume()[0] == file.size:
            break
        try:
            _attempt(partial, url, file, network, progress)
            break
        except _Interrupted as error:
            if attempt == network.attempts:
                raise DownloadFailed(f"{shown(url)}: {error}; call again to go on where it broke off") from error
            time.sleep(network.wait_seconds)
    return partial.finish(target, file)


class _Interrupted(Exception):
    """Worth another attempt."""


class _Partial:
    """NAME.part, and beside it the server's mark of the version it belongs to."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self._url = url
        self._mark = path.with_name(path.name + ".json")

    def resume(self) -> tuple[int, str]:
        """How many bytes are there and the validator for If-Range; nothing is kept of another source or of an unmarked one."""
        try:
            mark = json.loads(self._mark.read_bytes())
            validator = mark["validator"] if mark["url"] == self._url else ""
            size = self.path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""
        return (size, validator) if validator else (0, "")

    def start(self, validator: str) -> None:
        self.path.write_bytes(b"")
        self._mark.write_text(json.dumps({"url": self._url, "validator": validator}), encoding="utf-8")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def finish(self, target: Path, file: File) -> tuple[Path, str]:
        checksum = sha256_of(self.path)
        size = self.path.stat().st_size
        if file.size not in {None, size}:
            self.discard()
            raise DownloadFailed(f"{shown(self._url)}: {size} bytes came, not {file.size}")
        if file.sha256 not in {None, checksum}:
            self.discard()
            raise DownloadFailed(f"{shown(self._url)}: not the file asked for: its SHA-256 is {checksum}, not {file.sha256}")
        self.path.replace(target)
        self._mark.unlink(missing_ok=True)
        return target, checksum


def _attempt(partial: _Partial, url: str, file: File, network: Network, progress: Progress) -> None:
    """Downloads, or goes on with, the rest. Raises _Interrupted where it is worth another try, DownloadFailed where not."""
    import requests

    done, validator = partial.resume()
    headers = {"Accept-Encoding": "identity", "User-Agent": "kiosk-models"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": validator}
    timeout = (network.connect_seconds, network.read_seconds)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
            if response.status_code == RANGE_NOT_SATISFIABLE:
                partial.discard()
            _require_success(response, url)
            if response.status_code != PARTIAL_CONTENT:
                done = 0
                partial.start(_validator(response))
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
                partial.discard()
                raise _Interrupted("the server goes on at another place")
            total = _total(response, done, url, file, network)
            with progress(file.name, total, done) as advance:
                _write(partial, response.iter_content(CHUNK_BYTES), _limit(file, network) - done, advance, url)
    except requests.exceptions.Timeout as error:
        raise _Interrupted("no answer in time") from error
    except requests.exceptions.SSLError as error:
        raise DownloadFailed(f"{shown(url)}: the server's certificate is not trusted") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        if _is_timeout(error):
            raise _Interrupted("no answer in time") from error
        raise _Interrupted("the connection failed or broke off") from error
    except requests.exceptions.RequestException as error:
        raise DownloadFailed(f"{shown(url)}: {type(error).__name__}") from error


def _write(partial: _Partial, chunks: Iterator[Any], limit: int, advance: Advance, url: str) -> None:
    with partial.path.open("ab") as file:
        for chunk in chunks:
            limit -= len(chunk)
            if limit < 0:
                partial.discard()
                raise DownloadFailed(f"{shown(url)}: more bytes come than expected")
            file.write(chunk)
            advance(len(chunk))


def _require_success(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status in PASSING:
        raise _Interrupted(f"the server answers {status} {response.reason}")
    if status not in {OK, PARTIAL_CONTENT}:
        raise DownloadFailed(f"{shown(url)}: the server answers {status} {response.reason}")


def _total(response: requests.Response, done: int, url: str, file: File, network: Network) -> int | None:
    """The size of the whole file as the server announces it, checked before a byte is read."""
    length = response.headers.get("Content-Length", "")
    if not length.isdigit():
        return file.size
    total = done + int(length)
    if file.size not in {None, total} or total > _limit(file, network):
        expected = f"at most {network.max_bytes}" if file.size is None else file.size
        raise DownloadFailed(f"{shown(url)}: the server offers {total} bytes, expected {expected}")
    return total


def _limit(file: File, network: Network) -> int:
    return network.max_bytes if file.size is None else file.size


def _validator(response: requests.Response) -> str:
    """What tells this version of the file from another: a strong ETag, or the date of the last change."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _is_timeout(error: Exception) -> bool:
    """A silence in the middle of the body is a ConnectionError to requests."""
    return "timed out" in str(error).lower()
