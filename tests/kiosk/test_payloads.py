"""Base64 pictures in JSON, as the protocol documents send them and as broken clients do."""

from __future__ import annotations

import base64
import json
import pickle
import time

import orjson
import pytest

from kiosk.runtime.imaging import decode_image
from kiosk.runtime.payloads import (
    PayloadError,
    PayloadMissing,
    PayloadNotBase64,
    PayloadTooLarge,
    decode_base64_image,
    load_json,
)

DATA = bytes(range(256)) * 3
TEXT = base64.b64encode(DATA).decode()
MIME = base64.encodebytes(DATA).decode()
LIMIT = 10 * 1024 * 1024


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(TEXT, id="bare"),
        pytest.param(f"data:image/jpeg;base64,{TEXT}", id="data url"),
        pytest.param(f"DATA:image/JPEG;BASE64,{TEXT}", id="data url in capitals"),
        pytest.param(f"data:image/png;name=a.png;charset=utf-8;base64,{TEXT}", id="data url with parameters"),
        pytest.param(f"data:application/octet-stream;base64,{TEXT}", id="data url of a browser that knows no type"),
        pytest.param(f"data:;base64,{TEXT}", id="data url without a type"),
        pytest.param(MIME, id="mime lines"),
        pytest.param(MIME.replace("\n", "\r\n"), id="mime lines of windows"),
        pytest.param(f" \n\tdata:image/jpeg;base64,\n{MIME}\r\n ", id="data url with blanks around"),
        pytest.param(TEXT + "\n", id="final newline"),
    ],
)
def test_accepted(value: str) -> None:
    assert decode_base64_image(value, max_bytes=LIMIT) == DATA


def test_the_documents_own_example_is_a_picture() -> None:
    """Face Handle API, 5.1."""
    example = (
        "/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/"
        "2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAABAAEDASIAAhEBAxEB/8QA"
        "FQABAQAAAAAAAAAAAAAAAAAAAAv/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAAX/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMB"
        "AAIRAxEAPwCdABmX/9k="
    )
    decoded = decode_image(decode_base64_image(example, max_bytes=LIMIT))
    assert (decoded.width, decoded.height) == (1, 1)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param(" \r\n\t ", id="blanks"),
        pytest.param("data:image/jpeg;base64,", id="prefix only"),
        pytest.param("data:image/jpeg;base64, \n", id="prefix and blanks"),
        pytest.param(7, id="number"),
        pytest.param(True, id="boolean"),
        pytest.param([TEXT], id="list"),
        pytest.param({"photo": TEXT}, id="object"),
    ],
)
def test_missing(value: object) -> None:
    with pytest.raises(PayloadMissing):
        decode_base64_image(value, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(TEXT[:-2] + "A", "Incorrect padding", id="the documented example"),
        pytest.param(
            f"data:image/jpeg;base64,{base64.b64encode(b'ab').decode()[:-1]}", "Incorrect padding", id="behind a prefix"
        ),
        pytest.param(MIME[:-3] + "\n", "Incorrect padding", id="in mime lines"),
        pytest.param("AAAA!AAA", "Only base64 data is allowed", id="another character"),
        pytest.param("AAAA\n!AAA", "Only base64 data is allowed", id="another character in mime lines"),
        pytest.param("-_-_", "Only base64 data is allowed", id="the alphabet of urls"),
        pytest.param("图片数据", "Only base64 data is allowed", id="chinese"),
        pytest.param("AAAA\ud800", "Only base64 data is allowed", id="half a surrogate pair"),
        pytest.param("AA==AAAA", "Excess data after padding", id="more behind the end"),
        pytest.param("====", "Leading padding not allowed", id="padding only"),
        pytest.param("https://example.com/a.jpg", "Only base64 data is allowed", id="a link"),
        pytest.param("data:text/plain,AAAA", "Only base64 data is allowed", id="data url without base64"),
        pytest.param("data:image/jpeg;base64", "Only base64 data is allowed", id="data url without a comma"),
        pytest.param("data:" + "a" * 5000 + ";base64," + TEXT, "Only base64 data is allowed", id="endless prefix"),
        pytest.param("A", "cannot be 1 more than a multiple of 4", id="a single character"),
    ],
)
def test_not_base64(value: str, reason: str) -> None:
    with pytest.raises(PayloadNotBase64) as caught:
        decode_base64_image(value, max_bytes=LIMIT)
    assert reason in caught.value.reason


