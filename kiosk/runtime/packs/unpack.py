"""Copies the files of a pack out of a zip archive or a folder, and nothing else from anywhere else."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kiosk.runtime.packs.errors import PackError, UnsafeArchive

MAX_FILES = 1000
MAX_BYTES = 16 * 1024**3
CHUNK_BYTES = 1024 * 1024
_ENCRYPTED = 0x1
_IGNORED_FOLDERS = {"__MACOSX"}


def unpack_zip(archive: Path, target: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> None:
    """Unpacks into the existing, empty folder `target`; a single folder around everything is left out.

    Raises UnsafeArchive for a file that is no zip, a damaged one, links, passwords, paths that lead elsewhere, two files of one
    name, and more files or bytes than allowed (checked before the first is written).
    """
    try:
        with zipfile.ZipFile(archive) as source:
            members = _members(source, archive.name, max_bytes=max_bytes, max_files=max_files)
            for path, member in members.items():
                destination = target / path
                destination.parent.mkdir(parents=True, exist_ok=True)
                with source.open(member) as packed, destination.open("xb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, CHUNK_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnsafeArchive(f"{archive.name} is no usable zip archive: {error}") from error


def copy_folder(source: Path, target: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> None:
    """Copies the files of a folder, links followed and hidden ones left out, into the existing, empty folder `target`."""
    files = {
        path.relative_to(source): path for path in sorted(source.rglob("*")) if path.is_file() and not _is_hidden(path, source)
    }
    if len(files) > max_files:
        raise PackError(f"{source} holds {len(files)} files, at most {max_files}")
    total = sum(path.stat().st_size for path in files.values())
    if total > max_bytes:
        raise PackError(f"{source} holds {total} bytes, at most {max_bytes}")
    for name, path in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)


def _members(source: zipfile.ZipFile, name: str, *, max_bytes: int, max_files: int) -> dict[PurePosixPath, zipfile.ZipInfo]:
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for path, member in _safe_files(source, name):
        if path in members:
            raise UnsafeArchive(f"{name} holds {path} twice")
        members[path] = member
    if len(members) > max_files:
        raise UnsafeArchive(f"{name} holds {len(members)} files, at most {max_files}")
    total = sum(member.file_size for member in members.values())
    if total > max_bytes:
        raise UnsafeArchive(f"{name} would unpack to {total} bytes, at most {max_bytes}")
    tops = {path.parts[0] for path in members}
    if len(tops) == 1 and all(len(path.parts) > 1 for path in members):
        return {PurePosixPath(*path.parts[1:]): member for path, member in members.items()}
    return members


def _safe_files(source: zipfile.ZipFile, name: str) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    for member in source.infolist():
        path = PurePosixPath(member.filename)
        # zipfile itself turns backslashes into slashes on Windows only, and drops what follows a NUL.
        if path.is_absolute() or ".." in path.parts or any(sign in member.orig_filename for sign in "\\:\0"):
            raise UnsafeArchive(f"{name} would write outside of its folder: {member.orig_filename!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UnsafeArchive(f"{name} holds a link: {member.orig_filename!r}")
        if member.is_dir() or _IGNORED_FOLDERS & set(path.parts) or any(part.startswith(".") for part in path.parts):
            continue
        if member.flag_bits & _ENCRYPTED:
            raise UnsafeArchive(f"{name} is locked with a password")
        yield path, member


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
