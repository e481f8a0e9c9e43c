"""Export of citizens in admin: who may, in which formats, and noted in the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from import_export.admin import ExportMixin
from unfold.contrib.import_export.forms import ExportForm

from flows.disclosure import Disclosure, sees_citizen_data
from flows.exchange import FORMATS, CitizenResource
from flows.models import Citizen
from flows.selectors import note_citizens_exported


class ExportAdmin(ExportMixin):  # type: ignore[misc]
    """The button and page of the export. There is no import: citizens come from visits."""

    resource_classes: ClassVar = [CitizenResource]
    formats = FORMATS
    export_form_class = ExportForm
    to_encoding = "utf-8-sig"
    """With a byte order mark: without one, Excel takes a CSV's Chinese for something else."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Without the permission to see personal data, the export is masked."""
        return request.user.has_perms(("flows.view_citizen", "flows.export_citizen"))

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "disclosure": Disclosure.to(request.user)}

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Citizen], **kwargs: Any) -> Any:
        """Noted before the file is made: an export that fails half-way has been read all the same."""
        ids = list(queryset.values_list("pk", flat=True))
        note_citizens_exported(ids, file_format=file_format.get_extension(), unmasked=sees_citizen_data(request.user))
        whole = Citizen.objects.filter(pk__in=queryset.order_by().values("pk")).prefetch_related("relatives")
        return super().get_export_data(file_format, request, whole, **kwargs)