@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes], ids=["one line", "mime lines"])
@pytest.mark.parametrize("size", [1, 2, 3, 100, 101, 102])
def test_size_limit_is_exact(size: int, encode: object) -> None:
    value = encode(bytes(size)).decode()
    assert decode_base64_image(value, max_bytes=size) == bytes(size)
    with pytest.raises(PayloadTooLarge):
        decode_base64_image(value, max_bytes=size - 1)


def test_size_is_checked_before_decoding() -> None:
    with pytest.raises(PayloadTooLarge, match="more than 99 bytes"):
        decode_base64_image("!" * 1000, max_bytes=99)


@pytest.mark.parametrize("error", [PayloadMissing("no data"), PayloadNotBase64("Incorrect padding"), PayloadTooLarge(5)])
def test_errors_travel_between_processes(error: PayloadError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))


def test_ten_megabytes_take_a_moment() -> None:
    data = bytes(LIMIT)
    for value in (base64.b64encode(data).decode(), "data:image/bmp;base64," + base64.encodebytes(data).decode()):
        started = time.perf_counter()
        assert decode_base64_image(value, max_bytes=LIMIT) == data
        assert time.perf_counter() - started < 2


PHOTO = bytes(range(256)) * 400
LARGE = base64.b64encode(PHOTO).decode()
KEYS = {"photo", "photos"}


READ = {
    "a photo": ({"photo": LARGE, "threshold": 0.5}, {"photo": PHOTO, "threshold": 0.5}),
    "a data URL": ({"photo": "data:image/jpeg;base64," + LARGE}, {"photo": PHOTO}),
    "several, and a small one": ({"photos": [LARGE, "aGk=", LARGE]}, {"photos": [PHOTO, "aGk=", PHOTO]}),
    "escaped strings before it": ({'a"b\\': '\\"', "photo": LARGE}, {'a"b\\': '\\"', "photo": PHOTO}),
    "one that is no base64": ({"photo": LARGE + "!"}, {"photo": LARGE + "!"}),
    "one with a line break": ({"photo": LARGE[:76] + "\n" + LARGE[76:]}, {"photo": LARGE[:76] + "\n" + LARGE[76:]}),
    "a text that is none of the keys": ({"name": LARGE, "photo": LARGE}, {"name": LARGE, "photo": LARGE}),
    "one that is deeper inside": ({"photo": {"photo": LARGE}}, {"photo": {"photo": LARGE}}),
    "a key": ({LARGE: 1}, {LARGE: 1}),
}


@pytest.mark.parametrize(("sent", "expected"), READ.values(), ids=READ)
def test_photos_are_read_from_json_without_becoming_text(sent: dict[str, object], expected: dict[str, object]) -> None:
    assert load_json(orjson.dumps(sent), KEYS) == expected
    assert load_json(json.dumps(sent, indent=2).encode(), KEYS) == expected


def test_a_key_that_is_there_twice_counts_the_last_time() -> None:
    other = base64.b64encode(PHOTO[::-1]).decode()
    value = load_json(f'{{"photo": "{other}", "photo": "{LARGE}"}}'.encode(), KEYS)
    assert decode_base64_image(value["photo"], max_bytes=10**6) == PHOTO


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_a_body_that_is_cut_off_is_no_json(cut: int) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        load_json(orjson.dumps({"photo": LARGE})[:-cut], KEYS)


def test_a_decoded_photo_has_a_largest_size_too() -> None:
    with pytest.raises(PayloadTooLarge):
        decode_base64_image(PHOTO, max_bytes=len(PHOTO) - 1)
    assert decode_base64_image(PHOTO, max_bytes=len(PHOTO)) == PHOTO
