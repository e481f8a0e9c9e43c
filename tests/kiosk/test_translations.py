"""Every text of the pages and the admin has its Chinese, and the compiled catalogue is the one that was edited."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
FLOWS_TEMPLATES = ROOT / "templates" / "admin" / "flows"
ANALYTICS_TEMPLATES = ROOT / "templates" / "admin" / "analytics"
OTHERS = {FLOWS_TEMPLATES, ANALYTICS_TEMPLATES}


@dataclass(frozen=True)
class Part:
    """A catalogue and the files whose texts it has."""

    locale: Path
    python: list[Path]
    templates: list[Path]

    def entries(self) -> dict[Key, polib.POEntry]:
        return {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(self.locale / "django.po"))}

    def compiled(self) -> polib.MOFile:
        return polib.mofile(str(self.locale / "django.mo"))


def part(app: str, python: tuple[str, ...], templates: list[Path]) -> Part:
    files = sorted(path for folder in python for path in (ROOT / folder).rglob("*.py"))
    return Part(ROOT / app / "locale" / "zh_Hans" / "LC_MESSAGES", files, sorted(templates))


Key = tuple[str | None, str]
EVERY_TEMPLATE = set((ROOT / "templates").rglob("*.html"))
PARTS = {
    "kiosk": part("kiosk", ("kiosk", "faces"), [path for path in EVERY_TEMPLATE if not OTHERS & {*path.parents}]),
    "flows": part("flows", ("flows",), [path for path in EVERY_TEMPLATE if FLOWS_TEMPLATES in path.parents]),
    "analytics": part("analytics", ("analytics",), [path for path in EVERY_TEMPLATE if ANALYTICS_TEMPLATES in path.parents]),
}
FILES = [(name, path) for name, part in PARTS.items() for path in (*part.python, *part.templates)]

CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CALLS_WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
TEMPLATE_CALL = re.compile(r"""\b(?:_|n?p?gettext)\((?:\s*u?'(?:[^'\\]|\\.)*'\s*,?|\s*u?"(?:[^"\\]|\\.)*"\s*,?)+""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[\w:]*\}")


def texts_of_python(code: str) -> Iterator[Key]:
    """Context and text of every call of gettext."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        if name in CALLS and words:
            yield None, words[0]
        if name in CALLS_WITH_CONTEXT and len(words) > 1:
            yield words[0], words[1]


def texts_of_template(template: str) -> Iterator[Key]:
    """Context and text of every {% translate %} and {% blocktranslate %}."""
    for call in TEMPLATE_CALL.findall(templatize(template)):
        yield from texts_of_python(call.rstrip().rstrip(",") + ")")


def texts_of(path: Path) -> list[Key]:
    source = path.read_text(encoding="utf-8")
    return list(texts_of_python(source) if path.suffix == ".py" else texts_of_template(source))


@pytest.fixture(scope="module")
def catalogues() -> dict[str, dict[Key, polib.POEntry]]:
    return {name: part.entries() for name, part in PARTS.items()}


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        pytest.param('_("a"), gettext_lazy("b")', [(None, "a"), (None, "b")], id="plain"),
        pytest.param('ngettext("one", "many", n)', [(None, "one")], id="plural"),
        pytest.param('pgettext_lazy("person", "name")', [("person", "name")], id="context"),
        pytest.param('_("two "\n"parts")', [(None, "two parts")], id="joined"),
    ],
)
def test_texts_are_found_in_python(code: str, texts: list[Key]) -> None:
    assert sorted(texts_of_python(code), key=str) == texts


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        pytest.param('{% translate "a" %} b {% translate "c" context "d" %}', [(None, "a"), ("d", "c")], id="translate"),
        pytest.param("{% blocktranslate %}it's {{ n }}{% endblocktranslate %}", [(None, "it's %(n)s")], id="block"),
        pytest.param("{% blocktranslate count n=x %}one{% plural %}{{ n }}{% endblocktranslate %}", [(None, "one")], id="plural"),
        pytest.param("{% if a %}gettext{% endif %}", [], id="none"),
    ],
)
def test_texts_are_found_in_templates(template: str, texts: list[Key]) -> None:
    assert list(texts_of_template(template)) == texts


@pytest.mark.parametrize(("name", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _name, path in FILES])
def test_every_text_is_translated(name: str, path: Path, catalogues: dict[str, dict[Key, polib.POEntry]]) -> None:
    """Where one is missing: manage.py makemessages, fill it in, manage.py compilemessages (see the head of django.po)."""
    catalogue = catalogues[name]
    missing = [key for key in texts_of(path) if key not in catalogue or not catalogue[key].translated()]
    assert not missing


@pytest.mark.parametrize("name", PARTS)
def test_no_text_is_left_over(name: str, catalogues: dict[str, dict[Key, polib.POEntry]]) -> None:
    used = {key for path in (*PARTS[name].python, *PARTS[name].templates) for key in texts_of(path)}
    assert not set(catalogues[name]) - used


def test_nothing_is_translated_in_two_ways(catalogues: dict[str, dict[Key, polib.POEntry]]) -> None:
    """Django puts the catalogues together, and one would win everywhere."""
    kiosk, flows = catalogues["kiosk"], catalogues["flows"]
    assert {
        key: (kiosk[key].msgstr, flows[key].msgstr) for key in kiosk.keys() & flows if kiosk[key].msgstr != flows[key].msgstr
    } == {}


@pytest.mark.parametrize("name", PARTS)
def test_placeholders_survive(name: str, catalogues: dict[str, dict[Key, polib.POEntry]]) -> None:
    for entry in catalogues[name].values():
        allowed = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
        for translation in entry.msgstr_plural.values() or [entry.msgstr]:
            assert set(PLACEHOLDER.findall(translation)) == allowed, entry.msgid


@pytest.mark.parametrize("name", PARTS)
def test_the_compiled_catalogue_is_up_to_date(name: str, catalogues: dict[str, dict[Key, polib.POEntry]]) -> None:
    """Users have no gettext tools: django.mo is part of the project, made by manage.py compilemessages."""
    compiled = {(entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in PARTS[name].compiled()}
    assert compiled == {key: (entry.msgstr, entry.msgstr_plural) for key, entry in catalogues[name].items()}
