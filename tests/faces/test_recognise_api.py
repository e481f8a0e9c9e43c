"""POST /recognize and /recognize/batch, version 5.0: every scene of the document, and every bad input its documented answer."""

from __future__ import annotations

import io
import json
import signal
import struct
import zlib
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from faces.engines.fake import Behaviour, FakeFace
from faces.gallery import close_gallery
from faces.workers import close_face_workers
from tests.faces.conftest import as_base64
from tests.media import Placed, as_jpeg, as_png, blank, fake_jpeg, fake_photo

pytestmark = pytest.mark.django_db

KNOWN = FakeFace(1)
LOOKALIKE = FakeFace(1, variation=12)
"""The cosine to KNOWN is cos(72 degrees) = 0.309: below the threshold of 0.4, above half of it."""
UNKNOWN = FakeFace(2)
PLACED = {"x": 220, "y": 140, "w": 200, "h": 200}


def photo(*faces: FakeFace | Placed) -> str:
    return as_base64(fake_jpeg(*faces))


def is_near(bbox: dict[str, int], expected: dict[str, int] = PLACED) -> bool:
    return all(abs(bbox[key] - expected[key]) <= 4 for key in expected)


# The scenes of /recognize


def test_matched(post, enrol):
    person = enrol(1, "张三", "T001")

    answer = post("/recognize", {"photo": "data:image/jpeg;base64," + photo(KNOWN), "targets": ["T001"], "threshold": 0.4})

    assert is_near(answer["data"].pop("bbox"))
    similarity = answer["data"]["match"][0].pop("similarity")
    assert similarity.endswith("%")
    assert len(similarity.partition(".")[2]) == len("00%")
    assert float(similarity[:-1]) > 99
    assert answer == {
        "statusCode": 200,
        "message": "识别成功",
        "data": {
            "hasFace": True,
            "threshold": 0.4,
            "match": [{"id": str(person.pk), "name": "张三", "number": "T001", "is_target": True}],
            "message": "匹配成功，≥阈值40.00%有1位，targets命中1位，最相似的是张三_T001",
        },
    }


def test_the_first_photo_of_a_process(post, enrol):
    """Before anything else has asked the only engine process what it is."""
    enrol(1, "张三", "T001")
    close_face_workers()
    close_gallery()
    with limited_to(20):
        assert post("/recognize", {"photo": photo(KNOWN)})["data"]["match"][0]["number"] == "T001"


@contextmanager
def limited_to(seconds):
    def give_up(*_signal):
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_no_face(post, enrol):
    enrol(1)
    answer = post("/recognize", {"photo": as_base64(as_jpeg(blank()))})
    assert answer == {"statusCode": 201, "message": "图像中未检测到人脸，请重新捕捉人脸", "data": None}


def test_too_small(post, enrol):
    enrol(1)

    answer = post("/recognize", {"photo": photo(Placed(KNOWN, 100, 150, size_px=60))})

    bbox = answer["data"]["bbox"]
    message = f"人脸像素过小({bbox['w']}x{bbox['h']}px)，无法识别"
    assert is_near(bbox, {"x": 100, "y": 150, "w": 60, "h": 60})
    assert answer == {
        "statusCode": 202,
        "message": message,
        "data": {"hasFace": True, "bbox": bbox, "threshold": 0.4, "match": None, "message": message},
    }


@pytest.mark.parametrize(
    ("enrolled", "code", "message"),
    [(False, 251, "数据库为空，请先录入人员信息"), (True, 252, "未找到匹配的人物（相似度低于阈值）")],
    ids=["gallery empty", "nobody near"],
)
def test_not_matched(post, enrol, enrolled, code, message):
    if enrolled:
        enrol(1)

    answer = post("/recognize", {"photo": photo(UNKNOWN), "threshold": 0.35})

    assert is_near(answer["data"].pop("bbox"))
    assert answer == {
        "statusCode": code,
        "message": message,
        "data": {"hasFace": True, "threshold": 0.35, "match": None, "message": message},
    }


