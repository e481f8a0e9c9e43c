"""manage.py video_worker: analyses the videos that wait, on this machine beside others."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Analyses waiting videos until SIGTERM. `manage.py serve` starts KIOSK_VIDEO_WORKERS of them itself; this is for further "
        "machines, which share the database and the media storage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="videos at the same time (default: 1)")
        parser.add_argument("--child", action="store_true", help="one process, ended with the one that started it")

    def handle(self, *, processes: int, child: bool, **_options: Any) -> None:
        if child:
            from analytics.videos.worker import work

            work(watch_stdin=True)
            return
        if processes < 1:
            raise CommandError("--processes must be at least 1")
        from analytics.videos.supervisor import Supervisor

        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        supervisor = Supervisor(processes)
        supervisor.start()
        self.stdout.write(f"Video workers: {processes}")
        stop.wait()
        supervisor.stop()
