"""manage.py bootstrap: everything between an empty data folder and a server that can be used."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from kiosk.roles import apply_roles


class Command(BaseCommand):
    help = "Migrates the database, loads the service catalogue, makes roles and a first admin user; does nothing the second time."

    def handle(self, **_options: Any) -> None:
        settings.KIOSK.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        if _unmigrated():
            # Not through self.stdout, which would end each of its half lines.
            call_command("migrate", interactive=False, verbosity=1)
        if "load_catalogue" in get_commands():
            call_command("load_catalogue", stdout=self.stdout)
        changed = apply_roles()
        if changed:
            self.stdout.write(f"Roles made or brought up to date: {', '.join(changed)}")
        if settings.KIOSK.production:
            call_command("collectstatic", interactive=False, verbosity=0)
        self._first_admin()

    def _first_admin(self) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username="admin", password=password)
        self.stdout.write(f"First admin user: admin, password: {password} (shown only now; change it in admin)")


def _unmigrated() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
