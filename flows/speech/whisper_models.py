"""Where a Whisper model lies: the folders that whisper-ctranslate2 knows, and the one of `manage.py models`. Imports no engine.

whisper-ctranslate2 takes a model either from a folder that holds model.bin itself (--model_directory) or, by name, from a cache
of the Hugging Face hub (--model_dir), which keeps models--OWNER--NAME/snapshots/REVISION. KIOSK_STT_MODEL_DIR may be either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

REPOSITORIES = {
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "tiny": "Systran/faster-whisper-tiny",
    "base.en": "Systran/faster-whisper-base.en",
    "base": "Systran/faster-whisper-base",
    "small.en": "Systran/faster-whisper-small.en",
    "small": "Systran/faster-whisper-small",
    "medium.en": "Systran/faster-whisper-medium.en",
    "medium": "Systran/faster-whisper-medium",
    "large-v1": "Systran/faster-whisper-large-v1",
    "large-v2": "Systran/faster-whisper-large-v2",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""The hub's repository of each name that whisper-ctranslate2 takes, as in faster_whisper, whose import costs an engine's.

A test compares the two."""

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without its tokenizer faster_whisper would download one."""
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")


class ModelMissing(Exception):
    """No usable model; the message is one line that says what was looked for, or what the model found lacks."""


def find_model(name: str, *, whisper_dir: Path, pack_dir: Path) -> Path:
    """The folder of the model `name`: a name of whisper-ctranslate2, an OWNER/NAME of the hub, a folder's name, or its path.

    `pack_dir` is where `manage.py models` installs speech packs. Raises ModelMissing.
    """
    incomplete = ""
    for folder in _candidates(name, whisper_dir, pack_dir):
        if not (folder / "model.bin").is_file():
            continue
        missing = _missing_files(folder)
        if not missing:
            return folder
        incomplete = incomplete or f"{folder} lacks {', '.join(missing)}"
    raise ModelMissing(incomplete or f"no Whisper model {name!r} in {whisper_dir} or {pack_dir}")


def pack_name(name: str) -> str:
    """The name of the model's pack in `manage.py models`, whether the catalogue has one or not."""
    return REPOSITORIES.get(name, name).rpartition("/")[2]


def _candidates(name: str, whisper_dir: Path, pack_dir: Path) -> Iterator[Path]:
    repository = REPOSITORIES.get(name, name)
    if Path(name).is_absolute():
        yield Path(name)
        return
    yield whisper_dir / name
    yield whisper_dir / pack_name(name)
    cached = whisper_dir / f"models--{repository.replace('/', '--')}"
    revision = _current_revision(cached)
    if revision:
        yield cached / "snapshots" / revision
    yield pack_dir / pack_name(name)
    # --model_directory names one model: it is the one whatever it is called. Asked last: a root may hold one and a cache as well.
    yield whisper_dir


def _current_revision(cached: Path) -> str:
    """The revision that the hub's cache takes for the newest; empty where there is none, or one that is no plain name."""
    try:
        revision = (cached / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return revision if revision.isalnum() else ""


def _missing_files(folder: Path) -> list[str]:
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(" or ".join(_VOCABULARIES))
    return missing
