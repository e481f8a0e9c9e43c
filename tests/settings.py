"""The product's settings as the tests run them: a data folder of their own, the fake engine, nothing of the machine's .env."""

import os
import tempfile

os.environ |= {
    "KIOSK_ENV_FILE": os.devnull,
    "KIOSK_MODE": "development",
    "KIOSK_DATA_DIR": tempfile.mkdtemp(prefix="kiosk-tests-"),
    "KIOSK_FACE_ENGINE": "fake",
    "KIOSK_ENGINE_WORKERS": "1",
    "KIOSK_API_RATE": "off",
    "KIOSK_SOCKET_RATE": "off",
    "KIOSK_TTS_ENGINE": "espeak",
    "KIOSK_LANGUAGE": "zh-hans",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "REDIS_URL": "",
    "ELASTICSEARCH_URL": "",
}

from kiosk.settings import *  # noqa: F403

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file as in production: a database in memory locks whole tables between threads.
    DATABASES["default"]["TEST"] = {"NAME": KIOSK.data_dir / "test.sqlite3"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
