"""Filters of the lists of persons and samples."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from faces.admin.display import FAIR, GOOD
from faces.admin.reasons import reasons
from faces.bulk import outdated_samples
from faces.engines.base import EngineUnavailable
from faces.errors import FaceError
from faces.models import FaceSample


class YesNoFilter(admin.SimpleListFilter):
    """Rows that meet a condition, or that don't."""

    def condition(self) -> Q:
        raise NotImplementedError

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes":
                return queryset.filter(self.condition())
            case "no":
                return queryset.exclude(self.condition())
            case _:
                return queryset


class ConsentFilter(YesNoFilter):
    """Whether a consent is recorded."""

    title = _("consent recorded")
    parameter_name = "consent"

    def condition(self) -> Q:
        return Q(consented_at__isnull=False)


class HasSamplesFilter(YesNoFilter):
    """Whether a person can be recognised at all."""

    title = _("photos enrolled")
    parameter_name = "samples"

    def condition(self) -> Q:
        return Q(pk__in=FaceSample.objects.values("person"))


class OutdatedEngineFilter(admin.SimpleListFilter):
    """Samples that another engine made than the one that runs, or persons who have such: they are not recognised by them."""

    title = _("embedding")
    parameter_name = "outdated"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Made by another engine (needs manage.py reembed)"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "yes":
            return queryset
        try:
            outdated = outdated_samples()
        except (FaceError, EngineUnavailable) as error:
            messages.error(request, "; ".join(reasons(error)))
            return queryset.none()
        if queryset.model is FaceSample:
            return queryset.filter(pk__in=outdated.values("pk"))
        return queryset.filter(pk__in=outdated.values("person"))


class QualityFilter(admin.SimpleListFilter):
    """Samples by how good they are."""

    title = _("quality")
    parameter_name = "quality"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        low, high = f"{FAIR:.0%}", f"{GOOD:.0%}"
        return [
            ("poor", _("Below %(low)s") % {"low": low}),
            ("fair", _("%(low)s to %(high)s") % {"low": low, "high": high}),
            ("good", _("%(high)s and more") % {"high": high}),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "poor":
                return queryset.filter(quality__lt=FAIR)
            case "fair":
                return queryset.filter(quality__gte=FAIR, quality__lt=GOOD)
            case "good":
                return queryset.filter(quality__gte=GOOD)
            case _:
                return queryset
