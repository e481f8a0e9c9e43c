"""Every text of the pages and the admin has its Chinese, and the compiled catalogue is the one that was edited."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "kiosk" / "locale" / "zh_Hans" / "LC_MESSAGES"
PYTHON = sorted(path for app in ("kiosk", "faces") for path in (ROOT / app).rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CALLS_WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
TEMPLATE_CALL = re.compile(r"""\b(?:_|n?p?gettext)\((?:\s*u?'(?:[^'\\]|\\.)*'\s*,?|\s*u?"(?:[^"\\]|\\.)*"\s*,?)+""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[\w:]*\}")

Key = tuple[str | None, str]


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


@pytest.fixture(scope="module")
def catalogue() -> dict[Key, polib.POEntry]:
    return {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(LOCALE / "django.po"))}


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


@pytest.mark.parametrize("path", [*PYTHON, *TEMPLATES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_is_translated(path: Path, catalogue: dict[Key, polib.POEntry]) -> None:
    """Where one is missing: manage.py makemessages, fill it in, manage.py compilemessages (see the head of django.po)."""
    source = path.read_text(encoding="utf-8")
    texts = texts_of_python(source) if path.suffix == ".py" else texts_of_template(source)
    missing = [key for key in texts if key not in catalogue or not catalogue[key].translated()]
    assert not missing


def test_no_text_is_left_over(catalogue: dict[Key, polib.POEntry]) -> None:
    used = {key for path in PYTHON for key in texts_of_python(path.read_text(encoding="utf-8"))}
    used |= {key for path in TEMPLATES for key in texts_of_template(path.read_text(encoding="utf-8"))}
    assert not set(catalogue) - used


def test_placeholders_survive(catalogue: dict[Key, polib.POEntry]) -> None:
    for entry in catalogue.values():
        allowed = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
        for translation in entry.msgstr_plural.values() or [entry.msgstr]:
            assert set(PLACEHOLDER.findall(translation)) == allowed, entry.msgid


def test_the_compiled_catalogue_is_up_to_date(catalogue: dict[Key, polib.POEntry]) -> None:
    """Users have no gettext tools: django.mo is part of the project, made by manage.py compilemessages."""
    compiled = {
        (entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in polib.mofile(str(LOCALE / "django.mo"))
    }
    assert compiled == {key: (entry.msgstr, entry.msgstr_plural) for key, entry in catalogue.items()}
