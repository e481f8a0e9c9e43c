"""manage.py token: API tokens from the command line, for a first start without admin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kiosk.api.scopes import Scope
from kiosk.models import ApiToken


class Command(BaseCommand):
    help = "Makes, lists and revokes the tokens of API clients."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token and print it once")
        create.add_argument("name", help="who will use it")
        create.add_argument("--scope", action="append", choices=Scope.values, help="repeatable; all scopes where none is given")
        actions.add_parser("list", help="print prefix, name, scopes and state of every token")
        revoke = actions.add_parser("revoke", help="end a token for good")
        revoke.add_argument("prefix")

    def handle(self, *, action: str, **options: Any) -> None:
        getattr(self, f"_{action}")(**options)

    def _create(self, *, name: str, scope: list[str] | None, **_options: Any) -> None:
        _token, key = ApiToken.objects.create_key(name=name, scopes=sorted(set(scope or Scope.values)))
        self.stdout.write(key)

    def _list(self, **_options: Any) -> None:
        for token in ApiToken.objects.all():
            state = "revoked" if token.revoked else "expired" if token.has_expired else "usable"
            self.stdout.write(f"{token.prefix}  {state:8}  {token.name}  {' '.join(token.scopes)}")

    def _revoke(self, *, prefix: str, **_options: Any) -> None:
        token = ApiToken.objects.filter(prefix=prefix).first()
        if token is None:
            raise CommandError(f"No token has the prefix {prefix}")
        token.revoked = True
        token.save(update_fields=["revoked"])
