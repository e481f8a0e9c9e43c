"""The status page: what the machine and the installation are like now, beside what each app says of itself."""

from __future__ import annotations

import logging
import platform
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kiosk.environment import BASE_DIR
from kiosk.health import loop_lag, readiness
from kiosk.listeners import opening
from kiosk.models import ApiToken
from kiosk.runtime.packs import PackStore, State
from kiosk.runtime.status import Health, Line, Section, readers

logger = logging.getLogger(__name__)

VIEW: Final = "kiosk.view_systemstatus"
_SLOW_LOOP_MS: Final = 100.0
_LITTLE_DISK: Final = 0.1
"""Share of a disk that should stay free."""
_PACKAGES: Final = (
    *("django", "daphne", "channels", "django-unfold", "onnxruntime", "opencv-python-headless", "numpy", "dlib-bin"),
    *("insightface", "faiss-cpu", "faster-whisper", "rapidocr", "av"),
)


def status_view(request: HttpRequest) -> TemplateResponse:
    """The page, for technicians."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    found = sections()
    problems = [line for section in found for line in section.lines if line.health in {Health.BAD, Health.ATTENTION}]
    context = {**admin.site.each_context(request), "title": _("Status"), "sections": found, "problems": problems}
    return TemplateResponse(request, "admin/status.html", context)


def sections() -> list[Section]:
    """Everything there is to say, in the language of the request; a part that can't be read says so instead."""
    found = [_server(), _listeners()]
    for name, read in readers().items():
        try:
            found += read()
        except DatabaseError as error:
            logger.exception("The status of %s can't be read", name)
            line = Line(_("status"), _("can't be read"), type(error).__name__, Health.BAD)
            found.append(Section(str(apps.get_app_config(name).verbose_name), [line]))
    return [*found, _packs(), _storage(), _safety(), _migrations(), _versions()]


def _server() -> Section:
    lines = [
        Line(name, _("ready") if not problem else _("not ready"), problem, Health.BAD if problem else Health.GOOD)
        for name, problem in readiness().items()
    ]
    lag = loop_lag.worst_ms
    held_up = Health.ATTENTION if lag > _SLOW_LOOP_MS else Health.GOOD
    lines.append(Line(_("event loop held up at worst"), f"{lag:g} ms", _("in the last minute"), held_up))
    return Section(_("Server"), lines, "dns")


def _listeners() -> Section:
    # Only here: it makes the whole ASGI application, which nothing else of the admin needs.
    from kiosk.asgi import listeners

    state = opening()
    lines = []
    for listener in listeners():
        where = f"{listener.host}:{listener.port}"
        if not listener.enabled:
            lines.append(Line(listener.name, _("switched off"), f"{listener.setting}=0"))
        elif listener.name in state.urls:
            lines.append(Line(listener.name, _("open"), state.urls[listener.name], Health.GOOD))
        elif listener.name in state.reasons:
            note = f"{where}: {state.reasons[listener.name]} ({listener.setting})"
            lines.append(Line(listener.name, _("could not be opened"), note, Health.BAD))
        else:
            lines.append(Line(listener.name, _("not opened by this process"), where))
    return Section(_("Listeners"), lines, "lan")


def _packs() -> Section:
    environment = settings.KIOSK
    store = PackStore(environment.model_dir, face_root=environment.insightface_root)
    entries = list(store.entries())
    words = {
        State.BUILT_IN: (_("built in"), Health.GOOD),
        State.INSTALLED: (_("installed"), Health.GOOD),
        State.UNRECORDED: (_("there, without a record"), Health.ATTENTION),
    }
    lines = [
        Line(entry.name, words[entry.state][0], f"{entry.summary}; {entry.licence.name}", words[entry.state][1])
        for entry in entries
        if entry.state in words
    ]
    absent = [entry.name for entry in entries if entry.state not in words]
    if absent:
        lines.append(Line(_("not installed"), str(len(absent)), f"{', '.join(absent)} (manage.py models list)"))
    return Section(_("Model packs"), lines, "deployed_code")


