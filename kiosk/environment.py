"""Every setting of the product, read once from the environment and an optional .env file.

The fields below are the whole list: their types and bounds are checked at start, and docs/settings.md is made from them
(`manage.py settings_table`). Code reads them as `django.conf.settings.KIOSK.<field>`.
"""

from __future__ import annotations

import ipaddress
import os
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Mode(StrEnum):
    """What an installation is for; production refuses to start on anything unsafe."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


CommaSeparated = Annotated[tuple[str, ...], NoDecode]
Port = Annotated[int, Field(ge=0, le=65535)]
MEBIBYTE = 1024 * 1024
_PREFIX = "KIOSK_"


class Environment(BaseSettings):
    """The product's settings. Names in the environment are KIOSK_ and the field in capitals, unless an alias says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=os.environ.get("KIOSK_ENV_FILE", str(BASE_DIR / ".env")),
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # The installation
    mode: Mode = Field(Mode.DEVELOPMENT, description="development, or production, which refuses to start on unsafe settings")
    data_dir: Path = Field(BASE_DIR / "data", description="Folder of the database, photos, vector index and models")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs sessions and links; required in production, made and kept in the data folder otherwise"
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys of the encrypted columns, comma-separated, the newest first; required in production, made and kept in"
        " the data folder otherwise",
    )
    allowed_hosts: CommaSeparated = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names this server answers to, comma-separated; required in production",
    )
    csrf_trusted_origins: CommaSeparated = Field(
        (), description="Origins (https://…) of the admin behind a proxy, comma-separated"
    )
    behind_proxy: bool = Field(
        False, description="A reverse proxy in front sets X-Forwarded-For and X-Forwarded-Proto; trust them"
    )
    https_only: bool = Field(True, description="In production: secure cookies, HSTS and a redirect to https")
    language: Literal["zh-hans", "en"] = Field(
        "zh-hans", description="Language of pages and admin where the browser asks for none"
    )
    time_zone: str = Field("Asia/Shanghai", description="Time zone of the hall")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe level that is logged")

    # Listeners
    bind: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 has to be asked for")
    port: Port = Field(8000, description="Pages, admin, API docs and every route under its explicit path")
    tool_bind: str = Field("127.0.0.1", description="Address of the tool sockets, which ask for no credentials")
    tool_port: Port = Field(3304, description="Tool sockets /face_predict, /stt, /tts; 0 switches the listener off")
    flow_socket_port: Port = Field(444, description="Flow websocket; 0 switches the listener off")
    flow_http_port: Port = Field(10925, description="Flow POSTs; 0 switches the listener off")
    event_port: Port = Field(5679, description="Live recognition events; 0 switches the listener off")

    # Storage
    database_url: SecretStr = Field(
        SecretStr(""), validation_alias="DATABASE_URL", description="postgres://… ; empty is SQLite in the data folder"
    )
    redis_url: SecretStr = Field(
        SecretStr(""), validation_alias="REDIS_URL", description="Cache and channel layer of several processes; empty: memory"
    )
    elasticsearch_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="ELASTICSEARCH_URL",
        description="Elasticsearch of the searches in videos, and of the gallery where KIOSK_FACE_INDEX says so;"
        " credentials in the URL",
    )
    media_storage: Literal["filesystem", "s3", "oss"] = Field(
        "filesystem", description="Where photos are kept: the data folder, or S3-compatible storage (oss names Alibaba's)"
    )
    s3_bucket: str = Field("", description="Bucket of the photos")
    s3_endpoint: str = Field("", description="Endpoint URL, e.g. https://oss-cn-shanghai.aliyuncs.com or a MinIO")
    s3_region: str = Field("", description="Region, where the endpoint needs one")
    s3_access_key: SecretStr = Field(SecretStr(""), description="Access key id")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret access key")
    photo_url_seconds: int = Field(3600, ge=10, le=7 * 86400, description="How long a link to a photo (oss_url) works")

    # API
    api_rate: str = Field(
        "1200/min", pattern=r"^([1-9]\d*/(s|sec|m|min|h|hour|d|day)|off)$", description="Requests per API client; off: no limit"
    )
    upload_mb: int = Field(512, ge=1, le=16_384, description="Largest request of any kind, MiB; more is cut off unread")
    drain_seconds: float = Field(10, ge=0, le=300, description="How long a stopping server waits for requests under way")
    body_mb: int = Field(32, ge=1, le=1024, description="Largest JSON body, MiB")
    image_mb: int = Field(10, ge=1, le=100, description="Largest picture, MiB")
    image_megapixels: int = Field(50, ge=1, le=400, description="Most pixels of a picture, millions")
    batch_photos: int = Field(32, ge=1, le=1000, description="Most photos of one /recognize/batch")
    targets: int = Field(10_000, ge=1, le=20_000, description="Most targets of one /recognize")

    # Sockets
    tool_networks: CommaSeparated = Field(
        ("127.0.0.0/8", "::1/128"),
        description="Networks (CIDR) from which the tool sockets are open without a token; from others they ask for one",
    )
    frame_mb: int = Field(10, ge=1, le=100, description="Largest websocket message, MiB")
    text_kb: int = Field(64, ge=1, le=1024, description="Largest text message of a websocket, KiB")
    socket_rate: str = Field(
        "600/min",
        pattern=r"^([1-9]\d*/(s|sec|m|min|h|hour|d|day)|off)$",
        description="Messages per client of the sockets; off: no limit",
    )
    sockets: int = Field(2000, ge=1, le=100_000, description="Most open websockets; one more is refused")
    socket_idle_seconds: float = Field(300, ge=1, le=86_400, description="A websocket that is silent for so long is closed")
    face_predict_images: int = Field(30, ge=1, le=1000, description="Most images of one /face_predict connection; then fail")
    face_train_images: int = Field(60, ge=1, le=1000, description="Most images of one face_train; then fail")
    face_train_samples: int = Field(3, ge=1, le=20, description="Good images that face_train enrols before it answers success")

    # Conversation
    visit_minutes: int = Field(30, ge=1, le=1440, description="How long a visit's hash works after its last use")
    visit_tries: int = Field(3, ge=1, le=10, description="How often one question is asked before it is left open")
    handshake_seconds: float = Field(
        2, ge=0, le=30, description="How long a handshake waits for its audio before it says processing"
    )
    visits_at_once: int = Field(1000, ge=1, le=100_000, description="Most visits under way; one more is told busy")
    keep_audio: bool = Field(False, description="Keep what citizens say as sound, for the review; else only its text")
    visit_days: int = Field(90, ge=1, le=3650, description="Visits older than this are deleted by manage.py enforce_retention")
    citizen_days: int = Field(
        1095, ge=0, le=36_500, description="Citizens who were not there for so long are deleted with all that is stored; 0: never"
    )
    abandoned_hours: int = Field(24, ge=1, le=8760, description="Visits that were never stored are deleted after so long")
    external_personal_data: bool = Field(
        False, description="Let engines that call out (gTTS, the language model) have names, numbers and addresses"
    )
    llm_url: str = Field("", description="Base URL of an OpenAI-compatible endpoint that understands requests; empty: built in")
    llm_model: str = Field("", description="Its model")
    llm_key: SecretStr = Field(SecretStr(""), description="Its key")
    llm_seconds: float = Field(5, gt=0, le=60, description="Longest answer time before the built-in understanding takes over")

    # Speech
    stt_model: str = Field(
        "small", pattern=r"^[A-Za-z0-9_./-]+$", description="Whisper model, by its name for whisper-ctranslate2"
    )
    stt_model_dir: Path | None = Field(
        None, description="Folder of Whisper models (whisper-ctranslate2 --model_dir); empty is the data folder's"
    )
    stt_language: str = Field("zh", description="Language that is listened for; empty: whichever is heard")
    stt_seconds: float = Field(60, gt=0, le=600, description="Longest utterance, seconds of sound")
    audio_mb: int = Field(10, ge=1, le=100, description="Largest utterance, MiB")
    tts_engine: Literal["auto", "espeak", "gtts"] = Field(
        "auto", description="Voice: auto takes gTTS where it answers, for texts without personal data, else eSpeak NG"
    )
    tts_voice: str = Field("cmn", description="Voice of eSpeak NG")
    tts_characters: int = Field(2000, ge=1, le=20_000, description="Longest text that is spoken")
    tts_cache_mb: int = Field(200, ge=0, le=10_000, description="Disk space for spoken texts")
    gtts_seconds: float = Field(2, gt=0, le=30, description="How long gTTS may take before eSpeak NG speaks instead")
    speech_workers: int = Field(1, ge=1, le=64, description="Speech processes")
    speech_queue: int = Field(16, ge=1, le=10_000, description="Utterances waiting for one before the answer is busy")

    # Faces
    face_engine: Literal["auto", "dlib", "insightface", "fake"] = Field(
        "auto", description="auto takes insightface where its pack is installed, else dlib; fake is for tests"
    )
    insightface_pack: str = Field("buffalo_l", pattern=r"^[A-Za-z0-9_.-]+$", description="Pack of the insightface engine")
    insightface_root_dir: Path | None = Field(
        None, alias="KIOSK_INSIGHTFACE_ROOT", description="Folder that holds models/PACK; empty is the data folder's"
    )
    face_index: Literal["embedded", "elasticsearch"] = Field("embedded", description="Vector index that searches the gallery")
    face_threshold: float = Field(0.4, ge=0, le=1, description="Similarity from which a face is recognised")
    face_duplicate_threshold: float = Field(
        0.45, ge=0, le=1, description="Similarity from which an enrolment is refused as somebody else already enrolled"
    )
    face_min_size: int = Field(80, ge=20, le=1000, description="Smallest face that is recognised, pixels (rec_min_face_hw)")
    face_samples: int = Field(20, ge=1, le=1000, description="Most photos of one person")
    engine_workers: int = Field(0, ge=0, le=64, description="Engine processes; 0 is one a core")
    engine_queue: int = Field(32, ge=1, le=10_000, description="Photos waiting for an engine before the answer is busy")
    engine_seconds: float = Field(30, gt=0, le=600, description="Longest time of one photo in an engine before it is given up")

    # Events
    event_networks: CommaSeparated = Field(
        (),
        description="Networks (CIDR) from which the event socket is open without a token, as the document's clients want it;"
        " what it tells is personal",
    )
    event_queue: int = Field(
        100, ge=1, le=10_000, description="Events that wait for a slow client of the event socket; older ones are lost"
    )
    event_days: int = Field(30, ge=1, le=3650, description="Events older than this are deleted by manage.py enforce_retention")

    # The kiosk's pages
    idle_seconds: int = Field(
        90, ge=20, le=3600, description="A kiosk untouched for so long asks whether somebody is there, then wipes the visit"
    )

    # Cameras
    watch_with_server: bool = Field(
        True, description="`manage.py serve` starts manage.py watch when there is a camera; off where it runs elsewhere"
    )
    watch_fps: float = Field(6, ge=1, le=30, description="Most pictures a second of each camera that are looked at for faces")
    watch_workers: int = Field(0, ge=0, le=64, description="Engine processes of manage.py watch; 0 is one for two cores")
    watch_frame_side: int = Field(
        1280,
        ge=320,
        le=4096,
        description="Longest side, pixels, to which a camera's picture is reduced before the search for faces",
    )
    watch_face_min_size: int = Field(40, ge=20, le=1000, description="Smallest face of a camera that is recognised, pixels")
    watch_snapshot_seconds: float = Field(30, ge=1, le=86_400, description="How often the last picture of a device is renewed")
    watch_stranger_minutes: float = Field(
        30, gt=0, le=1440, description="A stranger out of sight for longer is another one when seen again"
    )

    relay_token: SecretStr = Field(SecretStr(""), description="Token that `manage.py relay` shows to a box that asks for one")
    webhook_networks: CommaSeparated = Field(
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
        description="Networks (CIDR) to which webhooks may be sent; events are personal and stay on the premises unless it says"
        " otherwise",
    )

    # Videos
    video_detector: Literal["auto", "motion", "yolox", "hybrid"] = Field(
        "auto", description="Finds people and vehicles: auto takes hybrid where its model pack is installed, else motion"
    )
    video_pack: str = Field(
        "yolox_nano", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,42}$", description="Model pack of the detectors yolox and hybrid"
    )
    video_seconds: float = Field(4 * 3600, gt=0, le=24 * 3600, description="Longest video, seconds")
    video_interval_ms: int = Field(100, ge=1, le=60_000, description="Smallest interval of a video, milliseconds")
    video_interval_max_ms: int = Field(3_600_000, ge=1000, le=86_400_000, description="Largest interval of a video, milliseconds")
    video_faces: bool = Field(True, description="Look for faces in videos, for /face-detect and staff")
    video_face_every_ms: int = Field(500, ge=40, le=60_000, description="How often a video is looked at for faces, milliseconds")
    video_face_min_size: int = Field(20, ge=16, le=1000, description="Smallest face that is kept of a video, pixels")
    video_plates: bool = Field(True, description="Read licence plates in videos")
    video_workers: int = Field(
        1, ge=0, le=64, description="Video processes that `manage.py serve` starts; 0: none, video_worker runs elsewhere"
    )
    video_threads: int = Field(0, ge=0, le=64, description="Threads with which one video is decoded and encoded; 0 is one a core")
    video_streams: int = Field(2, ge=1, le=64, description="Most /video-streaming at the same time; one more is told busy")
    video_queue: int = Field(100, ge=1, le=100_000, description="Most videos waiting to be analysed; one more is told busy")
    video_lost_seconds: float = Field(
        60, ge=3, le=3600, description="A worker that is silent for so long is dead, and its video waits again"
    )
    video_attempts: int = Field(3, ge=1, le=100, description="How many workers may die of one video before it is given up")
    video_days: int = Field(30, ge=1, le=3650, description="Videos older than this are deleted by manage.py enforce_retention")
    sighting_threshold: float = Field(
        0.28,
        ge=0,
        le=1,
        description="Similarity from which a search in videos takes a face for that of the photo",
    )
    plate_threshold: float = Field(0.75, ge=0.7, le=1, description="Score from which a plate in a video is like the wanted one")
    sighting_results: int = Field(1000, ge=1, le=10_000, description="Most results of a search in videos, skipped ones included")
    sighting_results_default: int = Field(100, ge=1, le=10_000, description="Results of a search in videos that names no limit")
    sighting_days: int = Field(
        30, ge=1, le=3650, description="Faces and plates seen in videos are deleted after so long, even where the video is kept"
    )

    @field_validator(
        "allowed_hosts", "csrf_trusted_origins", "tool_networks", "event_networks", "webhook_networks", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("tool_networks", "event_networks", "webhook_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator("llm_url")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("needs an http or https URL, like http://127.0.0.1:8080/v1")
        return value

    @field_validator("data_dir", "insightface_root_dir", "stt_model_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.mode is not Mode.PRODUCTION:
            return self
        if len(self.secret_key.get_secret_value()) < 32:  # noqa: PLR2004 - Django's own minimum is 50 characters of less entropy
            raise ValueError("KIOSK_SECRET_KEY: production needs a secret of at least 32 characters (openssl rand -hex 32)")
        if any(len(key.strip()) < 32 for key in self.encryption_keys.get_secret_value().split(",")):  # noqa: PLR2004
            raise ValueError("KIOSK_ENCRYPTION_KEYS: production needs at least one key of 32 characters (openssl rand -hex 32)")
        if "allowed_hosts" not in self.model_fields_set or "*" in self.allowed_hosts:
            raise ValueError("KIOSK_ALLOWED_HOSTS: production needs the host names it answers to, and no *")
        if self.face_engine == "fake":
            raise ValueError("KIOSK_FACE_ENGINE: the fake engine recognises nobody; choose auto, dlib or insightface")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.media_storage != "filesystem" and not (self.s3_bucket and self.s3_endpoint):
            raise ValueError(f"KIOSK_MEDIA_STORAGE={self.media_storage} needs KIOSK_S3_BUCKET and KIOSK_S3_ENDPOINT")
        if self.face_index == "elasticsearch" and not self.elasticsearch_url.get_secret_value():
            raise ValueError("KIOSK_FACE_INDEX=elasticsearch needs ELASTICSEARCH_URL")
        if self.llm_url and not self.llm_model:
            raise ValueError("KIOSK_LLM_URL needs KIOSK_LLM_MODEL: the model's name at that endpoint")
        return self

    @property
    def production(self) -> bool:
        return self.mode is Mode.PRODUCTION

    @property
    def model_dir(self) -> Path:
        """Root of the installed model packs."""
        return self.data_dir / "models"

    @property
    def insightface_root(self) -> Path:
        """What FaceAnalysis(root=…) gets: the folder that holds models/PACK."""
        return self.insightface_root_dir or self.model_dir / "insightface"

    @property
    def whisper_dir(self) -> Path:
        """What whisper-ctranslate2 knows as --model_dir."""
        return self.stt_model_dir or self.model_dir / "whisper"

    @property
    def worker_count(self) -> int:
        return self.engine_workers or os.cpu_count() or 1


def read_environment() -> Environment:
    """The settings, or SystemExit with one clear line for each wrong one."""
    try:
        return Environment()
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise SystemExit("Wrong settings (environment or .env):\n" + "\n".join(f"  {line}" for line in lines)) from None


def unknown_settings() -> dict[str, str]:
    """What begins with KIOSK_ in the environment or .env and is no setting, each with the setting it is most like, or ""."""
    names = [environment_name(field) for field in Environment.model_fields]
    # An alias does not take the place of a field's own name, it stands beside it.
    read = {*names, *(f"{_PREFIX}{field.upper()}" for field in Environment.model_fields), "KIOSK_ENV_FILE"}
    given = {name.upper() for name in (*os.environ, *DotEnvSettingsSource(Environment).env_vars)}
    by_ending = {name.removeprefix(_PREFIX): name for name in names}
    return {
        name: next((by_ending[ending] for ending in get_close_matches(name.removeprefix(_PREFIX), by_ending, n=1)), "")
        for name in sorted(given - read)
        if name.startswith(_PREFIX)
    }


def environment_name(field: str) -> str:
    """The name of a field of Environment as it stands in the environment."""
    info = Environment.model_fields[field]
    alias = info.validation_alias or info.alias
    return alias if isinstance(alias, str) else f"{_PREFIX}{field.upper()}"


def _explain(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    field = str(problem["loc"][0])
    return f"{environment_name(field) if field in Environment.model_fields else field.upper()}: {message}"
