"""Forgetting a person's face where other apps keep it: what cameras and videos saw of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_forgetting: list[Callable[[Sequence[int]], None]] = []


def on_erasure(forget: Callable[[Sequence[int]], None]) -> None:
    """Has `forget` called with the keys of persons who are deleted, or withdraw their consent, in that transaction.

    It deletes what shows their faces or tells who they are; files on commit. To be called from an app's ready(); the same
    function again is no second call.
    """
    if forget not in _forgetting:
        _forgetting.append(forget)


def forget_everywhere(person_ids: Sequence[int]) -> None:
    """Has every app forget these persons; to be called inside the transaction that deletes their samples."""
    for forget in _forgetting:
        forget(person_ids)
