"""Fixtures of all tests; what the product is told to be stands in tests/settings.py."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings


@pytest.fixture(scope="session", autouse=True)
def _data_folder() -> Iterator[None]:
    settings.KIOSK.data_dir.mkdir(exist_ok=True)
    (settings.KIOSK.data_dir / "static").mkdir()
    yield
    from faces.workers import close_face_workers

    close_face_workers()
    shutil.rmtree(settings.KIOSK.data_dir, ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_gallery_index() -> Iterator[None]:
    """Each test's rows are rolled back behind the index's back: it has to forget them as well."""
    yield
    from faces import gallery

    if gallery._gallery is not None:
        gallery._gallery._index.clear()
