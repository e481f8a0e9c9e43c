"""manage.py watch: the cameras."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from kiosk.runtime.memory import share_heaps

logger = logging.getLogger(__name__)

ANOTHER_RUNS = 75
"""Exit code (EX_TEMPFAIL) where another watch of this installation runs already."""


class Command(BaseCommand):
    help = "Watches every enabled device and records recognition events. SIGTERM stops it in order."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="end when standard input does: as a child of serve")

    def handle(self, *, with_parent: bool, **_options: Any) -> None:
        share_heaps()
        from analytics.cameras.camera import WatchRules
        from analytics.cameras.sole import SoleWatch
        from analytics.cameras.watching import Watch, WatchSettings
        from faces.engines.base import EngineUnavailable
        from faces.errors import FaceError
        from faces.gallery import close_gallery
        from faces.workers import close_face_workers, use_workers
        from kiosk.runtime.audit import acting_client

        environment = settings.KIOSK
        sole = SoleWatch(environment.data_dir)
        try:
            acquired = sole.acquire()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {type(error).__name__}") from None
        if not acquired:
            raise CommandError("Another manage.py watch of this installation runs already", returncode=ANOTHER_RUNS)
        workers = environment.watch_workers or max(1, (os.cpu_count() or 1) // 2)
        use_workers(workers)
        watch = Watch(
            WatchSettings(
                WatchRules(
                    fps=environment.watch_fps,
                    max_side=environment.watch_frame_side,
                    min_face=environment.watch_face_min_size,
                    threshold=environment.face_threshold,
                ),
                snapshot_seconds=environment.watch_snapshot_seconds,
                stranger_seconds=60 * environment.watch_stranger_minutes,
                lookers=workers,
            )
        )

        def stop(_number: int, _frame: FrameType | None) -> None:
            watch.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if with_parent:
            threading.Thread(target=_stop_with_parent, args=(watch.stop,), name="parent", daemon=True).start()
        sole.keep(watch.stop)
        try:
            with acting_client("watch"):
                watch.run()
        except (EngineUnavailable, FaceError) as error:
            raise CommandError(f"Faces can't be recognised: {error}") from None
        finally:
            close_face_workers()
            close_gallery()
            sole.release()
        self.stdout.write("Stopped watching")


def _stop_with_parent(stop: Any) -> None:
    """Standard input ends with the server, whatever it died of."""
    # Not through sys.stdin: a thread that waits inside it is an error when Python ends.
    while os.read(0, 4096):
        pass
    stop()
