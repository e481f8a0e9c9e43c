"""The page that answers: who is this? A photo comes in, is compared with the gallery, and is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from faces.admin.display import MEDIA, modules
from faces.admin.reasons import reasons
from faces.disclosure import Disclosure
from faces.engines.base import EngineUnavailable
from faces.errors import FaceError, FaceErrorCode
from faces.forms import IdentifyForm
from faces.models import Person
from faces.recognition import Match, Recognition, Verdict, identify_all
from faces.selectors import note_identified, persons_with_best_sample

_FACES: Final = 10
"""Most faces of one photo that are looked up, the largest."""
_CANDIDATES: Final = 5


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """One candidate as the page shows it."""

    person: Any
    """With best_sample_id."""
    name: str
    number: str
    similarity: float
    above_threshold: bool

    @property
    def percent(self) -> str:
        return f"{self.similarity:.1%}"


@dataclass(frozen=True, slots=True)
class ShownFace:
    """One face of the photo as the page shows it."""

    number: int
    recognition: Recognition
    matches: list[ShownMatch]

    @property
    def verdict(self) -> str:
        """matched, no_match, too_small or gallery_empty: for the template."""
        return self.recognition.verdict.name.lower()


def identify_view(request: HttpRequest, model_admin: Any) -> TemplateResponse:
    """GET: the page. POST: the page, or for its script only the results, with what is known about each face of `photo`."""
    if not (request.user.has_perm("faces.identify_person") and request.user.has_perm("faces.view_person")):
        raise PermissionDenied
    posted = request.method == "POST"
    form = IdentifyForm(request.POST, request.FILES) if posted else IdentifyForm()
    results = _results(request, form) if posted else {}
    partial = request.headers.get("X-Requested-With") == "fetch"
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Who is this?"),
        "model_admin": model_admin,
        "media": MEDIA + modules("identify"),
        "form": form,
        "threshold_percent": f"{settings.KIOSK.face_threshold:.0%}",
        "max_faces": _FACES,
        "page_url": reverse("admin:faces_person_identify"),
        **results,
    }
    template = "admin/faces/person/identify_results.html" if partial else "admin/faces/person/identify.html"
    return TemplateResponse(request, template, context, status=503 if results.get("busy") else 200)


def _results(request: HttpRequest, form: IdentifyForm) -> dict[str, Any]:
    if not form.is_valid():
        return {"problems": [message for messages in form.errors.values() for message in messages]}
    try:
        found = identify_all(
            form.cleaned_data["photo"].read(), threshold=settings.KIOSK.face_threshold, faces=_FACES, candidates=_CANDIDATES
        )
    except (FaceError, EngineUnavailable) as error:
        busy = isinstance(error, FaceError) and error.code is FaceErrorCode.BUSY
        return {"problems": reasons(error), "busy": busy}
    note_identified((match.person for recognition in found for match in recognition.matches), faces=len(found))
    if not found:
        return {"problems": [gettext("No face was found on this photo.")], "answered": True}
    if any(recognition.verdict is Verdict.GALLERY_EMPTY for recognition in found):
        return {"problems": [gettext("Nobody is enrolled yet.")], "faces": _shown(request, found), "answered": True}
    return {"faces": _shown(request, found), "answered": True}


def _shown(request: HttpRequest, found: list[Recognition]) -> list[ShownFace]:
    disclosure = Disclosure.to(request.user)
    ids = {match.person.pk for recognition in found for match in recognition.matches}
    persons = persons_with_best_sample().in_bulk(ids)

    def show(match: Match, threshold: float) -> ShownMatch:
        person: Person = persons[match.person.pk]
        return ShownMatch(
            person, disclosure.name(person), disclosure.number(person), match.similarity, match.similarity >= threshold
        )

    return [
        ShownFace(number, face, [show(match, face.threshold) for match in face.matches if match.person.pk in persons])
        for number, face in enumerate(found, start=1)
    ]