@pytest.mark.parametrize(
    ("behaviour", "code", "message"),
    [
        (Behaviour.DETECTION_FAILS, 501, "人脸检测服务内部错误: the picture asks the detector to fail"),
        (Behaviour.EMBEDDING_FAILS, 502, "人脸特征提取失败: the picture asks the network to fail"),
        (Behaviour.CRASHES, 501, "人脸检测服务内部错误: 识别进程意外中断，请重试"),
    ],
    ids=["detector raises", "network raises", "process dies"],
)
def test_engine_failures_cost_one_request(post, enrol, behaviour, code, message):
    enrol(1)
    failed = post("/recognize", {"photo": photo(FakeFace(1, behaviour=behaviour))})
    assert failed == {"statusCode": code, "message": message, "data": None}
    assert post("/recognize", {"photo": photo(KNOWN)})["statusCode"] == 200


def test_largest_face_is_the_one(post, enrol):
    enrol(1, "张三", "T001")
    enrol(2, "李四", "T002")
    answer = post("/recognize", {"photo": photo(Placed(KNOWN, 20, 20, 120), Placed(UNKNOWN, 300, 100, 250))})
    assert [match["number"] for match in answer["data"]["match"]] == ["T002"]


def test_target_is_a_candidate_from_half_the_threshold_on(post, enrol):
    enrol(1, "张三", "T001")
    probe = photo(LOOKALIKE)

    assert post("/recognize", {"photo": probe})["statusCode"] == 252
    answer = post("/recognize", {"photo": probe, "targets": ["T001", "nobody"]})

    assert answer["statusCode"] == 200
    assert answer["data"]["threshold"] == 0.4
    assert answer["data"]["match"][0]["is_target"] is True
    assert answer["data"]["message"] == "匹配成功，≥阈值40.00%有0位，targets命中1位，最相似的是张三_T001"


def test_matches_are_at_most_three_by_falling_similarity(post, enrol, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"face_duplicate_threshold": 1.0})
    for number, variation in enumerate([4, 1, 3, 2]):
        enrol(5, f"甲{number}", f"N{number}", variation)

    answer = post("/recognize", {"photo": photo(FakeFace(5))})

    assert [match["number"] for match in answer["data"]["match"]] == ["N1", "N3", "N2"]
    similarities = [float(match["similarity"][:-1]) for match in answer["data"]["match"]]
    assert similarities == sorted(similarities, reverse=True)
    assert "≥阈值40.00%有4位，targets命中0位" in answer["data"]["message"]


# The scenes of /recognize/batch


def test_batch_matched(post, enrol):
    person = enrol(1, "张三", "T001")

    answer = post("/recognize/batch", {"photos": [photo(KNOWN), photo(FakeFace(1, variation=3))], "threshold": 0.4})

    assert all(is_near(frame.pop("bbox")) for frame in answer["data"]["frames"])
    assert float(answer["data"]["match"][0].pop("similarity")[:-1]) > 99
    assert answer == {
        "statusCode": 200,
        "message": "批量识别成功",
        "data": {
            "total_frames": 2,
            "valid_frames": 2,
            "threshold": 0.4,
            "frames": [{"index": 0, "hasFace": True, "error": None}, {"index": 1, "hasFace": True, "error": None}],
            "match": [{"id": str(person.pk), "name": "张三", "number": "T001", "is_target": False}],
            "message": "识别成功，使用2帧有效图片，找到1位候选人，最相似的是张三_T001（出现2次）",
        },
    }


def test_batch_gallery_empty(post):
    answer = post("/recognize/batch", {"photos": [photo(KNOWN), photo(KNOWN)]})
    assert answer == {
        "statusCode": 251,
        "message": "数据库为空，请先录入人员信息",
        "data": {
            "total_frames": 2,
            "valid_frames": 0,
            "threshold": 0.4,
            "frames": [],
            "match": None,
            "message": "数据库中暂无人脸数据，请先录入",
        },
    }


