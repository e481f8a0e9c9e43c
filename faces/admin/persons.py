"""Admin of persons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.forms.widgets import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from faces.admin.display import MEDIA, modules, person_cell, quality_bar
from faces.admin.exchange import PersonExchange
from faces.admin.filters import ConsentFilter, HasSamplesFilter, OutdatedEngineFilter
from faces.admin.identify import identify_view
from faces.admin.reasons import reasons
from faces.disclosure import Disclosure, sees_personal_data
from faces.enrolment import delete_persons, withdraw_consent
from faces.forms import PersonForm
from faces.models import Person, UserType
from faces.persons import add_samples, change_person, register_person
from faces.selectors import note_listed, note_opened, persons_named_exactly, persons_with_best_sample, samples_to_show
from kiosk.runtime.admin import TwoAtOnce, row_opened, rows_shown

_TYPE_COLOURS: Final = {
    UserType.EMPLOYEE: "info",
    UserType.VISITOR: "primary",
    UserType.BLACKLIST: "danger",
    UserType.STRANGER: "warning",
    UserType.VIP: "success",
}
_MASKED: Final = {"number": "masked_number", "name": "masked_name"}
"""What stands in a field's place for users who may not see it."""


@admin.register(Person)
class PersonAdmin(TwoAtOnce, PersonExchange, ModelAdmin):  # type: ignore[misc]
    """Persons with their photos; names and numbers are masked for whoever may not see them."""

    form = PersonForm
    list_filter: ClassVar = ["user_type", ConsentFilter, HasSamplesFilter, OutdatedEngineFilter]
    search_fields: ClassVar = ["name", "number", "entity_id"]
    search_help_text = _("Name, number or entity id; only whole ones where names are masked")
    ordering: ClassVar = ["-pk"]
    list_per_page = 50
    show_full_result_count = False
    readonly_fields: ClassVar = ["entity_id", "consented_at", "created_at", "updated_at", "masked_number", "masked_name"]
    change_form_after_template = "admin/faces/person/photos.html"
    import_export_change_list_template = "admin/faces/person/change_list.html"
    actions: ClassVar = ["withdraw_selected"]
    actions_detail: ClassVar = ["withdraw"]
    warn_unsaved_form = True

    @property
    def media(self) -> Media:
        media: Media = super().media + MEDIA + modules("dropzone")
        return media

    def get_urls(self) -> list[URLPattern]:
        identify = self.admin_site.admin_view(lambda request: identify_view(request, self))
        return [path("identify/", identify, name="faces_person_identify"), *super().get_urls()]

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Person]:
        return persons_with_best_sample().order_by(*self.ordering)

    # The list

    def get_list_display(self, request: HttpRequest) -> list[str]:
        who = ["person", "number"] if sees_personal_data(request.user) else ["masked_person", "masked_number"]
        return [*who, "type_label", "samples_label", "best_quality_bar", "consent_label", "created_at"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Person], search_term: str) -> Any:
        if not search_term or sees_personal_data(request.user):
            return super().get_search_results(request, queryset, search_term)
        return persons_named_exactly(queryset, search_term.strip()), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Masked, a list must not be narrowed down by a name or number in its address either."""
        if lookup.partition("__")[0] in _MASKED and not sees_personal_data(request.user):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if sees_personal_data(request.user) and (persons := rows_shown(response)):
            note_listed(persons)
        return response

    @admin.display(description=_("person"), ordering="name")
    def person(self, person: Person) -> str:
        return person_cell(person, Disclosure(unmasked=True))

    @admin.display(description=_("person"))
    def masked_person(self, person: Person) -> str:
        return person_cell(person, Disclosure(unmasked=False))

    @admin.display(description=pgettext_lazy("person", "name"))
    def masked_name(self, person: Person) -> str:
        return Disclosure(unmasked=False).name(person)

    @admin.display(description=_("number"))
    def masked_number(self, person: Person) -> str:
        return Disclosure(unmasked=False).number(person)

    @display(description=_("type"), ordering="user_type", label=_TYPE_COLOURS)  # type: ignore[untyped-decorator]
    def type_label(self, person: Person) -> tuple[str, str]:
        return person.user_type, person.get_user_type_display()

    @admin.display(description=_("photos"), ordering="sample_count")
    def samples_label(self, person: Any) -> int:
        count: int = person.sample_count
        return count

    @admin.display(description=_("best quality"), ordering="best_quality")
    def best_quality_bar(self, person: Any) -> str:
        return quality_bar(person.best_quality)

    @display(description=_("consent"), ordering="consented_at", label={"given": "success", "missing": "danger"})  # type: ignore[untyped-decorator]
    def consent_label(self, person: Person) -> tuple[str, str]:
        return ("given", person.get_consent_source_display()) if person.has_consent else ("missing", gettext("none"))

    # One person

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> Any:
        who = ["number", "name"]
        if obj is None:
            return [(None, {"fields": [*who, "user_type", "consent_source"]})]
        if not sees_personal_data(request.user):
            who = [_MASKED[field] for field in who]
        return [
            (None, {"fields": [tuple(who), ("user_type", "entity_id")]}),
            (_("Consent to face recognition"), {"fields": [("consent_source", "consented_at")]}),
            (_("Record"), {"fields": [("created_at", "updated_at")]}),
        ]

    def get_form(self, request: HttpRequest, obj: Person | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if not self.has_upload_permission(request, obj):
            form.base_fields.pop("photos", None)
        return form

    def has_upload_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """Whether this user may add photos to a person, who is a new one where none is given."""
        allowed = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return bool(allowed and request.user.has_perm("faces.add_facesample"))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        saved: list[Person] = []
        request.saved_persons = saved  # type: ignore[attr-defined]
        context = {"max_samples": settings.KIOSK.face_samples, **(extra_context or {})}
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        shown = row_opened(response)
        if shown is not None:
            response.context_data["samples"] = [(sample, quality_bar(sample.quality)) for sample in samples_to_show(shown)]  # type: ignore[attr-defined]
            if sees_personal_data(request.user):
                note_opened(shown)
        photos = request.FILES.getlist("photos")
        if not saved or not photos or not request.user.has_perm("faces.add_facesample"):
            return response
        # Only now, after the transaction that saved the person: an engine takes its time, and SQLite has one writer.
        self._add_photos(request, saved[0], photos)
        return HttpResponseRedirect(reverse("admin:faces_person_change", args=[saved[0].pk]))

    def save_model(self, request: HttpRequest, obj: Person, form: PersonForm, change: bool) -> None:
        if change:
            change_person(obj, form.changed_data)
        else:
            register_person(obj)
        request.saved_persons.append(obj)  # type: ignore[attr-defined]

    def _add_photos(self, request: HttpRequest, person: Person, photos: list[UploadedFile[bytes]]) -> None:
        added = 0
        for photo in add_samples(person, photos):
            if photo.problem is None:
                added += 1
            else:
                messages.warning(request, f"{photo.filename}: {'；'.join(reasons(photo.problem))}")
        if added:
            text = ngettext("%(count)d photo was added.", "%(count)d photos were added.", added)
            messages.success(request, text % {"count": added})

    # Taking out

    def delete_model(self, _request: HttpRequest, obj: Person) -> None:
        delete_persons([obj])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[Person]) -> None:
        delete_persons(queryset)

    def has_withdraw_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Withdrawing a consent changes the person and deletes their photos."""
        return request.user.has_perms(("faces.change_person", "faces.delete_facesample"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """There is nothing to withdraw where no consent was given."""
        person = self.get_object(request, unquote(str(object_id))) if object_id else None
        return super().get_actions_detail(request, object_id) if person is not None and person.has_consent else []

    @action(description=_("Withdraw consent"), url_path="withdraw-consent", permissions=["withdraw"], icon="person_off")  # type: ignore[untyped-decorator]
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.get_object(request, unquote(object_id))
        if person is None:
            raise Http404
        page = reverse("admin:faces_person_change", args=[person.pk])
        if request.method == "POST":
            self._withdraw(request, [person])
            return HttpResponseRedirect(page)
        return self._withdrawal_page(request, [person], back=page)

    @admin.action(description=_("Withdraw the consent of the selected persons"), permissions=["withdraw"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Person]) -> HttpResponse | None:
        persons = list(queryset)
        if request.POST.get("confirmed"):
            self._withdraw(request, persons)
            return None
        return self._withdrawal_page(request, persons, back=request.get_full_path(), action_name="withdraw_selected")

    def _withdraw(self, request: HttpRequest, persons: Iterable[Person]) -> None:
        count = 0
        for person in persons:
            withdraw_consent(person)
            count += 1
        text = ngettext(
            "The consent of %(count)d person was withdrawn; their photos and embeddings are deleted.",
            "The consent of %(count)d persons was withdrawn; their photos and embeddings are deleted.",
            count,
        )
        messages.success(request, text % {"count": count})

    def _withdrawal_page(self, request: HttpRequest, persons: list[Any], *, back: str, action_name: str = "") -> TemplateResponse:
        disclosure = Disclosure.to(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Withdraw consent"),
            "model_admin": self,
            "media": MEDIA,
            "rows": [(person, disclosure.name(person), disclosure.number(person)) for person in persons],
            "photos": sum(person.sample_count for person in persons),
            "back": back,
            "action_name": action_name,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/faces/person/withdraw_consent.html", context)
