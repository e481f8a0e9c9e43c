"""Service items as rows of a spreadsheet, out and in; lists stand in one cell, a line each."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import BooleanWidget, IntegerWidget, Widget

from faces.exchange import PlainText, neutralise, plain, raise_all
from flows.models import ServiceItem

_LISTS: Final = ("aliases", "examples", "materials", "required_slots", "family_questions")
_TEXTS: Final = ("name", "department", "fee", "time_limit", "legal_basis")


class Lines(Widget):  # type: ignore[misc]
    """A list of texts, one a line. An empty cell changes nothing; a dash alone empties the list."""

    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> list[str] | None:  # noqa: ARG002
        lines = [plain(line).strip() for line in str(value or "").splitlines()]
        kept = [line for line in lines if line]
        return [] if kept == ["-"] else kept or None

    def render(self, value: list[str] | None, obj: Any = None, **_kwargs: Any) -> str:  # noqa: ARG002
        return "\n".join(neutralise(line) for line in value or [])


class Paragraphs(PlainText):
    """Text that may have line breaks."""

    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> str | None:  # noqa: ARG002
        return plain(str(value)).strip() or None if value is not None else None


class ServiceItemResource(ModelResource):  # type: ignore[misc]
    """Rows are known by their code: one that is there is changed, another is added. An empty cell changes nothing."""

    code = Field(attribute="code", column_name="code", widget=PlainText(), saves_null_values=False)
    guidance = Field(attribute="guidance", column_name="guidance", widget=Paragraphs(), saves_null_values=False)
    enabled = Field(attribute="enabled", column_name="enabled", widget=BooleanWidget(), saves_null_values=False)
    order = Field(attribute="order", column_name="order", widget=IntegerWidget(), saves_null_values=False)

    class Meta:
        model = ServiceItem
        fields = ("code", *ServiceItem.CONTENT_FIELDS, "enabled", "order")
        import_id_fields = ("code",)
        skip_unchanged = True
        use_transactions = True
        skip_diff = False

    export_order: ClassVar = Meta.fields

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields |= {name: _field(name, PlainText()) for name in _TEXTS}
        self.fields |= {name: _field(name, Lines()) for name in _LISTS}

    def get_export_order(self, selected_fields: list[str] | None = None) -> list[str]:
        return [name for name in ServiceItemResource.Meta.fields if selected_fields is None or name in selected_fields]

    def validate_instance(
        self,
        instance: ServiceItem,
        import_validation_errors: dict[str, list[ValidationError]] | None = None,
        validate_unique: bool = True,
    ) -> None:
        """By the model's own rules, of which two rows with one name are a part."""
        raise_all(
            import_validation_errors,
            lambda unread: instance.full_clean(exclude=unread, validate_unique=validate_unique, validate_constraints=True),
        )


def _field(name: str, widget: Widget) -> Field:
    return Field(attribute=name, column_name=name, widget=widget, saves_null_values=False)
