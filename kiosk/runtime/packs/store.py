"""The installed packs: where each lies, what was recorded when it was installed, and whether it is still the same.

    ROOT/insightface/models/PACK/   face packs, as FaceAnalysis(name=PACK, root=ROOT/insightface) looks for them
    ROOT/detection/PACK/            ONNX detectors
    ROOT/speech/PACK/               what whisper-ctranslate2 --model_directory takes
    ROOT/licences.jsonl             who accepted which licence, one JSON object a line

The record of a pack is `kiosk-pack.json` in its folder: `manifest.json` is InsightFace's own name for something else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from kiosk.runtime.packs.catalogue import CATALOGUE, File, Job, Licence, Pack
from kiosk.runtime.packs.errors import PackError
from kiosk.runtime.packs.hashing import sha256_of
from kiosk.runtime.packs.progress import Progress, silent

RECORD_NAME = "kiosk-pack.json"
LICENCES_NAME = "licences.jsonl"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,42}")
MODEL_SUFFIXES = {Job.FACE: ".onnx", Job.DETECTION: ".onnx", Job.SPEECH: ".bin"}


class RecordedFile(BaseModel):
    """One installed file, as it was when it was installed."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Record(BaseModel):
    """What is known of an installed pack; `kiosk-pack.json`."""

    model_config = ConfigDict(frozen=True)

    pack: str
    job: Job
    licence: str
    licence_url: str
    commercial_use: bool | None
    source: str
    """The URL, file or folder it came from."""
    installed_at: AwareDatetime
    checksum: str
    """SHA-256 of the downloaded file or archive; empty where several files were taken."""
    pinned: bool
    """The checksums were known beforehand; otherwise the first download was trusted."""
    files: dict[str, RecordedFile]


class State(StrEnum):
    """What lies in a pack's place."""

    ABSENT = "not installed"
    BUILT_IN = "built in"
    INSTALLED = "installed"
    UNRECORDED = "there, without a record"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list of packs."""

    name: str
    job: Job
    summary: str
    licence: Licence
    size: int | None
    """Bytes: of the download where the catalogue knows it, of the files for a pack of one's own."""
    pinned: bool
    state: State
    folder: Path


