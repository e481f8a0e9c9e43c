"""Model packs: downloads from a local server that misbehaves in every way, unsafe archives, licences, records, the command."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from kiosk.runtime.packs import (
    CATALOGUE,
    Damage,
    DownloadFailed,
    File,
    Job,
    Licence,
    LicenceNotAccepted,
    Network,
    Pack,
    PackError,
    PackStore,
    Record,
    Request,
    State,
    UnsafeArchive,
    pull,
)
from kiosk.runtime.packs.download import CHUNK_BYTES
from kiosk.runtime.packs.unpack import unpack_zip

NOON = datetime(2026, 1, 13, 12, tzinfo=UTC)
SHARED_MODELS = Path(__file__).parents[3] / "shared" / "models"
FREE = Licence("Apache-2.0", "https://example.com/free", commercial_use=True)
RESEARCH = Licence("research only", "https://example.com/research", commercial_use=False)
DETECTOR, RECOGNISER = b"detector" * 20_000, b"recogniser" * 20_000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


FACE_ZIP = zipped({"face-pack/det.onnx": DETECTOR, "face-pack/rec.onnx": RECOGNISER, "face-pack/LICENCE": b"terms"})
SPEECH = {"model.bin": b"weights" * 30_000, "config.json": b"{}", "tokenizer.json": b"[]"}


class Server:
    """What it serves, how it misbehaves, and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etag = '"first"'
        self.requests: list[tuple[str, str | None]] = []
        self.cut_after: list[int] = []
        """Breaks off that many bytes into the body, one answer after the other."""
        self.refuse: list[int] = []
        """Answers with these statuses first."""
        self.hang_seconds = 0.0
        self.ranges = True
        self.lengths = True
        self.url = ""

    def handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler below is `self`
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Range")))
                if server.refuse:
                    self.send_error(server.refuse.pop(0))
                    return
                data = server.files.get(self.path.partition("?")[0])
                if data is None:
                    self.send_error(404)
                    return
                start = 0
                wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                if wanted and server.ranges and self.headers.get("If-Range") == server.etag:
                    start = int(wanted[1])
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                else:
                    self.send_response(200)
                self.send_header("ETag", server.etag)
                if server.lengths:
                    self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                body = data[start:]
                if server.cut_after:
                    body = body[: server.cut_after.pop(0)]
                self.wfile.write(body[:1000])
                self.wfile.flush()
                stopped.wait(server.hang_seconds)
                self.wfile.write(body[1000:])

            def log_message(self, *_args: object) -> None:
                return

        stopped = server.stopped = threading.Event()
        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    listener.daemon_threads = True
    served.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.stopped.set()
    listener.shutdown()
    listener.server_close()
    thread.join()


@pytest.fixture
def catalogue(server: Server) -> list[Pack]:
    server.files = {"/faces.zip": FACE_ZIP, "/yolo.onnx": DETECTOR, **{f"/speech/{name}": data for name, data in SPEECH.items()}}
    faces = (File("det.onnx", len(DETECTOR), digest(DETECTOR)), File("rec.onnx"))
    archive = File("faces.zip", len(FACE_ZIP), digest(FACE_ZIP))
    words = tuple(File(name, len(data), digest(data)) for name, data in SPEECH.items())
    detector = File("yolo.onnx", len(DETECTOR), digest(DETECTOR))
    return [
        Pack("faces", Job.FACE, "", FREE, faces, f"{server.url}/", archive),
        Pack("research", Job.FACE, "", RESEARCH, faces, f"{server.url}/", archive),
        Pack("yolo", Job.DETECTION, "", FREE, (detector,), f"{server.url}/"),
        Pack("unpinned", Job.DETECTION, "", FREE, (File("yolo.onnx"),), f"{server.url}/"),
        Pack("words", Job.SPEECH, "", FREE, words, f"{server.url}/speech/"),
        next(pack for pack in CATALOGUE if pack.package),
    ]


@pytest.fixture
def store(tmp_path: Path, catalogue: list[Pack]) -> PackStore:
    return PackStore(tmp_path / "models", catalogue=catalogue)


