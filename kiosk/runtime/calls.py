"""How a call travels to a worker process: large arguments beside the pickle, into and out of which they would be copied."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

_LARGE_BYTES = 64 * 1024


class _Beside:
    """In the place of an argument that travels beside the pickle."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function that the other process can import, with arguments that can be pickled."""

    head: bytes
    """The pickled sizes of `beside`, function and arguments."""
    beside: tuple[bytes, ...]

    @classmethod
    def of(cls, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        beside = tuple(arg for arg in args if _is_large(arg))
        placed = tuple(_Beside() if _is_large(arg) else arg for arg in args)
        sizes = [len(data) for data in beside]
        return cls(pickle.dumps((sizes, function, placed, kwargs), protocol=pickle.HIGHEST_PROTOCOL), beside)

    def send(self, pipe: Connection) -> None:
        """Waits for room in the pipe. Raises OSError where nobody reads it any more."""
        pipe.send_bytes(self.head)
        for data in self.beside:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(pipe.fileno(), rest) :]


def received(head: bytes, pipe: Connection) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """Function and arguments of the call whose head was just read from the pipe. Raises EOFError and OSError."""
    sizes, function, placed, kwargs = pickle.loads(head)  # noqa: S301 - from our own server
    beside = (_read(pipe.fileno(), size) for size in sizes)
    return function, [next(beside) if isinstance(arg, _Beside) else arg for arg in placed], kwargs


def _is_large(argument: object) -> bool:
    return type(argument) is bytes and len(argument) >= _LARGE_BYTES


def _read(descriptor: int, size: int) -> bytes:
    pieces = [os.read(descriptor, size)]
    while missing := size - sum(map(len, pieces)):
        if not pieces[-1]:
            raise EOFError
        pieces.append(os.read(descriptor, missing))
    return b"".join(pieces)