def test_batch_no_face_in_any_frame(post, enrol):
    enrol(1)
    nobody = as_base64(as_jpeg(blank()))
    answer = post("/recognize/batch", {"photos": [nobody, nobody]})
    assert answer == {
        "statusCode": 201,
        "message": "所有帧均未检测到有效人脸",
        "data": {
            "total_frames": 2,
            "valid_frames": 0,
            "threshold": 0.4,
            "frames": [{"index": i, "hasFace": False, "bbox": None, "error": "未检测到人脸"} for i in range(2)],
            "match": None,
            "message": "所有帧均未检测到有效人脸",
        },
    }


def test_batch_not_matched(post, enrol):
    enrol(1)

    answer = post("/recognize/batch", {"photos": [photo(UNKNOWN), photo(UNKNOWN)]})

    assert answer["statusCode"] == 252
    assert answer["message"] == answer["data"]["message"] == "识别失败，使用2帧有效图片，但相似度均低于阈值"
    assert answer["data"]["match"] is None
    assert answer["data"]["valid_frames"] == 2
    assert all(is_near(frame["bbox"]) and frame["error"] is None for frame in answer["data"]["frames"])


def test_batch_keeps_a_frames_error_to_the_frame(post, enrol):
    enrol(1, "张三", "T001")
    frames = {
        "base64 解码失败: Incorrect padding": "abc",
        "无法解析图片格式": as_base64(b"not a picture"),
        "未接收到有效图片数据或图像数据存在异常": None,
        "未检测到人脸": as_base64(as_jpeg(blank())),
        "人脸检测服务内部错误: the picture asks the detector to fail": photo(FakeFace(1, behaviour=Behaviour.DETECTION_FAILS)),
        "人脸特征提取失败: the picture asks the network to fail": photo(FakeFace(1, behaviour=Behaviour.EMBEDDING_FAILS)),
    }

    answer = post("/recognize/batch", {"photos": [*frames.values(), photo(Placed(KNOWN, 9, 9, 60)), photo(KNOWN)]})

    data = answer["data"]
    assert answer["statusCode"] == 200
    assert [frame["error"] for frame in data["frames"][:6]] == list(frames)
    assert data["frames"][6]["hasFace"] is True
    assert data["frames"][6]["error"].startswith("人脸像素过小(")
    assert data["frames"][7]["error"] is None
    assert data["valid_frames"] == 1
    assert data["total_frames"] == 8
    assert data["message"] == "识别成功，使用1帧有效图片，找到1位候选人，最相似的是张三_T001（出现1次）"


# Bad inputs