QUICK = Network(connect_seconds=2, read_seconds=0.3, attempts=3, wait_seconds=0)


def install(store: PackStore, name: str, *, accepted_by: str | None = None, **request: object) -> Record:
    return pull(store, Request(name, **request), at=NOON, accepted_by=accepted_by, network=QUICK)


def leftovers(store: PackStore) -> list[str]:
    """Files below the model root that belong to no installed pack, and half-made folders."""
    return sorted(path.name for path in store.root.rglob("*") if path.name.startswith(".") or path.suffix in {".part", ".zip"})


# Installing from the network


def test_an_archive_is_installed_as_faceanalysis_looks_for_it(store: PackStore) -> None:
    record = install(store, "faces")

    folder = store.root / "insightface" / "models" / "faces"
    assert sorted(path.name for path in folder.iterdir()) == ["LICENCE", "det.onnx", "kiosk-pack.json", "rec.onnx"]
    assert (folder / "det.onnx").read_bytes() == DETECTOR
    assert record == Record.model_validate_json((folder / "kiosk-pack.json").read_bytes())
    assert record.pinned
    assert record.checksum == digest(FACE_ZIP)
    assert record.installed_at == NOON
    assert record.source.endswith("/faces.zip")
    assert record.files["rec.onnx"].sha256 == digest(RECOGNISER)
    assert store.verify("faces") == []
    assert leftovers(store) == []


def test_several_files_are_installed_as_whisper_ctranslate2_takes_them(store: PackStore) -> None:
    record = install(store, "words")
    folder = store.root / "speech" / "words"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "kiosk-pack.json"} == SPEECH
    assert (record.pinned, record.checksum) == (True, "")


def test_a_single_file(store: PackStore) -> None:
    install(store, "yolo")
    assert (store.root / "detection" / "yolo" / "yolo.onnx").read_bytes() == DETECTOR


def test_the_first_download_is_trusted_where_no_checksum_is_known(store: PackStore) -> None:
    record = install(store, "unpinned")
    assert (record.pinned, record.checksum) == (False, digest(DETECTOR))


def test_a_demanded_checksum(store: PackStore, server: Server) -> None:
    assert install(store, "unpinned", sha256=digest(DETECTOR).upper()).pinned
    server.files["/yolo.onnx"] = RECOGNISER
    with pytest.raises(DownloadFailed, match="not the file asked for"):
        install(store, "unpinned", sha256=digest(DETECTOR))
    assert store.verify("unpinned") == [], "the old one stays"


def test_a_mirror_is_asked_instead(store: PackStore, server: Server) -> None:
    server.files["/mirror/f.zip"] = FACE_ZIP
    server.files |= {f"/mirror/words/{name}": data for name, data in SPEECH.items()}
    assert install(store, "faces", source=f"{server.url}/mirror/f.zip").pinned
    assert install(store, "words", source=f"{server.url}/mirror/words").pinned
    assert all(path.startswith("/mirror/") for path, _range in server.requests)


def test_nothing_secret_of_a_url_is_recorded_or_printed(store: PackStore, server: Server) -> None:
    secret = server.url.replace("//", "//user:hunter2@") + "/{}?token=hunter2"
    record = install(store, "own", job=Job.DETECTION, source=secret.format("yolo.onnx"))
    assert record.source == f"{server.url}/yolo.onnx"
    with pytest.raises(DownloadFailed) as caught:
        install(store, "own", job=Job.DETECTION, source=secret.format("missing.onnx"))
    assert "hunter2" not in str(caught.value)


def test_an_installed_pack_is_replaced(store: PackStore, server: Server) -> None:
    install(store, "unpinned")
    server.files["/yolo.onnx"] = RECOGNISER
    install(store, "unpinned")
    assert (store.root / "detection" / "unpinned" / "yolo.onnx").read_bytes() == RECOGNISER
    assert leftovers(store) == []


# Networks that fail


