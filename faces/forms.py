"""How staff edit a person, choose photos, and ask who is on one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from faces.models import Person
from faces.persons import photo_limit_bytes

ACCEPTED = "image/jpeg,image/png,image/bmp,image/webp"


class PhotosInput(forms.FileInput):
    """A file input for several photos, dressed by the template around it."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(attrs={"accept": ACCEPTED, "multiple": True})


class PhotosField(forms.FileField):
    """Several uploaded files; each is judged on its own, after the form."""

    def __init__(self) -> None:
        super().__init__(label=_("Add photos"), required=False, widget=PhotosInput())

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[bytes]]:  # noqa: ARG002 - Django's signature
        return [upload for upload in data or [] if isinstance(upload, UploadedFile)]

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ARG002 - Django's signature
        """Photos are no part of the person's own record: what becomes of each is reported by itself."""
        return False


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who a person is, on what ground their face is kept, and photos to add. Only fields that the user may change are there."""

    photos = PhotosField()

    class Meta:
        model = Person
        fields = ("number", "name", "user_type", "consent_source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "number" in self.fields:
            self.fields["number"].required = False
            self.fields["number"].help_text = _("Left empty, it becomes the entity id.")

    def clean_number(self) -> str:
        return _printable(self.cleaned_data["number"])

    def clean_name(self) -> str:
        return _printable(self.cleaned_data["name"])

    def clean_consent_source(self) -> str:
        source: str = self.cleaned_data["consent_source"]
        if not source and self.instance.has_consent:
            raise ValidationError(_("A consent can't be emptied here: withdraw it, which deletes the photos as well."))
        return source

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        consented = cleaned.get("consent_source", self.instance.consent_source)
        if cleaned.get("photos") and not consented and "consent_source" not in self.errors:
            self.add_error(
                "consent_source",
                _("Photos need a consent: say first how it was given. The photos were not kept; choose them again."),
            )
        return cleaned


class IdentifyForm(forms.Form):
    """One photo to look up."""

    photo = forms.FileField(
        label=_("Photo"),
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
        error_messages={"required": _("Choose a photo first."), "empty": _("This file is empty.")},
    )

    def clean_photo(self) -> UploadedFile[bytes]:
        photo: UploadedFile[bytes] = self.cleaned_data["photo"]
        if (photo.size or 0) > photo_limit_bytes():
            raise ValidationError(
                _("The picture is larger than %(megabytes)d MiB.") % {"megabytes": photo_limit_bytes() // (1024 * 1024)}
            )
        return photo


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValidationError(_("Only printable characters, please."))
    return value
