"""The page on which staff read what was said in a visit, compare it with the record, and decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from flows.admin.display import (
    MEDIA,
    REVIEW_COLOURS,
    REVIEW_MEDIA,
    STATE_COLOURS,
    citizen_link,
    readable_words,
    record_groups,
    transcript,
)
from flows.changes import changes_of
from flows.corrections import Corrections, WrongCorrections
from flows.disclosure import Disclosure
from flows.forms import CorrectionForm, DecisionForm, seen_time
from flows.models import DialogueSession
from flows.review import (
    NOTE_LENGTH,
    Refusal,
    ReviewRefused,
    approve,
    correct,
    is_waiting,
    may_review,
    next_waiting,
    reopen,
    send_back,
)
from flows.selectors import extracted, is_readable, note_citizen_opened, note_visit_opened, visit_to_review
from flows.types import FamilyMember, ReviewState, SessionState
from kiosk.runtime.encryption import Undecryptable

REFUSALS: Final[dict[Refusal, str | Promise]] = {
    Refusal.NOT_STORED: _("This visit is not stored yet: there is nothing to review."),
    Refusal.REVIEWED: _("This visit has been reviewed meanwhile; open it again to change the decision."),
    Refusal.NOT_REVIEWED: _("This visit waits for its review already."),
    Refusal.CHANGED: _("The record was changed while you looked at it; please check it again."),
    Refusal.NO_CITIZEN: _("This visit belongs to no stored citizen."),
    Refusal.NO_REASON: _("Please say why the visit is sent back."),
    Refusal.NOTE_TOO_LONG: _("The note is too long (at most %(characters)d characters)."),
    Refusal.NOTHING_CORRECTED: _("Nothing was corrected; approve the visit if the data is right."),
}
_MENDABLE: Final = frozenset({Refusal.NO_REASON, Refusal.NOTE_TOO_LONG, Refusal.NOTHING_CORRECTED})
"""After these the form comes back as it was sent; after the others the page is not what it was."""
_UNREADABLE: Final = _("Some of this data can't be decrypted: KIOSK_ENCRYPTION_KEYS lacks the key it was written with.")


def review_view(request: HttpRequest, model_admin: Any, visit_id: int) -> HttpResponse:
    """GET: the page. POST: a decision, then the visit that waits next; a refused one comes back with the reason."""
    visit = visit_to_review(visit_id)
    if visit is None:
        raise Http404
    deciding = may_review(cast("User", request.user))
    decision = DecisionForm(request.POST if request.method == "POST" else None, initial=_seen(visit))
    form = _correction_form(visit, request.POST if request.method == "POST" else None) if deciding else None
    if request.method == "POST":
        answer = _decide(request, visit, decision, form)
        if answer is not None:
            return answer
    return _page(request, model_admin, visit, decision, form)


def _correction_form(visit: DialogueSession, data: Any) -> CorrectionForm | None:
    """None where there is nothing to correct, or where a value can't be read: it would come back as a correction to nothing."""
    if not is_waiting(visit) or visit.citizen is None or not is_readable(visit.citizen):
        return None
    relations = [FamilyMember(name) for name in visit.service.family_questions] if visit.service is not None else []
    return CorrectionForm(visit.citizen, relations, data)


def _seen(visit: DialogueSession) -> dict[str, str]:
    return {"seen": visit.citizen.updated_at.isoformat()} if visit.citizen is not None else {}


def _decide(
    request: HttpRequest, visit: DialogueSession, decision: DecisionForm, form: CorrectionForm | None
) -> HttpResponse | None:
    """Takes the decision that the request asks for; None where the form comes back to be mended, with the reason."""
    user = cast("User", request.user)
    if not decision.is_valid():
        messages.error(request, _refusal(Refusal.NOTE_TOO_LONG))
        return None
    note, seen = decision.cleaned_data["note"], seen_time(decision.cleaned_data["seen"])
    try:
        match request.POST.get("decision"):
            case "approve" if form is not None and form.has_changed():
                messages.error(request, gettext("You changed values: save them as corrections, or undo them to approve."))
                return None
            case "approve":
                approve(visit, user, seen=seen)
                done = gettext("Visit #%(visit)d is approved.")
            case "send_back":
                send_back(visit, user, note, seen=seen)
                done = gettext("Visit #%(visit)d is sent back.")
            case "correct":
                return _correct(request, visit, note, seen, form)
            case "reopen":
                reopen(visit, user)
                messages.success(request, gettext("Visit #%(visit)d waits for its review again.") % {"visit": visit.pk})
                return HttpResponseRedirect(request.path)
            case _:
                messages.error(request, gettext("No such decision."))
                return None
    except ReviewRefused as error:
        messages.error(request, _refusal(error.refusal))
        return None if error.refusal in _MENDABLE else HttpResponseRedirect(request.path)
    messages.success(request, done % {"visit": visit.pk})
    return _onwards(visit, user)