def picture_file(kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(fake_photo(KNOWN)).save(buffer, kind, **options)
    return as_base64(buffer.getvalue())


def png_bomb(side: int = 60_000) -> str:
    """A PNG that says it is `side` x `side` and holds a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return as_base64(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def truncated_jpeg() -> str:
    whole = fake_jpeg(KNOWN)
    return as_base64(whole[: len(whole) // 2])


def animated(kind: str) -> str:
    frames = [Image.fromarray(blank(64, 64, level)) for level in (10, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return as_base64(buffer.getvalue())


MISSING = (403, "未接收到有效图片数据或图像数据存在异常")
UNPARSED = (402, "无法解析图片格式")
NOT_BASE64 = (401, "base64 解码失败: Only base64 data is allowed")

BAD_PHOTOS = {
    "absent": (..., MISSING),
    "null": (None, MISSING),
    "empty": ("", MISSING),
    "blank": (" \n\t ", MISSING),
    "number": (12345, MISSING),
    "boolean": (True, MISSING),
    "list": (["/9j/"], MISSING),
    "object": ({"data": "/9j/"}, MISSING),
    "only a data URL prefix": ("data:image/jpeg;base64,", MISSING),
    "padding missing": ("abc", (401, "base64 解码失败: Incorrect padding")),
    "padding missing after a prefix": ("data:image/png;base64,abcde12", (401, "base64 解码失败: Incorrect padding")),
    "not base64 at all": ("这不是图片", NOT_BASE64),
    "a stray character": ("ab!d", NOT_BASE64),
    "url-safe alphabet": ("_-_-", NOT_BASE64),
    "a URL": ("https://example.com/face.jpg", NOT_BASE64),
    "a data URL without base64": ("data:image/jpeg,abcd", NOT_BASE64),
    "nul characters": ("ab\0d", NOT_BASE64),
    "text": (as_base64(b"hello"), UNPARSED),
    "one byte": (as_base64(b"\xff"), UNPARSED),
    "jpeg magic alone": (as_base64(b"\xff\xd8\xff\xe0"), UNPARSED),
    "truncated jpeg": (truncated_jpeg(), UNPARSED),
    "truncated png": (as_base64(as_png(blank(64, 64))[:-30]), UNPARSED),
    "gif": (picture_file("GIF"), UNPARSED),
    "tiff": (picture_file("TIFF"), UNPARSED),
    "svg": (as_base64(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), UNPARSED),
    "pdf": (picture_file("PDF"), UNPARSED),
    "zip": (as_base64(b"PK\x03\x04" + bytes(60)), UNPARSED),
    "html": (as_base64(b"<html><body>404</body></html>"), UNPARSED),
    "png bomb": (png_bomb(), MISSING),
    "animated png": (animated("PNG"), MISSING),
    "animated webp": (animated("WEBP"), MISSING),
    "random bytes": (as_base64(bytes(range(256)) * 40), UNPARSED),
}


@pytest.mark.parametrize(("value", "expected"), BAD_PHOTOS.values(), ids=BAD_PHOTOS.keys())
def test_bad_photo(post, enrol, value, expected):
    enrol(1)
    body = {} if value is ... else {"photo": value}
    code, message = expected
    assert post("/recognize", body) == {"statusCode": code, "message": message, "data": None}


def test_photo_over_the_limit(post, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"image_mb": 0})
    assert post("/recognize", {"photo": photo(KNOWN)})["statusCode"] == 403


WHOLE = photo(KNOWN)
BAD_BODIES = {
    "empty body": (b"", "请求体不是有效的 JSON"),
    "not json": (b"photo=abc", "请求体不是有效的 JSON"),
    "half json": (b'{"photo": "/9j', "请求体不是有效的 JSON"),
    "not utf-8": (b'{"photo": "\xff\xfe"}', "请求体不是有效的 JSON"),
    "a list": (b"[]", "请求体应为 JSON 对象"),
    "a string": (b'"photo"', "请求体应为 JSON 对象"),
    "null": (b"null", "请求体应为 JSON 对象"),
    "a number": (b"5", "请求体应为 JSON 对象"),
    "nested too deep": (b"[" * 100_000, "请求体不是有效的 JSON"),
    "threshold NaN": (f'{{"photo": "{WHOLE}", "threshold": NaN}}'.encode(), "请求体不是有效的 JSON"),
    "threshold Infinity": (f'{{"photo": "{WHOLE}", "threshold": Infinity}}'.encode(), "请求体不是有效的 JSON"),
    "threshold 1e999": (f'{{"photo": "{WHOLE}", "threshold": 1e999}}'.encode(), "请求体不是有效的 JSON"),
    "a lone surrogate": (b'{"photo": "\\ud800abc"}', "请求体不是有效的 JSON"),
    **{
        f"threshold {value!r}": (json.dumps({"photo": WHOLE, "threshold": value}).encode(), "threshold 应为 0 到 1 之间的数字")
        for value in (-1, -0.0001, 1.0001, 40, "0.4", "高", True, [0.4], {"value": 0.4})
    },
    **{
        f"targets {name}": (json.dumps({"photo": WHOLE, "targets": value}).encode(), "targets 应为人员编号（字符串）列表")
        for name, value in {
            "a string": "T001",
            "a number": 7,
            "an object": {"T001": True},
            "numbers": [1, 2],
            "nulls": [None],
            "lists": [["T001"]],
        }.items()
    },
    "targets far too many": (
        json.dumps({"photo": WHOLE, "targets": [f"T{n}" for n in range(10_001)]}).encode(),
        "targets 不能超过 10000 个",
    ),
}


@pytest.mark.parametrize(("body", "message"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_body(post, enrol, body, message):
    enrol(1)
    assert post("/recognize", body) == {"statusCode": 400, "message": message, "data": None}
    assert post("/recognize", {"photo": WHOLE})["statusCode"] == 200


ODD_BUT_GOOD = {
    "threshold null": {"threshold": None},
    "threshold 0": {"threshold": 0},
    "threshold 1.0 of another picture": {"threshold": 0.9},
    "targets null": {"targets": None},
    "targets empty": {"targets": []},
    "10,000 targets": {"targets": [f"T{n}" for n in range(10_000)]},
    "targets that nobody can have": {"targets": ["", "\0", "\u202e", "x" * 10_000, "T001'; DROP TABLE--"]},
    "the same target often": {"targets": ["T001"] * 5000},
    "an unknown key": {"camera": "door"},
}


@pytest.mark.parametrize("extra", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD.keys())
def test_odd_but_good(post, enrol, extra):
    enrol(1, "张三", "T001")
    answer = post("/recognize", {"photo": WHOLE} | extra)
    assert answer["statusCode"] == 200
    assert answer["data"]["match"][0]["number"] == "T001"


@pytest.mark.parametrize(
    "picture",
    ["JPEG", "PNG", "BMP", "WEBP"],
)
def test_picture_formats(post, enrol, picture):
    enrol(1)
    assert post("/recognize", {"photo": picture_file(picture)})["statusCode"] == 200


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_colour_modes_are_pictures(post, enrol, mode):
    enrol(1)
    buffer = io.BytesIO()
    Image.fromarray(fake_photo(KNOWN)).convert(mode).save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    # Without colour the fake engine's magenta is lost: the picture is read, and there is no face on it.
    expected = {"L": 201, "LA": 201, "1": 201}.get(mode, 200)
    assert post("/recognize", {"photo": as_base64(buffer.getvalue())})["statusCode"] == expected


BAD_BATCHES = {
    "photos absent": ({}, "photos 列表不能为空"),
    "photos null": ({"photos": None}, "photos 列表不能为空"),
    "photos empty": ({"photos": []}, "photos 列表不能为空"),
    "photos a string": ({"photos": "/9j/"}, "photos 应为列表"),
    "photos an object": ({"photos": {"0": "/9j/"}}, "photos 应为列表"),
    "photos a number": ({"photos": 3}, "photos 应为列表"),
    "too many photos": ({"photos": ["/9j/"] * 33}, "photos 不能超过 32 张"),
    "threshold out of range": ({"photos": [WHOLE], "threshold": 2}, "threshold 应为 0 到 1 之间的数字"),
    "targets a string": ({"photos": [WHOLE], "targets": "T001"}, "targets 应为人员编号（字符串）列表"),
    "not json": (b"{", "请求体不是有效的 JSON"),
}


@pytest.mark.parametrize(("body", "message"), BAD_BATCHES.values(), ids=BAD_BATCHES.keys())
def test_bad_batch(post, enrol, body, message):
    enrol(1)
    assert post("/recognize/batch", body) == {"statusCode": 400, "message": message, "data": None}


@pytest.mark.parametrize("path", ["/recognize", "/recognize/batch"])
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods(client, path, method):
    response = getattr(client, method)(path)
    assert response.status_code == 200
    assert response.headers["Allow"] == "POST"
    assert response.json() == {"statusCode": 400, "message": "仅支持 POST 请求", "data": None}


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_other_content_types(post, content_type):
    answer = post("/recognize", json.dumps({"photo": WHOLE}), content_type=content_type)
    assert answer == {"statusCode": 400, "message": "Content-Type 应为 application/json", "data": None}


def test_body_over_the_limit(post, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = post("/recognize", {"photo": WHOLE})
    assert answer == {"statusCode": 400, "message": "请求体过大", "data": None}
