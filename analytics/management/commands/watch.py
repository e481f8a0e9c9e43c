"""manage.py watch: the cameras."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kiosk.runtime.memory import share_heaps

logger = logging.getLogger(__name__)

ANOTHER_RUNS = 75
"""Exit code (EX_TEMPFAIL) where another watch of this data folder runs already."""


class Command(BaseCommand):
    help = "Watches every enabled device and records recognition events. SIGTERM stops it in order."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="end when standard input does: as a child of serve")

    def handle(self, *, with_parent: bool, **_options: Any) -> None:
        share_heaps()
        from analytics.cameras.camera import WatchRules
        from analytics.cameras.watching import Watch, WatchSettings
        from faces.engines.base import EngineUnavailable
        from faces.errors import FaceError
        from faces.gallery import close_gallery
        from faces.workers import close_face_workers, use_workers
        from kiosk.runtime.audit import acting_client

        environment = settings.KIOSK
        # Held until the process ends, however it ends.
        lock = _lock(environment.data_dir / "watch.lock")
        if lock is None:
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
        try:
            with acting_client("watch"):
                watch.run()
        except (EngineUnavailable, FaceError) as error:
            raise CommandError(f"Faces can't be recognised: {error}") from None
        finally:
            close_face_workers()
            close_gallery()
            lock.close()
        self.stdout.write("Stopped watching")


def _lock(path: Path) -> TextIO | None:
    """The open file that is locked, or None where another process has locked it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _stop_with_parent(stop: Any) -> None:
    """Standard input ends with the server, whatever it died of."""
    # Not through sys.stdin: a thread that waits inside it is an error when Python ends.
    while os.read(0, 4096):
        pass
    stop()
