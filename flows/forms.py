"""How staff edit a service item: lists as lines of text and as check boxes, never as raw JSON."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from flows.models import ServiceItem
from flows.types import BasicSlot, FamilyMember


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