def test_a_wrong_file_is_refused_and_deleted(store: PackStore, server: Server) -> None:
    server.files["/yolo.onnx"] = DETECTOR[::-1]
    with pytest.raises(DownloadFailed, match=f"its SHA-256 is {digest(DETECTOR[::-1])}, not {digest(DETECTOR)}"):
        install(store, "yolo")
    assert store.find("yolo").state is State.ABSENT
    assert leftovers(store) == []


@pytest.mark.parametrize("size", [len(DETECTOR) - 1, len(DETECTOR) + 1], ids=["shorter", "longer"])
def test_a_file_of_another_size_is_refused_before_it_is_read(store: PackStore, server: Server, size: int) -> None:
    server.files["/yolo.onnx"] = bytes(size)
    with pytest.raises(DownloadFailed, match=f"the server offers {size} bytes, expected {len(DETECTOR)}"):
        install(store, "yolo")
    assert len(server.requests) == 1


def test_endless_bytes_without_a_length_are_cut_off(store: PackStore, server: Server) -> None:
    server.lengths, server.files["/yolo.onnx"] = False, DETECTOR + b"more"
    with pytest.raises(DownloadFailed, match="more bytes come than expected"):
        install(store, "yolo")
    assert leftovers(store) == []


def test_a_file_of_unknown_size_is_bounded(store: PackStore, server: Server) -> None:
    small = Network(max_bytes=1000, attempts=1)
    with pytest.raises(DownloadFailed, match="expected at most 1000"):
        pull(store, Request("unpinned"), at=NOON, network=small)
    server.lengths = False
    with pytest.raises(DownloadFailed, match="more bytes come than expected"):
        pull(store, Request("unpinned"), at=NOON, network=small)


def test_a_broken_connection_is_continued_where_it_broke_off(store: PackStore, server: Server) -> None:
    server.cut_after = [70_000, 70_000]
    install(store, "yolo")
    assert (store.root / "detection" / "yolo" / "yolo.onnx").read_bytes() == DETECTOR
    assert [wanted for _path, wanted in server.requests] == [None, f"bytes={CHUNK_BYTES}-", f"bytes={2 * CHUNK_BYTES}-"]


def test_the_next_call_continues(store: PackStore, server: Server) -> None:
    server.cut_after = [70_000, 10, 70_000]
    with pytest.raises(DownloadFailed, match="broke off; call again to go on where it broke off"):
        install(store, "yolo")
    assert leftovers(store) == ["yolo.onnx.part"]
    install(store, "yolo")
    assert server.requests[-1] == ("/yolo.onnx", f"bytes={2 * CHUNK_BYTES}-")
    assert store.verify("yolo") == []
    assert leftovers(store) == []


def test_a_file_that_changed_meanwhile_is_fetched_anew(store: PackStore, server: Server) -> None:
    server.cut_after = [70_000]
    with pytest.raises(DownloadFailed):
        pull(store, Request("unpinned"), at=NOON, network=Network(attempts=1))
    server.etag, server.files["/yolo.onnx"] = '"second"', RECOGNISER
    install(store, "unpinned")
    assert (store.root / "detection" / "unpinned" / "yolo.onnx").read_bytes() == RECOGNISER


@pytest.mark.parametrize("attribute", ["ranges", "etag"])
def test_a_server_that_can_not_continue_starts_again(store: PackStore, server: Server, attribute: str) -> None:
    setattr(server, attribute, "")
    server.cut_after = [70_000]
    install(store, "yolo")
    assert store.verify("yolo") == []


def test_of_several_files_those_that_came_are_kept(store: PackStore, server: Server) -> None:
    del server.files["/speech/tokenizer.json"]
    with pytest.raises(DownloadFailed, match="404"):
        install(store, "words")
    server.files["/speech/tokenizer.json"] = SPEECH["tokenizer.json"]
    server.requests.clear()
    install(store, "words")
    assert server.requests == [("/speech/tokenizer.json", None)]


