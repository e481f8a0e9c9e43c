"""Import and export of citizens and services in admin: who may, in which formats, and noted in the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.contrib.import_export.forms import ImportForm

from faces.admin.exchange import ExchangeAdmin
from flows.disclosure import Disclosure, sees_citizen_data
from flows.exchange import CitizenResource
from flows.models import Citizen
from flows.selectors import note_citizens_exported
from flows.service_exchange import ServiceItemResource


class CitizenImportForm(ImportForm):  # type: ignore[misc]
    """Says what a list has to look like."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = _(
            "CSV (UTF-8) or XLSX with the columns of an export. A known number changes that citizen, an unknown one adds one; "
            "an empty cell changes nothing. All rows or none."
        )


class ServiceImportForm(ImportForm):  # type: ignore[misc]
    """Says what a list has to look like."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = _(
            "CSV (UTF-8) or XLSX with the columns of an export. A known code changes that item, an unknown one adds one; an "
            "empty cell changes nothing. Lists have one entry a line; a dash alone empties a list. All rows or none."
        )


class CitizenExchange(ExchangeAdmin):
    """Citizens, masked on their way out for whoever sees them masked."""

    resource_classes: ClassVar = [CitizenResource]
    import_form_class = CitizenImportForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Without the permission to see personal data, the export is masked."""
        return request.user.has_perms(("flows.view_citizen", "flows.export_citizen"))

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever imports can change any record, and learns which numbers exist."""
        return request.user.has_perms(("flows.view_citizen", "flows.import_citizen")) and sees_citizen_data(request.user)

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "disclosure": Disclosure.to(request.user)}

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Citizen], **kwargs: Any) -> Any:
        """Noted before the file is made: an export that fails half-way has been read all the same."""
        ids = list(queryset.values_list("pk", flat=True))
        note_citizens_exported(ids, file_format=file_format.get_extension(), unmasked=sees_citizen_data(request.user))
        whole = Citizen.objects.filter(pk__in=queryset.order_by().values("pk")).prefetch_related("relatives")
        return super().get_export_data(file_format, request, whole, **kwargs)


class ServiceExchange(ExchangeAdmin):
    """Service items."""

    resource_classes: ClassVar = [ServiceItemResource]
    import_form_class = ServiceImportForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(("flows.view_serviceitem", "flows.export_serviceitem"))

    def has_import_permission(self, request: HttpRequest) -> bool:
        wanted = ("flows.import_serviceitem", "flows.add_serviceitem", "flows.change_serviceitem")
        return request.user.has_perms(wanted)
