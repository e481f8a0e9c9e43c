"""The threads on which blocking work runs, of requests and of websockets alike, so that the event loop never waits."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

_SPARE = 16


@functools.cache
def work_threads() -> ThreadPoolExecutor:
    """The pool of this process. Each thread may keep a database connection.

    A thread waits while an engine works: there are more of them than the queues of all engines (faces, listening, speaking) take,
    so that whoever finds a queue full still gets one to be told so, and quick work goes on beside them.
    """
    environment = settings.KIOSK
    faces = environment.engine_queue + environment.worker_count
    speech = environment.speech_queue + environment.speech_workers
    return ThreadPoolExecutor(max_workers=faces + 2 * speech + _SPARE, thread_name_prefix="work")