def _correct(
    request: HttpRequest, visit: DialogueSession, note: str, seen: datetime | None, form: CorrectionForm | None
) -> HttpResponse | None:
    """Raises ReviewRefused."""
    if form is not None and not form.is_valid():
        messages.error(request, gettext("Please mend what is marked; nothing was saved."))
        return None
    try:
        # Without a form nothing can be corrected, and flows.review says why.
        corrections = form.corrections() if form is not None else Corrections()
        changed = correct(visit, cast("User", request.user), corrections, note, seen=seen)
    except WrongCorrections as error:
        assert form is not None, "there were corrections"
        form.refuse(error.problems)
        messages.error(request, gettext("Please mend what is marked; nothing was saved."))
        return None
    except Undecryptable:
        messages.error(request, str(_UNREADABLE))
        return None
    text = ngettext(
        "Visit #%(visit)d: %(count)d value was corrected.", "Visit #%(visit)d: %(count)d values were corrected.", len(changed)
    )
    messages.success(request, text % {"visit": visit.pk, "count": len(changed)})
    return _onwards(visit, cast("User", request.user))


def _onwards(visit: DialogueSession, user: User) -> HttpResponse:
    """To the visit that this user reviews next, or back to the list."""
    following = next_waiting(user, visit)
    if following is None:
        return HttpResponseRedirect(reverse("admin:flows_dialoguesession_changelist"))
    return HttpResponseRedirect(reverse("admin:flows_dialoguesession_change", args=[following]))


def _refusal(refusal: Refusal) -> str:
    text = str(REFUSALS[refusal])
    return text % {"characters": NOTE_LENGTH} if refusal is Refusal.NOTE_TOO_LONG else text


def _page(
    request: HttpRequest, model_admin: Any, visit: DialogueSession, decision: DecisionForm, form: CorrectionForm | None
) -> TemplateResponse:
    disclosure = Disclosure.to(request.user)
    if disclosure.unmasked:
        note_visit_opened(visit)
        if visit.citizen is not None:
            note_citizen_opened(visit.citizen)
    deciding = may_review(cast("User", request.user))
    found = extracted(visit)
    readable = is_readable(visit, *([visit.citizen] if visit.citizen is not None else []))
    following = next_waiting(cast("User", request.user), visit)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Visit #%(visit)d") % {"visit": visit.pk},
        "opts": model_admin.opts,
        "model_admin": model_admin,
        "media": model_admin.media + MEDIA + REVIEW_MEDIA,
        "original": f"#{visit.pk}",
        "visit": visit,
        "number": disclosure.number(visit.user_id),
        "citizen": citizen_link(visit.citizen, disclosure, visit.user_id) if visit.citizen is not None else "",
        "state_colour": STATE_COLOURS[SessionState(visit.state)],
        "review_colour": REVIEW_COLOURS[ReviewState(visit.review_state)],
        "lines": transcript(visit, found, disclosure),
        "groups": record_groups(visit.citizen, found, disclosure, form),
        "changes": changes_of(visit),
        "unmasked": disclosure.unmasked,
        "unreadable": "" if readable else _UNREADABLE,
        "note": readable_words(disclosure, lambda: visit.review_note),
        "decision": decision,
        "form": form,
        "may_decide": deciding and is_waiting(visit) and visit.citizen is not None,
        "may_reopen": deciding and visit.review_state not in {ReviewState.NONE, ReviewState.PENDING},
        "may_delete": model_admin.has_delete_permission(request, visit),
        "next_url": reverse("admin:flows_dialoguesession_change", args=[following]) if following is not None else "",
    }
    return TemplateResponse(request, "admin/flows/dialoguesession/review.html", context)