def test_not_found_is_final(store: PackStore, server: Server) -> None:
    del server.files["/yolo.onnx"]
    with pytest.raises(DownloadFailed, match=r"/yolo\.onnx: the server answers 404 Not Found$"):
        install(store, "yolo")
    assert len(server.requests) == 1


def test_an_overloaded_server_is_asked_again(store: PackStore, server: Server) -> None:
    server.refuse = [503, 429]
    install(store, "yolo")
    server.refuse = [503] * 3
    with pytest.raises(DownloadFailed, match="503 Service Unavailable"):
        install(store, "yolo")


def test_a_server_that_falls_silent_is_given_up(store: PackStore, server: Server) -> None:
    server.hang_seconds = 10
    started = time.monotonic()
    with pytest.raises(DownloadFailed, match="no answer in time"):
        pull(store, Request("yolo"), at=NOON, network=Network(read_seconds=0.2, attempts=2, wait_seconds=0))
    assert time.monotonic() - started < 5
    assert store.find("yolo").state is State.ABSENT


def test_no_server(store: PackStore) -> None:
    with pytest.raises(DownloadFailed, match="the connection failed") as caught:
        install(store, "own", job=Job.DETECTION, source="http://127.0.0.1:1/a.onnx")
    assert "\n" not in str(caught.value)


# Archives


def linked() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("det.onnx")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def locked() -> bytes:
    data = bytearray(zipped({"a.onnx": b"abc"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("archive", "complaint"),
    [
        pytest.param(zipped({"../../escaped.onnx": b"x"}), "outside of its folder", id="upwards"),
        pytest.param(zipped({"pack/../../escaped.onnx": b"x"}), "outside of its folder", id="upwards inside"),
        pytest.param(zipped({"/tmp/escaped.onnx": b"x"}), "outside of its folder", id="absolute"),
        pytest.param(zipped({"C:\\escaped.onnx": b"x"}), "outside of its folder", id="drive"),
        pytest.param(zipped({"..\\escaped.onnx": b"x"}), "outside of its folder", id="backslashes"),
        pytest.param(linked(), "holds a link", id="link"),
        pytest.param(locked(), "password", id="password"),
        pytest.param(zipped({f"{number}.onnx": b"" for number in range(30)}), "30 files, at most 20", id="many files"),
        pytest.param(zipped({"a.onnx": bytes(2000)}), "would unpack to 2000 bytes, at most 1000", id="many bytes"),
        pytest.param(FACE_ZIP[:3000], "no usable zip archive", id="cut off"),
        pytest.param(b"<html>Sign in</html>", "no usable zip archive", id="a page"),
        pytest.param(zipped({"a.onnx": b"abc"}).replace(b"abc", b"abd", 1), "no usable zip archive", id="damaged"),
    ],
)
def test_unsafe_archives_write_nothing(tmp_path: Path, archive: bytes, complaint: str) -> None:
    (tmp_path / "pack.zip").write_bytes(archive)
    target = tmp_path / "inner" / "target"
    target.mkdir(parents=True)
    with pytest.raises(UnsafeArchive, match=complaint):
        unpack_zip(tmp_path / "pack.zip", target, max_bytes=1000, max_files=20)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in {"pack.zip", "a.onnx"}]
    assert not Path("/tmp/escaped.onnx").exists()


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.writestr("a.onnx", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.onnx", b"two")
    (tmp_path / "target").mkdir()
    with pytest.raises(UnsafeArchive, match="twice"):
        unpack_zip(tmp_path / "pack.zip", tmp_path / "target")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a.onnx": b"1", "b/c.onnx": b"2"}, {"a.onnx", "b/c.onnx"}, id="as they are"),
        pytest.param({"pack/a.onnx": b"1", "pack/b/c.onnx": b"2"}, {"a.onnx", "b/c.onnx"}, id="one folder around all"),
        pytest.param({"pack/a.onnx": b"1", "__MACOSX/pack/._a.onnx": b"2", "pack/.DS_Store": b"3"}, {"a.onnx"}, id="of a Mac"),
    ],
)
def test_unpacked_files(tmp_path: Path, files: dict[str, bytes], expected: set[str]) -> None:
    (tmp_path / "pack.zip").write_bytes(zipped(files))
    target = tmp_path / "target"
    target.mkdir()
    unpack_zip(tmp_path / "pack.zip", target)
    assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == expected