class Damage(StrEnum):
    """How an installed file differs from its record."""

    MISSING = "is missing"
    CHANGED = "has changed"
    ADDED = "was added"
    NOT_PUBLISHED = "is not the published file"


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not as it should be."""

    pack: str
    file: str
    damage: Damage

    def __str__(self) -> str:
        return f"{self.pack}: {self.file} {self.damage}"


class PackStore:
    """The packs under one model root. `face_root` is where FaceAnalysis looks, ROOT/insightface unless set elsewhere."""

    def __init__(self, root: Path, *, face_root: Path | None = None, catalogue: Sequence[Pack] = CATALOGUE) -> None:
        self.root = root
        self._catalogue = {pack.name: pack for pack in catalogue}
        self._parents = {
            Job.FACE: (root / "insightface" if face_root is None else face_root) / "models",
            Job.DETECTION: root / Job.DETECTION,
            Job.SPEECH: root / Job.SPEECH,
        }

    def known(self, name: str) -> Pack | None:
        """The pack of this name in the catalogue; None for one of one's own."""
        return self._catalogue.get(name)

    def folder(self, name: str, job: Job) -> Path:
        """Where the pack of this name and job lies or would lie. Raises PackError for a name that is no plain folder name."""
        pack = self.known(name)
        if pack is not None and pack.package:
            return _package_folder(pack)
        if not NAME.fullmatch(name):
            raise PackError(f"{name!r} is no name of a pack: letters, digits, '.', '_' and '-', at most 43")
        return self._parents[job] / name

    def entries(self) -> Iterator[Entry]:
        """All packs of the catalogue, then those of one's own that are installed, in the order of jobs and names."""
        for pack in self._catalogue.values():
            folder = self.folder(pack.name, pack.job)
            yield Entry(
                pack.name,
                pack.job,
                pack.summary,
                pack.licence,
                pack.download_bytes,
                pack.pinned,
                self._state(pack, folder),
                folder,
            )
        for job in Job:
            for folder in self._own_folders(job):
                record = self._record_or_none(folder)
                if record is None:
                    unknown = Licence("not recorded", "", None)
                    yield Entry(folder.name, job, "your own", unknown, None, False, State.UNRECORDED, folder)
                    continue
                licence = Licence(record.licence, record.licence_url, record.commercial_use)
                size = sum(file.size for file in record.files.values())
                yield Entry(folder.name, job, "your own", licence, size, record.pinned, State.INSTALLED, folder)

    def find(self, name: str) -> Entry | None:
        """The pack of this name, installed or in the catalogue."""
        return next((entry for entry in self.entries() if entry.name == name), None)

    def record(self, entry: Entry) -> Record:
        """What was recorded when the pack was installed. Raises PackError where there is no record or it can't be read."""
        path = entry.folder / RECORD_NAME
        try:
            return Record.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise PackError(
                f"{entry.name} has no record: it was put there by hand; "
                f"`manage.py models pull {entry.name} --job {entry.job} --from {entry.folder}` records it as it is"
            ) from None
        except (OSError, ValidationError) as error:
            raise PackError(f"the record {path} can't be read; pull {entry.name} again") from error

    def verify(self, name: str, progress: Progress = silent) -> list[Finding]:
        """Reads every file of an installed pack again; what differs from its record, or from what its publisher pinned.

        Raises PackError where the pack isn't installed, or has no readable record.
        """
        entry = self.find(name)
        if entry is None or entry.state is State.ABSENT:
            raise PackError(f"{name} is not installed")
        pack = self.known(name)
        published = {} if pack is None else {file.name: file for file in pack.files}
        if entry.state is State.BUILT_IN:
            return [Finding(name, *differs) for differs in _compare(entry.folder, {}, published, progress)]
        record = self.record(entry)
        findings = [Finding(name, *differs) for differs in _compare(entry.folder, record.files, published, progress)]
        present = {path.relative_to(entry.folder).as_posix() for path in entry.folder.rglob("*") if path.is_file()}
        added = sorted(present - set(record.files) - {RECORD_NAME})
        return findings + [Finding(name, file, Damage.ADDED) for file in added]

    def note_acceptance(self, pack: Pack, *, accepted_by: str, at: datetime) -> None:
        """Appends who accepted the pack's licence to ROOT/licences.jsonl."""
        line = {
            "pack": pack.name,
            "licence": pack.licence.name,
            "url": pack.licence.url,
            "user": accepted_by,
            "at": at.isoformat(),
        }
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LICENCES_NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _state(self, pack: Pack, folder: Path) -> State:
        if pack.package:
            return State.BUILT_IN if folder.is_dir() else State.ABSENT
        if (folder / RECORD_NAME).is_file():
            return State.INSTALLED
        return State.UNRECORDED if _holds_models(folder, pack.job) else State.ABSENT

    def _own_folders(self, job: Job) -> list[Path]:
        parent = self._parents[job]
        known = {pack.name for pack in self._catalogue.values() if pack.job is job}
        folders = sorted(parent.iterdir()) if parent.is_dir() else []
        return [
            folder
            for folder in folders
            if NAME.fullmatch(folder.name)
            and folder.name not in known
            and ((folder / RECORD_NAME).is_file() or _holds_models(folder, job))
        ]

    def _record_or_none(self, folder: Path) -> Record | None:
        try:
            return Record.model_validate_json((folder / RECORD_NAME).read_bytes())
        except (OSError, ValidationError):
            return None


def _compare(
    folder: Path, recorded: dict[str, RecordedFile], published: dict[str, File], progress: Progress
) -> Iterator[tuple[str, Damage]]:
    for name in sorted(set(recorded) | set(published)):
        path = folder / name
        if not path.is_file():
            yield name, Damage.MISSING
            continue
        digest = sha256_of(path, progress)
        if name in recorded and digest != recorded[name].sha256:
            yield name, Damage.CHANGED
        elif name in published and published[name].sha256 not in {None, digest}:
            yield name, Damage.NOT_PUBLISHED


def _holds_models(folder: Path, job: Job) -> bool:
    return folder.is_dir() and any(folder.glob(f"*{MODEL_SUFFIXES[job]}"))


def _package_folder(pack: Pack) -> Path:
    """The models of an installed package, found without importing it: face_recognition_models' own import fails today."""
    spec = importlib.util.find_spec(pack.package)
    if spec is None or not spec.submodule_search_locations:
        return Path(pack.package) / "models"
    return Path(spec.submodule_search_locations[0]) / "models"
