"""Signed-in members of staff for tests of the admin."""

from __future__ import annotations

from html.parser import HTMLParser

from django.contrib.auth.models import Permission, User
from django.test import Client


def staff_client(*permissions: str, username: str = "staff") -> Client:
    """A client signed in as a member of staff with these permissions alone, e.g. "faces.view_person"."""
    user = User.objects.create_user(username, password="secret-enough", is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return _signed_in(user)


def admin_client(username: str = "admin") -> Client:
    """A client signed in as a superuser."""
    return _signed_in(User.objects.create_superuser(username, password="secret-enough"))


def _signed_in(user: User) -> Client:
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client


def shown_text(html: str) -> str:
    """What a reader sees of a page: its text without markup, scripts and styles, with single spaces."""
    reader = _Reader()
    reader.feed(html)
    return " ".join(" ".join(reader.pieces).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"script", "style", "template"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style", "template"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)