def test_an_unsafe_archive_is_not_installed(store: PackStore, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(zipped({"../escaped.onnx": b"x"}))
    with pytest.raises(UnsafeArchive):
        install(store, "own", job=Job.FACE, source=str(tmp_path / "bad.zip"))
    assert store.find("own") is None
    assert not list(tmp_path.rglob("escaped.onnx"))


# Local sources and packs of one's own


def face_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "det.onnx").write_bytes(DETECTOR)
    (path / "rec.onnx").write_bytes(RECOGNISER)
    return path


def test_a_folder_of_ones_own(store: PackStore, tmp_path: Path) -> None:
    source = face_folder(tmp_path / "mine")
    (source / ".cache").mkdir()
    (source / ".cache" / "junk").write_bytes(b"x")

    record = install(store, "mine", job=Job.FACE, source=str(source), licence="ours")

    assert set(record.files) == {"det.onnx", "rec.onnx"}
    assert (record.licence, record.commercial_use, record.pinned) == ("ours", None, False)
    entry = store.find("mine")
    assert (entry.state, entry.job, entry.size) == (State.INSTALLED, Job.FACE, len(DETECTOR) + len(RECOGNISER))
    assert entry.folder == store.root / "insightface" / "models" / "mine"
    assert store.verify("mine") == []


def test_a_pack_of_the_catalogue_from_a_folder_archive_and_cache_of_links(store: PackStore, tmp_path: Path) -> None:
    source = face_folder(tmp_path / "usb")
    assert not install(store, "faces", source=str(source)).pinned, "of rec.onnx no checksum is known"

    (tmp_path / "faces.zip").write_bytes(FACE_ZIP)
    assert install(store, "faces", source=str(tmp_path / "faces.zip")).pinned

    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for name, data in SPEECH.items():
        (tmp_path / f"blob-{name}").write_bytes(data)
        (snapshot / name).symlink_to(tmp_path / f"blob-{name}")
    assert install(store, "words", source=str(snapshot)).pinned
    assert not (store.root / "speech" / "words" / "model.bin").is_symlink()


def test_a_pack_put_there_by_hand_is_listed_and_can_be_recorded(store: PackStore) -> None:
    folder = face_folder(store.root / "insightface" / "models" / "byhand")
    assert store.find("byhand").state is State.UNRECORDED
    with pytest.raises(PackError, match=re.escape(f"`manage.py models pull byhand --job face --from {folder}`")):
        store.verify("byhand")
    install(store, "byhand", job=Job.FACE, source=str(folder))
    assert store.find("byhand").state is State.INSTALLED
    assert store.verify("byhand") == []


def test_an_installed_pack_can_be_copied_to_another_machine(store: PackStore, tmp_path: Path, catalogue: list[Pack]) -> None:
    install(store, "faces")
    other = PackStore(tmp_path / "other", catalogue=catalogue)
    record = install(other, "faces", source=str(store.root / "insightface" / "models" / "faces"))
    assert "kiosk-pack.json" not in record.files
    assert other.verify("faces") == []


