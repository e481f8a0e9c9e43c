"""The documents say what is true: paths and links exist, settings and packages are named as they are, the README's lines work."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from kiosk.environment import Environment, environment_name
from tests.live_server import LiveServer
from tests.media import skimage_sample

ROOT = Path(__file__).resolve().parent.parent
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
DOCUMENTS = sorted(
    [
        *READMES,
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(path for path in ROOT.glob("docs/*.md") if path.name != "settings.md"),  # made by a command, see make check-docs
        *ROOT.glob("deploy/*/README.md"),
    ]
)
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
SETTING = re.compile(r"\bKIOSK_[A-Z0-9_]*[A-Z0-9]\b")
BENCH = re.compile(r"\bpython -m (bench\.\w+)")

OF_THE_SOURCE = re.compile(r"[\w.-]+\.(?:py|toml|md|sh|txt|service|conf)|Makefile|LICENSE")
"""A file's name that, alone, means one at the top."""
RELATIVE_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w.-]+/")
NO_PATH = re.compile(r"(?:application|image|text)/[\w.+-]+|\d+/\w+|[\w.-]+\.example(?:/.*)?|.*(?:\b[A-Z]{4,}\b|张三).*")
"""Media types, rates, addresses, and paths with a placeholder in them, which stands in capitals."""
OF_THE_DATA_FOLDER = {"docs/model-packs.md": {"detection/", "speech/", "downloads/", "insightface/models/"}}
NOT_A_SETTING = {"KIOSK_ENV_FILE"}


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return INDENTED.sub("", FENCED.sub("", document.read_text(encoding="utf-8")))


def named_paths(text: str) -> Iterator[str]:
    """What a text shows as code and that can only be a path in this repository."""
    for token in CODE.findall(text):
        if OF_THE_SOURCE.fullmatch(token) or (RELATIVE_PATH.fullmatch(token) and not NO_PATH.fullmatch(token)):
            yield token


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    titles = (CODE.sub(r"\1", title).strip().lower() for _level, title in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("`faces/models.py`, `kiosk/`, `Makefile`", ["faces/models.py", "kiosk/", "Makefile"]),
        ("`faces/modles.py` and `nosuch.py`", ["faces/modles.py", "nosuch.py"]),
        ("`/recognize`, `1200/min`, `application/json`, `models/PACK`, `make test`, `photo.jpg`, `faces:list`", []),
    ],
    ids=["paths", "wrong ones too", "what looks like one"],
)
def test_a_path_is_known_by_its_look(text, paths):
    assert list(named_paths(text)) == paths


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_paths_exist(document):
    elsewhere = OF_THE_DATA_FOLDER.get(by_name(document), set())
    missing = [
        path
        for path in named_paths(prose(document))
        if path not in elsewhere and not (ROOT / path).exists() and not (document.parent / path).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_links_lead_somewhere(document):
    broken = []
    for target in LINK.findall(prose(document)):
        if "://" in target:
            continue
        name, _hash, anchor = target.partition("#")
        linked = (document.parent / name).resolve() if name else document
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / ".env.example", ROOT / "deploy/nginx/kiosk.conf"], ids=by_name)
def test_settings_are_named_as_they_are(document):
    known = {environment_name(field) for field in Environment.model_fields} | NOT_A_SETTING
    named = set(SETTING.findall(document.read_text(encoding="utf-8")))
    assert named - known == set()


def test_the_example_of_settings_is_a_valid_file():
    known = {environment_name(field) for field in Environment.model_fields}
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)]
    assert set(names) <= known
    assert len(names) == len(set(names))
    assert [line for line in lines if line and not line.startswith("#")] == [], "nothing is set until somebody sets it"


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
def test_benchmarks_exist(document):
    modules = set(BENCH.findall(document.read_text(encoding="utf-8")))
    assert {module for module in modules if not (ROOT / f"{module.replace('.', '/')}.py").is_file()} == set()


@pytest.mark.parametrize("requirements", REQUIREMENTS, ids=by_name)
def test_every_package_has_its_reason(requirements):
    lines = requirements.read_text(encoding="utf-8").splitlines()
    pinned = [line.partition("==")[0].partition("[")[0].strip().lower() for line in lines if re.match(r"[A-Za-z]", line)]
    explained = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/dependencies.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert pinned
    assert set(pinned) - explained == set()


def test_both_readmes_have_the_same_shape():
    english, chinese = (path.read_text(encoding="utf-8") for path in READMES)
    levels = [[level for level, _title in HEADING.findall(FENCED.sub("", text))] for text in (english, chinese)]
    links = [
        [link for link in LINK.findall(FENCED.sub("", text)) if not link.startswith("README")] for text in (english, chinese)
    ]
    assert levels[0] == levels[1]
    assert FENCED.findall(english) == FENCED.findall(chinese)
    assert sorted(set(links[0])) == sorted(set(links[1]))


def readme_calls() -> list[tuple[str, object]]:
    """The README's curl commands, each with the answer that is shown for it."""
    blocks = FENCED.findall(READMES[0].read_text(encoding="utf-8"))
    return [
        (command, json.loads(answer))
        for (language, command), (next_language, answer) in itertools.pairwise(blocks)
        if language == "bash" and next_language == "json"
    ]


def shape(value: object) -> object:
    """A JSON value less what differs from photo to photo: its keys, its texts with digits and ids blotted out."""
    match value:
        case dict():
            return {key: shape(item) for key, item in value.items()}
        case list():
            return [shape(item) for item in value]
        case str() if value.startswith("http"):
            return "a link"
        case str():
            return re.sub(r"person_[a-z0-9]{8}|[0-9a-f]{64}|HASH|\d+(\.\d+)?", "#", value)
        case bool() | None:
            return value
        case _:
            return "a number"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with two pictures of one person: a sample picture, and the same a little smaller and darker."""
    folder = tmp_path_factory.mktemp("readme")
    picture = Image.fromarray(skimage_sample("astronaut.png")).crop((60, 0, 460, 300))
    picture.save(folder / "photo.jpg")
    ImageEnhance.Brightness(picture.resize((360, 270))).enhance(0.85).save(folder / "another.jpg")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A product as `make serve` starts it: the default engine, nothing enrolled."""
    for tool in ("bash", "curl", "base64"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not here")
    with LiveServer(tmp_path_factory.mktemp("docs") / "data", KIOSK_FACE_ENGINE="dlib", KIOSK_ENGINE_WORKERS="1") as running:
        yield running


def test_the_readmes_lines_work_as_pasted(server, photos):
    calls = readme_calls()
    assert len(calls) == 6
    for command, shown in calls:
        pasted = command.replace("http://127.0.0.1:8000", server.url)
        done = subprocess.run(["bash", "-c", pasted], cwd=photos, capture_output=True, text=True, timeout=60, check=True)
        assert shape(json.loads(done.stdout)) == shape(shown)
