"""Settings whose names nobody knows: what a command says of them when it starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.live_server import ROOT


@pytest.fixture(scope="module")
def complaints(tmp_path_factory) -> list[list[str]]:
    """The words of each warning of a command whose environment and .env hold what the table below names."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "env").write_text("KIOSK_LOG_LEVLE=DEBUG\nKIOSK_TIME_ZONE=Asia/Shanghai\nDATABSE_URL=x\n", encoding="utf-8")
    given = {name: value for name, value in os.environ.items() if not name.startswith("KIOSK_")} | {
        "DJANGO_SETTINGS_MODULE": "kiosk.settings",
        "KIOSK_ENV_FILE": str(folder / "env"),
        "KIOSK_DATA_DIR": str(folder / "data"),
        "KIOSK_FACE_TRESHOLD": "0.5",
        "KIOSK_DATABSE_URL": "",
        "KIOSK_ZZZ": "1",
        "kiosk_idle_seconds": "90",
        "KIOSK_INSIGHTFACE_ROOT": str(folder),
        "KIOSK_INSIGHTFACE_ROOT_DIR": str(folder),
    }
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=given, check=True, capture_output=True, text=True)
    return [warning.split() for warning in done.stderr.split("(kiosk.W001)")[1:]]


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        pytest.param("KIOSK_FACE_TRESHOLD", "KIOSK_FACE_THRESHOLD", id="misspelt"),
        pytest.param("KIOSK_LOG_LEVLE", "KIOSK_LOG_LEVEL", id="in-the-file"),
        pytest.param("KIOSK_DATABSE_URL", "DATABASE_URL", id="empty-and-without-the-prefix"),
        pytest.param("KIOSK_ZZZ", "docs/settings.md", id="like-none"),
    ],
)
def test_an_unknown_setting_is_named_with_the_one_it_is_most_like(complaints, name, likely):
    assert [likely in words for words in complaints if words[0] == name] == [True]


def test_known_settings_and_others_peoples_variables_are_not_named(complaints):
    assert len(complaints) == 4