def test_face_packs_go_where_the_setting_says(tmp_path: Path, catalogue: list[Pack]) -> None:
    store = PackStore(tmp_path / "models", face_root=tmp_path / "elsewhere", catalogue=catalogue)
    install(store, "faces")
    assert (tmp_path / "elsewhere" / "models" / "faces" / "det.onnx").is_file()


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        pytest.param(Request("nothing"), "no pack is called 'nothing'", id="unknown"),
        pytest.param(Request("own", source="x"), "needs --job and --from", id="own without a job"),
        pytest.param(Request("../up", Job.FACE, "x"), "no name of a pack", id="a path for a name"),
        pytest.param(Request(".hidden", Job.FACE, "x"), "no name of a pack", id="a hidden name"),
        pytest.param(Request("n" * 44, Job.FACE, "x"), "at most 43", id="a long name"),
        pytest.param(Request("own", Job.FACE, "/no/such/place"), "no such folder or file", id="no such source"),
        pytest.param(Request("own", Job.FACE, "ftp://example.com/a.zip"), "no such folder or file", id="another protocol"),
        pytest.param(Request("faces", Job.SPEECH), "is a pack for face, not for speech", id="another job"),
        pytest.param(Request("faces", licence="mine"), "the licence of faces is known", id="another licence"),
        pytest.param(Request("faces", sha256="0" * 64), "is known to be", id="another checksum"),
        pytest.param(Request("words", sha256="0" * 64), "consists of several files", id="one checksum for several"),
        pytest.param(Request("dlib"), "is built in", id="built in"),
    ],
)
def test_requests_that_make_no_sense(store: PackStore, request_: Request, complaint: str) -> None:
    with pytest.raises(PackError, match=complaint):
        pull(store, request_, at=NOON, network=QUICK)
    assert [entry for entry in store.entries() if entry.state is State.INSTALLED] == []


@pytest.mark.parametrize(
    ("name", "job", "files", "complaint"),
    [
        pytest.param("faces", None, {"det.onnx": DETECTOR}, "faces lacks rec.onnx", id="a file is missing"),
        pytest.param("faces", None, {"det.onnx": b"other", "rec.onnx": b"r"}, "published files: det.onnx", id="not the same"),
        pytest.param("own", Job.FACE, {"readme.txt": b""}, "holds no .onnx file", id="no model"),
        pytest.param("own", Job.FACE, {"deep/det.onnx": b"d"}, "holds no .onnx file", id="model too deep"),
        pytest.param("own", Job.SPEECH, {"model.bin": b"m"}, "lacks config.json, tokenizer.json", id="half a speech model"),
    ],
)
def test_incomplete_folders(
    store: PackStore, tmp_path: Path, name: str, job: Job | None, files: dict[str, bytes], complaint: str
) -> None:
    for path, data in files.items():
        (tmp_path / "source" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / path).write_bytes(data)
    with pytest.raises(PackError, match=complaint):
        install(store, name, job=job, source=str(tmp_path / "source"))
    assert leftovers(store) == []


def test_one_name_is_one_pack(store: PackStore, tmp_path: Path) -> None:
    install(store, "own", job=Job.FACE, source=str(face_folder(tmp_path / "own")))
    with pytest.raises(PackError, match="own is installed as a pack for face"):
        install(store, "own", job=Job.DETECTION, source=str(tmp_path / "own"))


def test_a_model_root_that_can_not_be_written_is_named(tmp_path: Path, catalogue: list[Pack]) -> None:
    (tmp_path / "models").write_bytes(b"a file in the way")
    with pytest.raises(PackError, match=r"yolo can't be installed: (Not a directory|File exists)"):
        install(PackStore(tmp_path / "models", catalogue=catalogue), "yolo")


# Licences


