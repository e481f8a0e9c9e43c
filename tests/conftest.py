"""Fixtures of all tests; what the product is told to be stands in tests/settings.py."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="leave out what asks for no database, for another one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        # Servers of the tests' own have SQLite in any case (tests/live_server.py).
        others = [item for item in items if item.get_closest_marker("django_db") is None and not _asks_for_database(item)]
        config.hook.pytest_deselected(items=others)
        left_out = set(others)
        items[:] = [item for item in items if item not in left_out]


def _asks_for_database(item: pytest.Item) -> bool:
    return not {"db", "transactional_db"}.isdisjoint(getattr(item, "fixturenames", ()))


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
