"""Installs a pack: licence, download or copy, checks, and one rename that makes it appear whole or not at all."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from kiosk.runtime.packs.catalogue import File, Job, Licence, Pack
from kiosk.runtime.packs.download import DEFAULT_NETWORK, Network, fetch, shown
from kiosk.runtime.packs.errors import LicenceNotAccepted, PackError
from kiosk.runtime.packs.hashing import sha256_of
from kiosk.runtime.packs.progress import Progress, silent
from kiosk.runtime.packs.store import RECORD_NAME, PackStore, Record, RecordedFile
from kiosk.runtime.packs.unpack import copy_folder, unpack_zip

DOWNLOADS = "downloads"
PLAIN_NAME = re.compile(r"\w[\w.+-]*", re.ASCII)
_NEEDED = {Job.SPEECH: ("model.bin", "config.json", "tokenizer.json")}


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be installed. All but the name may be left out for a pack of the catalogue."""

    name: str
    job: Job | None = None
    source: str = ""
    """A folder, a file or a URL; for a pack of several files the URL of the place where they lie."""
    sha256: str = ""
    """Of the one file or archive that comes."""
    licence: str = ""
    """The terms of a pack of one's own, to be noted."""


def pull(
    store: PackStore,
    request: Request,
    *,
    at: datetime,
    accepted_by: str | None = None,
    network: Network = DEFAULT_NETWORK,
    progress: Progress = silent,
) -> Record:
    """Installs or replaces one pack and returns its record. What was installed before stays until the new one is complete.

    `accepted_by` says who accepts the terms of a pack that isn't free for commercial use; it is recorded with the time `at`.
    Raises LicenceNotAccepted, DownloadFailed, UnsafeArchive, or PackError for everything else that can be told beforehand: an
    unknown name, a wrong checksum, missing files, a disk that is full.
    """
    pack = _requested(store.known(request.name), request)
    folder = store.folder(pack.name, pack.job)
    other = store.find(pack.name)
    if other is not None and other.job is not pack.job:
        raise PackError(f"{pack.name} is installed as a pack for {other.job}; give this one another name")
    if pack.licence.commercial_use is False:
        if not accepted_by:
            terms = f"{pack.licence.name}, {pack.licence.url}"
            raise LicenceNotAccepted(f"{pack.name} is not free for commercial use ({terms}): --accept-licence accepts its terms")
        store.note_acceptance(pack, accepted_by=accepted_by, at=at)
    try:
        with _staging(folder) as staged:
            source, checksum = _gather(pack, request, store.root / DOWNLOADS / pack.name, staged, network, progress)
            (staged / RECORD_NAME).unlink(missing_ok=True)
            files = _checked_files(pack, staged, progress)
            record = _record(pack, files, source=source, checksum=checksum, demanded=bool(request.sha256), at=at)
            (staged / RECORD_NAME).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _put_in_place(staged, folder)
    except OSError as error:
        raise PackError(f"{pack.name} can't be installed: {error.strerror or error} ({error.filename or folder})") from error
    shutil.rmtree(store.root / DOWNLOADS / pack.name, ignore_errors=True)
    return record


def _requested(known: Pack | None, request: Request) -> Pack:
    """The pack of the catalogue with what the request adds, or one's own. Raises PackError where the two disagree."""
    if known is None:
        if request.job is None or not request.source:
            raise PackError(
                f"no pack is called {request.name!r} (see `manage.py models list`); "
                "one of your own needs --job and --from with its folder, file or URL"
            )
        return Pack(request.name, request.job, "your own", Licence(request.licence or "not stated", "", None), ())
    if known.package:
        raise PackError(f"{known.name} is built in: it comes with the Python package {known.package}")
    if request.job not in {None, known.job}:
        raise PackError(f"{known.name} is a pack for {known.job}, not for {request.job}; give your own another name")
    if request.licence:
        raise PackError(f"the licence of {known.name} is known: {known.licence.name}")
    return known


def _gather(pack: Pack, request: Request, downloads: Path, staged: Path, network: Network, progress: Progress) -> tuple[str, str]:
    """Brings the pack's files into `staged`; returns where they came from and the checksum of the one file that came."""
    source = request.source or pack.base_url
    path = Path(source).expanduser()
    if urlsplit(source).scheme in {"http", "https"}:
        wanted = _wanted(pack, request)
        fetched = [fetch(url, file, downloads, network, progress) for file, url in wanted]
        for downloaded, _checksum in fetched:
            _take(downloaded, staged, downloaded.name, shutil.move)
        return (shown(wanted[0][1]), fetched[0][1]) if len(wanted) == 1 else (shown(source), "")
    if path.is_dir():
        if request.sha256:
            raise PackError("--sha256 is for a single file or archive, not for a folder")
        copy_folder(path, staged)
        return str(path.resolve()), ""
    if path.is_file():
        return str(path.resolve()), _take_local(pack, request, path, staged, progress)
    raise PackError(f"--from {source}: no such folder or file, and no http(s) URL")


