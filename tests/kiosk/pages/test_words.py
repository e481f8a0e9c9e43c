"""The words of the kiosk's pages: both languages whole, every key there, buttons whose answers are understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.catalogue import SHIPPED_CATALOGUE, CatalogueFile
from flows.dialogue import wording
from flows.slots import read_answer
from flows.types import Slot
from kiosk.pages.questions import CHOICES, COMMON_SERVICES, forks, question_book
from kiosk.pages.words import LANGUAGES, words

ROOT = Path(__file__).resolve().parents[3]
OPEN = {"asks", "sentences", "choices", "services"}
"""What Chinese has no need of: the server speaks it."""
SCRIPTS = sorted((ROOT / "static" / "kiosk" / "visit").glob("*.mjs"))
TEMPLATES = [ROOT / "templates" / "kiosk" / "device.html", ROOT / "templates" / "kiosk" / "visit.html"]
TEMPLATES += sorted((ROOT / "templates" / "kiosk" / "steps").glob("*.html"))
IN_TEMPLATE = re.compile(r'{% t "([\w.]+)" %}|{% t_attribute "[\w-]+" "([\w.]+)" %}')
IN_SCRIPT = re.compile(r'"((?:[a-z]+)\.[a-zA-Z0-9]+)"')


def keys(catalogue: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in catalogue.items():
        if prefix or key not in OPEN:
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def text_of(language: str, key: str) -> str:
    value: Any = words(language)
    for part in key.split("."):
        value = value[part]
    return str(value)


CHINESE = sorted(keys(words("zh-hans")))


def test_both_languages_have_every_text():
    assert sorted(keys(words("en"))) == CHINESE


@pytest.mark.parametrize("key", CHINESE)
def test_a_text_says_the_same(key):
    chinese, english = text_of("zh-hans", key), text_of("en", key)
    assert placeholders(chinese) == placeholders(english)
    assert bool(chinese) == bool(english)
    assert (
        chinese == "" or key in {"bar.languageLabel", "bar.language"} or not re.search(r"[一-鿿]", english.replace("身份证", ""))
    )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_uses_texts_that_are_there(template):
    used = {first or second for first, second in IN_TEMPLATE.findall(template.read_text(encoding="utf-8"))}
    assert used
    assert used <= set(CHINESE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_uses_texts_that_are_there(script):
    groups = {key.split(".")[0] for key in CHINESE if "." in key}
    used = {key for key in IN_SCRIPT.findall(script.read_text(encoding="utf-8")) if key.split(".")[0] in groups}
    assert used <= set(CHINESE)


def test_every_text_is_used():
    everything = "".join(path.read_text(encoding="utf-8") for path in (*SCRIPTS, *TEMPLATES))
    built = ("stages.", "slots.", "relations.", "camera.")  # their keys are put together
    assert [key for key in CHINESE if not key.startswith(built) and key not in everything] == ["device.already"]


def test_every_question_has_its_english():
    asked = {entry["key"] for entry in question_book() if not entry["relation"] or entry["slot"] in {"name", "id_card"}}
    assert asked | {fork["key"] for fork in forks()} == set(words("en")["asks"])


def test_every_slot_has_its_name():
    assert [slot for language in LANGUAGES for slot in Slot.values if slot not in words(language)["slots"]] == []


def test_every_button_has_its_english():
    answers = {answer for values in CHOICES.values() for answer in values} | {one for fork in forks() for one in fork["answers"]}
    assert answers <= set(words("en")["choices"])


@pytest.mark.parametrize(("slot", "answer"), [(slot, answer) for slot, values in CHOICES.items() for answer in values])
def test_the_answer_of_a_button_is_understood(slot, answer):
    assert slot in read_answer(answer, asked=slot, today=date(2026, 1, 1)).values


def test_every_shipped_service_has_its_english():
    shipped = {item.code for item in CatalogueFile.model_validate_json(SHIPPED_CATALOGUE.read_text(encoding="utf-8")).items}
    assert shipped == set(words("en")["services"])
    assert set(COMMON_SERVICES) <= shipped


def test_the_sentences_are_the_kiosks():
    said = {value for value in vars(wording).values() if isinstance(value, str)} | set(wording._THANKS)
    said |= {sentence + "。" for text in said for sentence in text.split("。")}
    unknown = set(words("en")["sentences"]) - said
    assert unknown <= {"不好意思，这件事在这里办不了。", "请您再说具体一点，您要办什么业务？"}