def _storage() -> Section:
    environment = settings.KIOSK
    disk = shutil.disk_usage(environment.data_dir)
    little = disk.free < disk.total * _LITTLE_DISK
    free = _("%(free)s of %(total)s") % {"free": _gigabytes(disk.free), "total": _gigabytes(disk.total)}
    media = (
        _("data folder") if environment.media_storage == "filesystem" else f"{environment.media_storage}: {environment.s3_bucket}"
    )
    redis = environment.redis_url.get_secret_value()
    lines = [
        Line(_("free on the disk of the data folder"), free, str(environment.data_dir), Health.BAD if little else Health.GOOD),
        Line(_("database"), connection.vendor, _database_size()),
        Line(_("photos and recordings"), media, "KIOSK_MEDIA_STORAGE"),
        Line(_("cache and channel layer"), "Redis" if redis else _("memory of this process"), "REDIS_URL"),
    ]
    return Section(_("Storage"), lines, "hard_drive")


def _database_size() -> str:
    if connection.vendor == "sqlite":
        paths = [settings.DATABASES["default"]["NAME"], f"{settings.DATABASES['default']['NAME']}-wal"]
        return _gigabytes(sum(_file_size(path) for path in paths))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return _gigabytes(int(cursor.fetchone()[0]))


def _file_size(path: object) -> int:
    try:
        return Path(str(path)).stat().st_size
    except FileNotFoundError:
        return 0


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004 - units


def _safety() -> Section:
    environment = settings.KIOSK
    keys = [key for key in environment.encryption_keys.get_secret_value().split(",") if key.strip()]
    where = "KIOSK_ENCRYPTION_KEYS" if keys else _("made by itself, in the data folder")
    tokens = ApiToken.objects.get_usable_keys().count()
    mode = Line(_("mode"), environment.mode.value, "KIOSK_MODE", Health.GOOD if environment.production else Health.ATTENTION)
    several = _("several keys: after manage.py rotate_keys the old ones can go") if len(keys) > 1 else where
    outside = environment.external_personal_data
    sent_out = _("allowed") if outside else _("not allowed")
    lines = [
        mode,
        Line(
            _("keys of the encrypted columns"),
            str(max(1, len(keys))),
            several,
            Health.ATTENTION if len(keys) > 1 else Health.GOOD,
        ),
        Line(_("usable API tokens"), str(tokens), "", Health.NEUTRAL if tokens else Health.ATTENTION),
        Line(
            _("personal data to services outside"),
            sent_out,
            "KIOSK_EXTERNAL_PERSONAL_DATA",
            Health.ATTENTION if outside else Health.GOOD,
        ),
    ]
    return Section(_("Safety"), lines, "shield_lock")


def _migrations() -> Section:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    mend = "manage.py migrate" if missing else ""
    first = Line(_("waiting to be applied"), str(missing), mend, Health.BAD if missing else Health.GOOD)
    return Section(_("Migrations"), [first, *_latest_migrations()], "database")


def _latest_migrations() -> Iterator[Line]:
    own = ("kiosk", "faces", "flows", "analytics")
    applied = MigrationRecorder(connection).migration_qs.filter(app__in=own).order_by("app", "name")
    latest = {migration.app: migration for migration in applied}
    for app, migration in latest.items():
        yield Line(app, migration.name, date_format(localtime(migration.applied), "SHORT_DATETIME_FORMAT"))


def _versions() -> Section:
    lines = [Line("Kiosk", _own_version()), Line("Python", platform.python_version(), platform.platform())]
    for package in _PACKAGES:
        try:
            lines.append(Line(package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            lines.append(Line(package, _("not installed"), "", Health.ATTENTION))
    return Section(_("Versions"), lines, "info")


@cache
def _own_version() -> str:
    text = (BASE_DIR / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])