def _wanted(pack: Pack, request: Request) -> list[tuple[File, str]]:
    """What to download, and from where."""
    if not pack.files:
        name = PurePosixPath(urlsplit(request.source).path).name
        name = name if PLAIN_NAME.fullmatch(name) else pack.name
        return [(_demanding(File(name), request.sha256), request.source)]
    if len(pack.downloads) == 1:
        only = pack.downloads[0]
        return [(_demanding(only, request.sha256), request.source or pack.base_url + only.name)]
    if request.sha256:
        raise PackError(f"{pack.name} consists of several files: their checksums are known, --sha256 can't be given")
    base_url = request.source.rstrip("/") + "/" if request.source else pack.base_url
    return [(file, base_url + file.name) for file in pack.downloads]


def _take_local(pack: Pack, request: Request, path: Path, staged: Path, progress: Progress) -> str:
    """A local archive or model file, checked like a download."""
    expected = _demanding(pack.downloads[0] if len(pack.downloads) == 1 else File(path.name), request.sha256)
    checksum = sha256_of(path, progress)
    if expected.sha256 not in {None, checksum}:
        raise PackError(f"{path}: not the file asked for: its SHA-256 is {checksum}, not {expected.sha256}")
    _take(path, staged, expected.name, shutil.copyfile)
    return checksum


def _demanding(file: File, sha256: str) -> File:
    """The file with the checksum that was asked for. Raises PackError where another one is known."""
    if not sha256:
        return file
    if file.sha256 not in {None, sha256.lower()}:
        raise PackError(f"the SHA-256 of {file.name} is known to be {file.sha256}; install another file under another name")
    return replace(file, sha256=sha256.lower())


def _take(file: Path, staged: Path, name: str, bring: Callable[[Path, Path], object]) -> None:
    """Unpacks an archive; brings any other file under its name."""
    if file.suffix.lower() == ".zip" or zipfile.is_zipfile(file):
        unpack_zip(file, staged)
    else:
        bring(file, staged / name)


def _checked_files(pack: Pack, staged: Path, progress: Progress) -> dict[str, RecordedFile]:
    """Hashes everything that was gathered. Raises PackError where something is missing or is not what the publisher pinned."""
    paths = {path.relative_to(staged).as_posix(): path for path in sorted(staged.rglob("*")) if path.is_file()}
    _require_files(pack, set(paths))
    files = {name: RecordedFile(size=path.stat().st_size, sha256=sha256_of(path, progress)) for name, path in paths.items()}
    wrong = [file.name for file in pack.files if file.sha256 not in {None, files[file.name].sha256}]
    if wrong:
        raise PackError(f"{pack.name}: not the published files: {', '.join(wrong)}")
    return files


def _record(pack: Pack, files: dict[str, RecordedFile], *, source: str, checksum: str, demanded: bool, at: datetime) -> Record:
    came_pinned = bool(checksum) and checksum in {file.sha256 for file in pack.downloads}
    return Record(
        pack=pack.name,
        job=pack.job,
        licence=pack.licence.name,
        licence_url=pack.licence.url,
        commercial_use=pack.licence.commercial_use,
        source=source,
        installed_at=at,
        checksum=checksum,
        pinned=demanded or came_pinned or (bool(pack.files) and all(file.sha256 for file in pack.files)),
        files=files,
    )


def _require_files(pack: Pack, present: set[str]) -> None:
    needed = {file.name for file in pack.files} or set(_NEEDED.get(pack.job, ()))
    missing = sorted(needed - present)
    if missing:
        raise PackError(f"{pack.name} lacks {', '.join(missing)}")
    if pack.job is not Job.SPEECH and not any(name.endswith(".onnx") and "/" not in name for name in present):
        raise PackError(f"{pack.name} holds no .onnx file")


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """An empty hidden folder beside the pack's own, on the same file system; gone afterwards, whatever happens."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _put_in_place(staged: Path, folder: Path) -> None:
    """Renames `staged` to `folder`; what was there before comes back if that fails."""
    staged.chmod(0o755)  # mkdtemp's folders are for their owner alone
    if not folder.exists():
        staged.rename(folder)
        return
    with _staging(folder) as aside:
        former = aside / folder.name
        folder.rename(former)
        try:
            staged.rename(folder)
        except OSError:
            former.rename(folder)
            raise
