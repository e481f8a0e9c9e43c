"""The kiosk's pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def home(request: HttpRequest) -> HttpResponse:
    """Where a newcomer lands: what runs here, and the ways in."""
    return render(request, "kiosk/home.html")
