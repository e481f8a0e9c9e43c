"""What the log leaves out."""

from __future__ import annotations

import logging


class WithoutTraceback(logging.Filter):
    """Leaves a record its one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes."""
        record.exc_info = record.exc_text = None
        return True
