"""A worker process: takes one task after the other until it is told to stop, and then gives the video it is at back."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

from django_tasks_db.management.commands.db_worker import Worker

from analytics.videos import runner

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_NICENESS = 5


class VideoWorker(Worker):
    """django-tasks' own worker, that stops in the middle of a task instead of at its end."""

    def shutdown(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        self.running = False
        runner.stopping.set()
        if not self.running_task:
            sys.exit(0)


def work(*, watch_stdin: bool) -> None:
    """Works until SIGTERM or SIGINT; with `watch_stdin` also until the process that started this one is gone."""
    # Answers come before analyses where cores are short.
    os.nice(_NICENESS)
    worker = VideoWorker(
        queue_names=["videos"],
        interval=_POLL_SECONDS,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=runner.worker_prefix(os.getpid()) + "0",
        excluded_queue_names=[],
    )
    worker.configure_signals()
    if watch_stdin:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    worker.run()


def _end_with_parent() -> None:
    """The parent holds the other end of our input, and never writes: an end of file says that it is gone."""
    # Not through sys.stdin: a thread that waits inside it is an error when Python ends.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