def test_a_licence_without_commercial_use_has_to_be_accepted_and_is_recorded(store: PackStore, server: Server) -> None:
    with pytest.raises(LicenceNotAccepted, match=r"research only, https://example\.com/research.*--accept-licence"):
        install(store, "research")
    assert server.requests == []
    assert not (store.root / "licences.jsonl").exists()

    install(store, "research", accepted_by="张三")
    install(store, "research", accepted_by="李四")

    lines = [json.loads(line) for line in (store.root / "licences.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["user"] for line in lines] == ["张三", "李四"]
    assert lines[0] == {
        "pack": "research",
        "licence": "research only",
        "url": "https://example.com/research",
        "user": "张三",
        "at": "2026-01-13T12:00:00+00:00",
    }


def test_a_free_licence_needs_no_acceptance(store: PackStore) -> None:
    install(store, "faces", accepted_by="anybody")
    assert not (store.root / "licences.jsonl").exists()


# Verifying


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(lambda folder: (folder / "rec.onnx").unlink(), [("rec.onnx", Damage.MISSING)], id="missing"),
        pytest.param(lambda folder: (folder / "rec.onnx").write_bytes(b"x"), [("rec.onnx", Damage.CHANGED)], id="changed"),
        pytest.param(lambda folder: (folder / "other.onnx").write_bytes(b"x"), [("other.onnx", Damage.ADDED)], id="added"),
        pytest.param(
            lambda folder: (folder / "rec.onnx").rename(folder / "r.onnx"),
            [("rec.onnx", Damage.MISSING), ("r.onnx", Damage.ADDED)],
            id="renamed",
        ),
        pytest.param(lambda folder: (folder / "LICENCE").touch(), [], id="touched only"),
    ],
)
def test_verify_finds_damage(store: PackStore, damage: object, expected: list[tuple[str, Damage]]) -> None:
    install(store, "faces")
    damage(store.root / "insightface" / "models" / "faces")
    assert [(finding.file, finding.damage) for finding in store.verify("faces")] == expected


def test_a_record_that_was_changed_with_the_file_is_found_out(store: PackStore) -> None:
    install(store, "yolo")
    folder = store.root / "detection" / "yolo"
    (folder / "yolo.onnx").write_bytes(b"forged")
    record = (folder / "kiosk-pack.json").read_text().replace(digest(DETECTOR), digest(b"forged"))
    (folder / "kiosk-pack.json").write_text(record)
    assert [finding.damage for finding in store.verify("yolo")] == [Damage.NOT_PUBLISHED]


def test_an_unreadable_record_is_named(store: PackStore) -> None:
    install(store, "yolo")
    (store.root / "detection" / "yolo" / "kiosk-pack.json").write_text("{}")
    with pytest.raises(PackError, match=r"kiosk-pack\.json can't be read; pull yolo again"):
        store.verify("yolo")
    assert store.find("yolo").state is State.INSTALLED


def test_the_built_in_pack_is_what_it_should_be(store: PackStore) -> None:
    assert store.find("dlib").state is State.BUILT_IN
    assert store.verify("dlib") == []


def test_what_is_not_installed_can_not_be_verified(store: PackStore) -> None:
    with pytest.raises(PackError, match="faces is not installed"):
        store.verify("faces")


# The real catalogue


def test_the_catalogue_is_complete_and_consistent() -> None:
    names = [pack.name for pack in CATALOGUE]
    assert len(set(names)) == len(names)
    expected = {"dlib", "buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2", "raccoon_s", "raccoon_l"}
    expected |= {f"yolox_{size}" for size in ("nano", "tiny", "s", "m")}
    expected |= {f"faster-whisper-{size}" for size in ("tiny", "base", "small", "medium", "large-v3")}
    assert set(names) == expected
    for pack in CATALOGUE:
        assert pack.files
        assert pack.licence.commercial_use is ("InsightFace" not in pack.licence.name)
        assert pack.package or pack.base_url.startswith("https://")
        assert not pack.base_url or pack.base_url.endswith("/")
        for file in (*pack.files, *pack.downloads):
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size is None or file.size > 0


def test_face_packs_are_in_the_release_that_insightface_itself_names() -> None:
    storage = pytest.importorskip("insightface.utils.storage")
    packages = pytest.importorskip("insightface.gui.core.model_downloads")
    for pack in CATALOGUE:
        if pack.job is Job.FACE and not pack.package:
            assert pack.base_url + pack.archive.name == storage.model_zoo_download_url(f"{pack.name}.zip")
            assert pack.archive.name in packages.INSIGHTFACE_MODEL_ASSET_NAMES


def test_speech_packs_are_those_of_faster_whisper() -> None:
    utils = pytest.importorskip("faster_whisper.utils")
    for pack in CATALOGUE:
        if pack.job is Job.SPEECH:
            repository = utils._MODELS[pack.name.removeprefix("faster-whisper-")]
            assert pack.base_url.startswith(f"https://huggingface.co/{repository}/resolve/")


