"""What the browser lets a kiosk page do: its own scripts, styles and sockets, camera and microphone, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

View = Callable[[HttpRequest], HttpResponse]

_CONTENT: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "media-src": "'self' blob:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_FEATURES: Final = (
    "camera=(self), microphone=(self), autoplay=(self), geolocation=(), payment=(), usb=(), serial=(), midi=(),"
    " display-capture=(), clipboard-read=()"
)


def kiosk_policy(view: View) -> View:
    """Gives the view's answers a strict Content-Security-Policy, and keeps them out of every cache and referrer."""

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        response = view(request)
        # Not every browser reads 'self' as the sockets of the same host.
        sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
        content = _CONTENT | {"connect-src": f"'self' {sockets}"}
        response["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in content.items())
        response["Permissions-Policy"] = _FEATURES
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "same-origin"
        return response

    return guarded
