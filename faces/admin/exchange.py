"""Import and export of persons in admin: who may, in which formats, and noted in the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from import_export.admin import ImportExportMixin
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from faces.disclosure import Disclosure, sees_personal_data
from faces.exchange import FORMATS, PersonResource
from faces.models import ConsentSource, Person, UserType
from faces.selectors import note_exported


class PersonImportForm(ImportForm):  # type: ignore[misc]
    """Says what a list has to look like."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        text = _(
            "CSV (UTF-8) or XLSX with these columns. A known number changes that person, an unknown one adds one; an empty cell "
            "changes nothing. user_type is one of %(types)s; consent is one of %(consents)s or empty."
        )
        self.fields["import_file"].help_text = text % {
            "types": ", ".join(UserType.values),
            "consents": ", ".join(ConsentSource.values),
        }


class ExchangeAdmin(ImportExportMixin):  # type: ignore[misc]
    """The buttons and pages of import and export."""

    formats = FORMATS
    export_form_class = ExportForm
    to_encoding = "utf-8-sig"
    """With a byte order mark: without one, Excel takes a CSV's Chinese for something else."""
    skip_import_confirm = True
    """All rows or none, at once: to show a preview, the list would have to be left on the server in between."""
    skip_admin_log = True
    """The audit log has an entry for each row."""


class PersonExchange(ExchangeAdmin):
    """Persons, masked on their way out for whoever sees them masked."""

    resource_classes: ClassVar = [PersonResource]
    import_form_class = PersonImportForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Without the permission to see personal data, the export is masked."""
        return request.user.has_perm("faces.view_person") and request.user.has_perm("faces.export_person")

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever imports can change any name and read off which numbers exist."""
        wanted = ("faces.import_person", "faces.add_person", "faces.change_person")
        return request.user.has_perms(wanted) and sees_personal_data(request.user)

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "disclosure": Disclosure.to(request.user)}

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Person], **kwargs: Any) -> Any:
        """Noted before the file is made: an export that fails half-way has been read all the same."""
        note_exported(
            list(queryset.values_list("entity_id", flat=True)),
            file_format=file_format.get_extension(),
            unmasked=sees_personal_data(request.user),
        )
        return super().get_export_data(file_format, request, queryset, **kwargs)
