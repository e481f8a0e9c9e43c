"""Django settings. What an operator may set stands in kiosk/environment.py; this file turns it into Django's own names."""

from __future__ import annotations

import sys
from typing import Any

import dj_database_url

from kiosk import theme
from kiosk.environment import BASE_DIR, read_environment
from kiosk.runtime.secrets import stored_secret

KIOSK = read_environment()

DEBUG = False
SECRET_KEY = KIOSK.secret_key.get_secret_value() or stored_secret(KIOSK.data_dir / "secret_key")
ALLOWED_HOSTS = list(KIOSK.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(KIOSK.csrf_trusted_origins)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "auditlog",
    "import_export",
    "django_tasks",
    "django_tasks_db",
    "kiosk.apps.KioskConfig",
    "faces.apps.FacesConfig",
    "flows.apps.FlowsConfig",
    "analytics.apps.AnalyticsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
]

# Asked many times a second by machines that carry a token and nothing else; what pages need is left out (kiosk.handler).
STATELESS_PATHS = frozenset(
    {
        "/recognize",
        "/recognize/batch",
        "/handshake",
        "/storage",
        "/summary",
        "/video",
        "/video-streaming",
        "/face-detect",
        "/licence-plate",
        "/search-face",
        "/search-licence-plate",
    }
)
STATELESS_MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]

ROOT_URLCONF = "kiosk.urls"
ASGI_APPLICATION = "kiosk.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Data

DATABASES = {
    "default": dj_database_url.parse(
        KIOSK.database_url.get_secret_value() or f"sqlite:///{KIOSK.data_dir / 'kiosk.sqlite3'}",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Libraries of ours ask whether there are PostgreSQL's fields, and so load its driver: 6 MB of the server that nobody uses.
    sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type] # as documented: importing it raises ImportError
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at BEGIN and waits for its turn, instead of failing half-way through a transaction.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;",
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_REDIS = KIOSK.redis_url.get_secret_value()
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _REDIS}
    if _REDIS
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [_REDIS]}}
    if _REDIS
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

MEDIA_ROOT = KIOSK.data_dir / "media"


def _photos() -> dict[str, Any]:
    """The storage of photos and videos."""
    if KIOSK.media_storage == "filesystem":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": MEDIA_ROOT,
                "base_url": None,
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    from botocore.config import Config

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": KIOSK.s3_bucket,
            "endpoint_url": KIOSK.s3_endpoint,
            "region_name": KIOSK.s3_region or None,
            "access_key": KIOSK.s3_access_key.get_secret_value() or None,
            "secret_key": KIOSK.s3_secret_key.get_secret_value() or None,
            "default_acl": "private",
            "querystring_auth": True,
            "querystring_expire": KIOSK.photo_url_seconds,
            "file_overwrite": False,
            "client_config": Config(
                signature_version="s3v4",
                s3={"addressing_style": "virtual" if KIOSK.media_storage == "oss" else "auto"},
                # Amazon's own check sums, which botocore adds unless told, are refused by OSS and by older MinIOs.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        },
    }


STORAGES = {
    "default": _photos(),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if KIOSK.production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# In development static files are served from where they lie; production collects and compresses them first (bootstrap).
WHITENOISE_USE_FINDERS = not KIOSK.production
STATIC_URL = "static/"
STATIC_ROOT = KIOSK.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

# Work that takes minutes leaves the server: rows that worker processes take, one after the other (analytics/videos/worker.py).
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["videos"]}}

# Limits: a body over the limit is refused before it is parsed. An upload of several photos in admin is bounded the same way.
DATA_UPLOAD_MAX_MEMORY_SIZE = KIOSK.body_mb * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
# On the file system of the media folder, so that a video that was taken in is moved there and not copied.
FILE_UPLOAD_TEMP_DIR = KIOSK.data_dir / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["kiosk.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["kiosk.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["kiosk.api.throttling.ClientThrottle"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["kiosk.api.renderers.OrjsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kiosk API",
    "VERSION": "5.0",
    "DESCRIPTION": "REST interfaces of the Kiosk platform. Authorization: Bearer TOKEN; tokens are made in admin.",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "ENUM_NAME_OVERRIDES": {
        "FaceTypeEnum": ["face"],
        "InputTypeEnum": ["text", "audio"],
        "HandshakeTypeEnum": ["handshake"],
        "StorageTypeEnum": ["storage"],
        "SummaryTypeEnum": ["summary"],
        "VisitTypeEnum": ["storage", "summary"],
        "FailureTypeEnum": ["processing", "busy", "error"],
        "WithdrawTypeEnum": ["withdraw"],
    },
}

# People

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 10 * 3600
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
AUDITLOG_DISABLE_REMOTE_ADDR = False
AUDITLOG_MASK_TRACKING_FIELDS = ()

if KIOSK.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if KIOSK.production and KIOSK.https_only:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 86400
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Language

LANGUAGE_CODE = KIOSK.language
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "kiosk" / "locale"]
TIME_ZONE = KIOSK.time_zone
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without_traceback": {"()": "kiosk.logs.WithoutTraceback"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": KIOSK.log_level},
    # Daphne logs each request's path, Pillow and botocore chatter at DEBUG.
    "loggers": {
        **{name: {"level": "WARNING"} for name in ("daphne", "PIL", "botocore", "urllib3", "elastic_transport")},
        # Any client can bring this about; where in Django it was noticed helps nobody.
        "django.security.DisallowedHost": {"filters": ["without_traceback"]},
    },
}

UNFOLD = theme.UNFOLD
