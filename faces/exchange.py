"""Persons as rows of a spreadsheet, without faces: number, name, user_type and consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource
from import_export.widgets import CharWidget

from faces.disclosure import Disclosure
from faces.models import Person
from faces.persons import change_person, register_person

FORMATS: Final = (CSV, XLSX)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula, which may send the other cells away."""


def neutralise(text: str) -> str:
    """The text as a cell that no spreadsheet computes: an apostrophe in front of what looks like a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def plain(text: str) -> str:
    """The text that `neutralise` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text


def raise_all(unread: Mapping[str, list[ValidationError]] | None, clean: Callable[[set[str]], None]) -> None:
    """Raises, as one ValidationError, why cells couldn't be read and what `clean`, told their names, raises of the others."""
    errors = dict(unread or {})
    try:
        clean(set(errors))
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


class PlainText(CharWidget):  # type: ignore[misc]
    """Text that is never a formula; numbers that a spreadsheet made of digits become digits again; an empty cell is None."""

    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> str | None:  # noqa: ARG002
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = plain(str(value)).strip() if value is not None else ""
        if not text.isprintable():
            raise ValueError(_("Only printable characters, please."))
        if "*" in text:
            raise ValueError(_("This value is masked; a list with masked values can't be imported."))
        return text or None

    def render(self, value: Any, obj: Any = None, **_kwargs: Any) -> str:  # noqa: ARG002
        return neutralise(str(value))


class PersonResource(ModelResource):  # type: ignore[misc]
    """Rows are known by their number: one that is there is changed, another is added. An empty cell changes nothing.

    An export shows names and numbers as `disclosure` does, unmasked where none is given.
    """

    number = Field(attribute="number", column_name="number", widget=PlainText(), saves_null_values=False)
    name = Field(attribute="name", column_name="name", widget=PlainText(), saves_null_values=False)
    user_type = Field(attribute="user_type", column_name="user_type", widget=PlainText(), saves_null_values=False)
    consent = Field(attribute="consent_source", column_name="consent", widget=PlainText(), saves_null_values=False)

    class Meta:
        model = Person
        fields = ("number", "name", "user_type", "consent")
        import_id_fields = ("number",)
        skip_unchanged = True
        use_transactions = True

    def __init__(self, disclosure: Disclosure | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.disclosure = Disclosure(unmasked=True) if disclosure is None else disclosure

    def dehydrate_number(self, person: Person) -> str:
        return neutralise(self.disclosure.number(person))

    def dehydrate_name(self, person: Person) -> str:
        return neutralise(self.disclosure.name(person))

    def validate_instance(
        self,
        instance: Person,
        import_validation_errors: dict[str, list[ValidationError]] | None = None,
        validate_unique: bool = True,  # noqa: ARG002 - a row whose number is known is that person
    ) -> None:
        """Each field by the model's own rules; what a consent and its time have to do with each other is the services' matter."""
        raise_all(import_validation_errors, lambda unread: instance.clean_fields(exclude=unread))

    def do_instance_save(self, instance: Person, is_create: bool) -> None:
        if is_create:
            register_person(instance)
        else:
            # A consent is never emptied by a row.
            change_person(instance, ["name", "user_type", *(["consent_source"] if instance.consent_source else [])])
