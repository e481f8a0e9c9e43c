"""Where a model is looked for, and what is said when it isn't there."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.speech.whisper_models import REPOSITORIES, ModelMissing, find_model, pack_name
from kiosk.runtime.packs import CATALOGUE, Job, PackStore

REVISION = "5f2a" * 10


def put(folder: Path, *, without: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in {"model.bin", "config.json", "tokenizer.json", "vocabulary.txt"} - {without}:
        (folder / name).write_text("x", encoding="ascii")
    return folder


def cached(root: Path, repository: str, revision: str = REVISION) -> Path:
    folder = root / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(revision, encoding="ascii")
    return put(folder / "snapshots" / revision)


def test_names_are_those_of_faster_whisper():
    from faster_whisper.utils import _MODELS
    from whisper_ctranslate2.commandline import MODEL_NAMES

    assert REPOSITORIES == _MODELS
    assert set(MODEL_NAMES) <= set(REPOSITORIES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("small", "whisper"),
        ("small", "whisper/small"),
        ("small", "whisper/faster-whisper-small"),
        ("small", "packs/faster-whisper-small"),
        ("large", "packs/faster-whisper-large-v3"),
        ("our-model", "packs/our-model"),
        ("nested/our-model", "whisper/nested/our-model"),
    ],
)
def test_folders(tmp_path, name, place):
    expected = put(tmp_path / place)
    assert find_model(name, whisper_dir=tmp_path / "whisper", pack_dir=tmp_path / "packs") == expected


def test_absolute_path(tmp_path):
    expected = put(tmp_path / "elsewhere")
    put(tmp_path / "whisper")
    assert find_model(str(expected), whisper_dir=tmp_path / "whisper", pack_dir=tmp_path) == expected


@pytest.mark.parametrize("name", ["small", "turbo", "distil-large-v3.5", "someone/whisper-zh"])
def test_the_hub_s_cache_is_read_as_whisper_ctranslate2_reads_it(tmp_path, name):
    from faster_whisper.utils import download_model

    expected = cached(tmp_path, REPOSITORIES.get(name, name))
    put(expected.parent / ("0" * 40))
    assert find_model(name, whisper_dir=tmp_path, pack_dir=tmp_path / "packs") == expected
    assert Path(download_model(name, local_files_only=True, cache_dir=str(tmp_path))) == expected


def test_the_named_model_comes_before_the_one_that_lies_open(tmp_path):
    put(tmp_path)
    expected = cached(tmp_path, "Systran/faster-whisper-small")
    assert find_model("small", whisper_dir=tmp_path, pack_dir=tmp_path) == expected
    assert find_model("tiny", whisper_dir=tmp_path, pack_dir=tmp_path) == tmp_path


@pytest.mark.parametrize("lacking", ["config.json", "tokenizer.json", "vocabulary.txt"])
def test_an_incomplete_one_is_not_used(tmp_path, lacking):
    put(tmp_path / "small", without=lacking)
    with pytest.raises(ModelMissing, match=f"lacks .*{lacking}"):
        find_model("small", whisper_dir=tmp_path, pack_dir=tmp_path / "packs")
    complete = put(tmp_path / "packs" / "faster-whisper-small")
    assert find_model("small", whisper_dir=tmp_path, pack_dir=tmp_path / "packs") == complete


@pytest.mark.parametrize("revision", ["../../..", "", "a/b"])
def test_a_strange_revision_is_not_followed(tmp_path, revision):
    folder = tmp_path / "models--Systran--faster-whisper-small"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision, encoding="ascii")
    with pytest.raises(ModelMissing):
        find_model("small", whisper_dir=tmp_path, pack_dir=tmp_path / "packs")


def test_packs_lie_where_they_are_looked_for(tmp_path):
    store = PackStore(tmp_path)
    packs = [pack.name for pack in CATALOGUE if pack.job is Job.SPEECH]
    names = {pack_name(name): name for name in REPOSITORIES}
    for pack in packs:
        expected = put(store.folder(pack, Job.SPEECH))
        assert find_model(names[pack], whisper_dir=tmp_path / "whisper", pack_dir=tmp_path / "speech") == expected