@pytest.mark.skipif(not (SHARED_MODELS / "insightface").is_dir(), reason="../shared/models/insightface is not there")
def test_faceanalysis_loads_an_installed_pack(tmp_path: Path) -> None:
    from insightface.app import FaceAnalysis

    store = PackStore(tmp_path)
    install(store, "mobile", job=Job.FACE, source=str(SHARED_MODELS / "insightface" / "models" / "mobile"))
    analysis = FaceAnalysis(name="mobile", root=str(tmp_path / "insightface"), providers=["CPUExecutionProvider"])
    assert set(analysis.models) == {"detection", "recognition"}


# The command


@pytest.fixture
def installation(tmp_path: Path, settings: object) -> Path:
    root = tmp_path / "models"
    settings.KIOSK = SimpleNamespace(model_dir=root, insightface_root=root / "insightface")
    return root


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("models", *arguments, stdout=out)
    return out.getvalue()


def test_command_lists_every_pack(installation: Path, tmp_path: Path) -> None:
    run("pull", "mine", "--job", "face", "--from", str(face_folder(tmp_path / "mine")))
    lines = run("list").splitlines()
    assert lines[0].split() == ["NAME", "JOB", "SIZE", "LICENCE", "COMMERCIAL", "USE", "CHECKSUM", "STATE", "FOLDER"]
    by_name = {line.split()[0]: line for line in lines[1:]}
    assert set(by_name) == {pack.name for pack in CATALOGUE} | {"mine"}
    assert re.search(r"face +288\.6 MB +InsightFace: .* no +pinned +not installed", by_name["buffalo_l"])
    assert by_name["mine"].endswith(str(installation / "insightface" / "models" / "mine"))


def test_command_pulls_and_verifies(installation: Path, tmp_path: Path) -> None:
    source = face_folder(tmp_path / "mine")
    printed = run("pull", "mine", "--job", "face", "--from", str(source), "--licence", "ours")
    assert f"mine: 2 file(s) in {installation / 'insightface' / 'models' / 'mine'}" in printed
    assert "not known beforehand" in printed
    assert run("verify").splitlines() == ["dlib: as installed", "mine: as installed"]
    assert run("verify", "mine") == "mine: as installed\n"

    (installation / "insightface" / "models" / "mine" / "det.onnx").write_bytes(b"x")
    with pytest.raises(CommandError, match="not as installed: mine") as caught:
        run("verify")
    assert caught.value.returncode == 3


def test_command_tells_the_checksum_it_trusts(installation: Path, server: Server) -> None:
    server.files["/a.onnx"] = DETECTOR
    source = ["--job", "detection", "--from", f"{server.url}/a.onnx"]
    assert f"trusted and recorded: SHA-256 {digest(DETECTOR)}" in run("pull", "own", *source)
    assert "as known beforehand" in run("pull", "own", *source, "--sha256", digest(DETECTOR))


def test_command_asks_for_the_licence(installation: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--accept-licence") as caught:
        run("pull", "buffalo_sc")
    assert caught.value.returncode == 4
    with pytest.raises(CommandError, match="no such folder or file"):
        run("pull", "buffalo_sc", "--accept-licence", "--accepted-by", "Hall manager", "--from", str(tmp_path / "nowhere"))
    assert '"user": "Hall manager"' in (installation / "licences.jsonl").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["pull", "nothing"], "no pack is called", id="unknown pack"),
        pytest.param(["verify", "buffalo_l"], "buffalo_l is not installed", id="not installed"),
        pytest.param([], "the following arguments are required", id="nothing to do"),
        pytest.param(["remove", "dlib"], "invalid choice", id="unknown action"),
        pytest.param(["pull", "own", "--job", "cooking"], "invalid choice", id="unknown job"),
    ],
)
def test_command_errors_are_one_line(installation: Path, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)


def test_without_a_terminal_no_bar_is_shown(installation: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("pull", "mine", "--job", "face", "--from", str(face_folder(tmp_path / "mine")))
    assert capfd.readouterr() == ("", "")
