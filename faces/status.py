"""The faces app on the status page: which engine runs and why, its queue, and the index."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from faces import gallery as galleries
from faces.engines.base import EngineUnavailable
from faces.index.base import IndexUnavailable
from faces.models import FaceSample
from faces.service import problem
from faces.workers import face_workers
from kiosk.runtime.status import Health, Line, Section, pool_line, register_status


def register() -> None:
    """Puts this app on the status page."""
    register_status("faces", face_status)


def face_status() -> list[Section]:
    """Starts no engine: before the first face, or outside of a server, its queue and index are said to be idle."""
    try:
        workers = face_workers()
    except EngineUnavailable as error:
        return [Section(_("Face recognition"), [Line(_("engine"), _("none"), str(error), Health.BAD)], "face")]
    reason = problem()
    lines = [
        Line(_("engine"), workers.spec.name, workers.reason, Health.GOOD),
        Line(_("ready"), _("No") if reason else _("Yes"), reason, Health.ATTENTION if reason else Health.GOOD),
        pool_line(_("photos waiting or in work"), workers.status()),
        _index(),
    ]
    return [Section(_("Face recognition"), lines, "face")]


def _index() -> Line:
    rows = FaceSample.objects.count()
    label = _("vector index (%(kind)s)") % {"kind": settings.KIOSK.face_index}
    gallery = galleries.opened()
    if gallery is None:
        return Line(label, _("not opened yet"), _("%(rows)d samples in the database") % {"rows": rows})
    try:
        found = len(gallery)
    except IndexUnavailable as error:
        return Line(label, _("not available"), str(error), Health.BAD)
    other = rows - found
    note = _("%(count)d samples of the database are not in it: manage.py reembed") % {"count": other} if other > 0 else ""
    return Line(label, str(found), note, Health.ATTENTION if other > 0 else Health.GOOD)
