"""How the engines use onnxruntime: its options, and its exceptions by their real names."""

from __future__ import annotations

from typing import Any


def session_options(threads: int) -> Any:
    """onnxruntime.SessionOptions for `threads` threads that sleep while they wait: workers share the cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; the rest speaks of memory patterns and fused nodes
    return options


def onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises. Its exceptions have no class of their own in common, so that they can't be caught by one name."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    return tuple(value for value in vars(native).values() if isinstance(value, type) and issubclass(value, Exception))
