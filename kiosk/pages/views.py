"""The kiosk's pages: the visit, the pass it talks to the server with, and the registration of a kiosk by staff."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_http_methods, require_safe
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from faces import prediction
from faces.messages import GALLERY_EMPTY, NO_MATCH
from flows.dialogue.errors import FlowError
from flows.enrolment import withdraw
from flows.messages import FlowType, failed
from flows.serializers import FailureSchema, echo, read_hash, read_user_id
from kiosk.api.passes import SECONDS
from kiosk.api.scopes import Scope
from kiosk.api.views import ProtocolView, Refusal
from kiosk.environment import BASE_DIR
from kiosk.pages import devices, questions
from kiosk.pages.policy import kiosk_policy
from kiosk.pages.serializers import WithdrawRequestSchema, WithdrawResponseSchema
from kiosk.pages.words import catalogues, first_language, words

_MOST_NAME: Final = 50
"""Characters of a kiosk's name: those of a token's."""
_MODULES: Final = sorted(path.name for path in (BASE_DIR / "static" / "kiosk" / "visit").glob("*.mjs") if path.name != "main.mjs")
"""What main.mjs imports, directly or not: fetched at once instead of one level after the other."""
_STAGES: Final = ("who", "need", "guide", "ask", "check", "done")


@require_safe
@gzip_page  # it holds no secret that its length could tell
@kiosk_policy
def visit(request: HttpRequest) -> HttpResponse:
    """One visit, from the welcome to the goodbye: a single page, so that nothing of it is in an address or a history."""
    language = first_language()
    context = {"language": language, "words": words(language), "stages": _STAGES, "modules": _MODULES, "boot": _boot()}
    return render(request, "kiosk/visit.html", context)


def _boot() -> dict[str, Any]:
    return {
        "language": first_language(),
        "words": catalogues(),
        "services": questions.services(),
        "questions": questions.question_book(),
        "choices": questions.choices(),
        "forks": questions.forks(),
        "hints": {
            prediction.NO_FACE: "noFace",
            prediction.ONCE_MORE: "holdStill",
            prediction.RIVALS: "rivals",
            NO_MATCH: "unknown",
            GALLERY_EMPTY: "unknown",
        },
        "idleSeconds": settings.KIOSK.idle_seconds,
        "urls": {"pass": reverse("pages:pass"), "withdraw": reverse("pages:withdraw")},
    }


@require_GET
@kiosk_policy
def visit_pass(request: HttpRequest) -> HttpResponse:
    """A pass for this kiosk's page (kiosk.pages.devices); null for a browser that staff have not registered.

    It changes nothing, and no other site's page can read it: the cookie is not sent along for them.
    """
    try:
        return JsonResponse({"pass": devices.pass_for(request), "seconds": SECONDS})
    except devices.NotRegistered:
        return JsonResponse({"pass": None, "seconds": 0})


@require_http_methods(["GET", "POST"])
@login_required
@permission_required("kiosk.add_apitoken", raise_exception=True)
@kiosk_policy
def device(request: HttpRequest) -> HttpResponse:
    """Where a member of staff makes the browser in front of them a kiosk, which ends their own session in it."""
    name = request.POST.get("name", "").strip()
    if request.method == "POST" and name and len(name) <= _MOST_NAME and name.isprintable():
        response = redirect("pages:visit")
        devices.register(response, name, secure=devices.asks_for_secure_cookies(request))
        logout(request)
        return response
    language, token = first_language(), devices.registered(request)
    already = "" if token is None else words(language)["device"]["already"].format(name=token.name)
    context = {"words": words(language), "language": language, "already": already, "wrong": request.method == "POST"}
    return render(request, "kiosk/device.html", context)


class WithdrawView(ProtocolView):
    """POST withdraw: the citizen of a visit takes their consent to face recognition back."""

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.FLOWS

    def refused(self, refusal: Refusal) -> Response:
        return Response({"type": "error", "detail": refusal.message}, status=refusal.http_status)

    @extend_schema(
        operation_id="withdraw",
        summary="撤回人脸识别同意（办理中的本人），删除登记的人脸",
        request=WithdrawRequestSchema,
        responses={200: PolymorphicProxySerializer("WithdrawAnswer", [WithdrawResponseSchema, FailureSchema], None)},
    )
    def post(self, request: Request) -> Response:
        """Erases the face of user_id, whose visit `hash` is; answers like a flow POST."""
        body = self.json_object(request)
        try:
            user_id, token = read_user_id(body), read_hash(body)
            withdraw(user_id, token)
        except FlowError as error:
            user_id, token = echo(body)
            return Response(failed(user_id, FlowType.ERROR, token, error.detail))
        return Response({"user_id": user_id, "type": "withdraw", "hash": token})
