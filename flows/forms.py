"""How staff edit a service item, lists as lines of text and check boxes, and how they correct a citizen's record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from flows.corrections import Corrections
from flows.models import Citizen, Relative, ServiceItem
from flows.review import NOTE_LENGTH
from flows.types import RELATIVE_SLOTS, BasicSlot, FamilyMember, Gender, Slot


class LinesField(forms.Field):
    """A list of strings, shown and edited one per line; blank lines and blanks around a line are dropped."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not self.disabled and self.to_python(data) != (initial or [])


class ServiceItemForm(forms.ModelForm):  # type: ignore[type-arg]
    """Labels, help texts and rules are the model's."""

    aliases = LinesField(required=False)
    examples = LinesField(required=False)
    materials = LinesField(required=False)
    required_slots = forms.MultipleChoiceField(
        required=False, choices=BasicSlot.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    family_questions = forms.MultipleChoiceField(
        required=False, choices=FamilyMember.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = ServiceItem
        fields = ("code", *ServiceItem.CONTENT_FIELDS, "enabled", "order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("aliases", "examples", "materials", "required_slots", "family_questions"):
            if name in self.fields:  # a reader without the right to change gets a form without fields
                model_field = getattr(ServiceItem, name).field
                self.fields[name].label = str(model_field.verbose_name).capitalize()
                self.fields[name].help_text = model_field.help_text


class ServiceRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """What of a service item is changed in the list; the check box says of which item it is."""

    class Meta:
        model = ServiceItem
        fields = ("enabled",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["enabled"].widget.attrs["aria-label"] = _("%(service)s: enabled") % {"service": self.instance.name}


_LONGEST: Final = 200
_NOT_GIVEN: Final = ("", _("(not given)"))


class CorrectionForm(forms.Form):
    """A citizen's record, filled in as it is; what is different when it comes back is a correction.

    Only types and lengths are checked here, what makes sense is checked by flows.review. Raises Undecryptable.
    """

    def __init__(self, citizen: Citizen, relations: Collection[FamilyMember], data: Any = None) -> None:
        rows: dict[str, Citizen | Relative | None] = {"": citizen}
        relatives = {relative.relation: relative for relative in citizen.relatives.all()}
        self.relations = [relation for relation in FamilyMember if relation in relations or relation.value in relatives]
        rows |= {relation.value: relatives.get(relation.value) for relation in self.relations}
        super().__init__(data, initial=_initial(rows))
        self.fields |= {name: _field(slot) for name, slot in self._names()}

    def _names(self) -> Iterator[tuple[str, Slot]]:
        yield from ((slot.value, slot) for slot in Slot)
        yield from ((f"{relation.value}.{slot.value}", slot) for relation in self.relations for slot in RELATIVE_SLOTS)

    @property
    def changed_data(self) -> list[str]:
        """A field that did not come back at all is not a value that was taken out."""
        return [name for name in super().changed_data if name in self.data]

    def corrections(self) -> Corrections:
        """What was changed in this form, after it was found valid."""
        changed = set(self.changed_data)
        citizen = {slot: self.cleaned_data[slot.value] for slot in Slot if slot.value in changed}
        relatives: dict[FamilyMember, dict[Slot, Any]] = {}
        for relation in self.relations:
            for slot in RELATIVE_SLOTS:
                name = f"{relation.value}.{slot.value}"
                if name in changed:
                    relatives.setdefault(relation, {})[slot] = self.cleaned_data[name]
        return Corrections(citizen, relatives)

    def refuse(self, problems: Mapping[str, str]) -> None:
        """Says beside each field what flows.review has against it."""
        for name, reason in problems.items():
            self.add_error(name if name in self.fields else None, reason)


class DecisionForm(forms.Form):
    """A note or reason, and which state of the record was looked at."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        required=False, max_length=NOTE_LENGTH, label=_("Note"), widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )


def seen_time(text: str) -> datetime | None:
    """When the record that the form showed was saved; None where the form does not say so."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _initial(rows: Mapping[str, Citizen | Relative | None]) -> dict[str, Any]:
    initial = {}
    for relation, row in rows.items():
        for slot in RELATIVE_SLOTS if relation else Slot:
            value = getattr(row, slot.value) if row is not None else None
            value = str(value) if isinstance(value, bool) else value
            initial[f"{relation}.{slot.value}" if relation else slot.value] = value
    return initial


def _field(slot: Slot) -> forms.Field:
    match slot:
        case Slot.GENDER:
            return forms.ChoiceField(required=False, choices=[_NOT_GIVEN, *Gender.choices], widget=UnfoldAdminSelectWidget)
        case Slot.MARITAL_STATUS:
            words = [
                ("True", pgettext_lazy("marital status", "married")),
                ("False", pgettext_lazy("marital status", "not married")),
            ]
            return forms.TypedChoiceField(
                required=False,
                choices=[_NOT_GIVEN, *words],
                coerce=lambda text: text == "True",
                empty_value=None,
                widget=UnfoldAdminSelectWidget,
            )
        case Slot.BIRTH:
            return forms.DateField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
        case _:
            return forms.CharField(required=False, max_length=_LONGEST, widget=UnfoldAdminTextInputWidget)
