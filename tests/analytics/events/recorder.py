"""A stand-in for `manage.py watch`: a process that records events as it is told, one JSON object a line.

    {"event_id": "…", "device": "its uuid", "number": "of a person", "stranger": "…", "timestamp": ms, "score": 82.05,
     "face_bytes": how large the face is to be, "attributes": {}, "user_type": "…"}

is answered with a line {"event_id": "…", "pk": …, "committed": seconds since 1970, "took": seconds}. All keys may be missing.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
DEVICE = "04f98265-1fad-47e5-9dda-66e191272055"
"""Of the events of which nothing else is said; the first one of the document's sample client."""
FACE = b"\xff\xd8\xff\xe0face"


class Recorder:
    """The process, seen from a test. `environment` is the server's."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = Popen([sys.executable, __file__], cwd=ROOT, env=environment, stdin=PIPE, stdout=PIPE, text=True)
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def record(self, **event: Any) -> dict[str, Any]:
        """Records one event. Raises ConnectionError where the process is gone."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        return self._line()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(timeout=30)

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            raise ConnectionError("the recorder is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")
    import django

    django.setup()
    print("{}", flush=True)  # noqa: T201
    for line in sys.stdin:
        print(json.dumps(_record(json.loads(line))), flush=True)  # noqa: T201


def _record(told: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    from analytics.events.recording import NewEvent, record
    from analytics.models import MediaDevice
    from faces.models import Person

    identity = uuid.UUID(told.get("device", DEVICE))
    device, _is_new = MediaDevice.objects.get_or_create(
        device_id=identity, defaults={"name": f"门口 {identity}", "ip": "192.168.1.101", "address": ""}
    )
    number, face = told.get("number"), told.get("face_bytes", len(FACE))
    began = time.monotonic()
    event = record(
        NewEvent(
            device,
            datetime.fromtimestamp(told.get("timestamp", time.time_ns() // 1_000_000) / 1000, UTC),
            told.get("score", 82.05),
            event_id=told.get("event_id", ""),
            person=Person.objects.get(number=number) if number else None,
            stranger_id="" if number else told.get("stranger", "stranger-1"),
            face_jpeg=FACE.ljust(face, b"\0") if face else None,
            attributes=told.get("attributes", {}),
            user_type=told.get("user_type", ""),
        )
    )
    return {"event_id": event.event_id, "pk": event.pk, "committed": time.time(), "took": time.monotonic() - began}


if __name__ == "__main__":
    main()
