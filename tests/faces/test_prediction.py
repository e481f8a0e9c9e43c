"""What /face_predict decides over several pictures. Pure: no picture, no database."""

from __future__ import annotations

import pytest

from faces.errors import FaceError, FaceErrorCode
from faces.prediction import NO_FACE, ONCE_MORE, RIVALS, Predictor
from faces.recognition import Match, Recognition, Verdict
from faces.types import Box, KnownPerson

THRESHOLD = 0.4
BOX = Box(0, 0, 100, 100)


def seen(*persons: tuple[int, float]) -> Recognition:
    """A picture in which these persons are as near as this, the nearest first."""
    matches = tuple(Match(KnownPerson(pk, f"person_{pk}", f"n{pk}", "", "visitor"), nearness, False) for pk, nearness in persons)
    return Recognition(Verdict.MATCHED if matches else Verdict.NO_MATCH, THRESHOLD, BOX, matches)


NOBODY = Recognition(Verdict.NO_FACE, THRESHOLD)
SMALL = Recognition(Verdict.TOO_SMALL, THRESHOLD, Box(0, 0, 30, 40))
EMPTY = Recognition(Verdict.GALLERY_EMPTY, THRESHOLD, BOX)
BAD = FaceError(FaceErrorCode.BAD_PHOTO, "x")
BUSY = FaceError(FaceErrorCode.BUSY, "服务繁忙，请稍后重试")
DEAD = FaceError(FaceErrorCode.DETECTION_FAILED, "识别进程意外中断，请重试")


def answers(predictor: Predictor, *pictures: Recognition | FaceError) -> list[tuple[str, str]]:
    taken = [predictor.take(picture) for picture in pictures]
    return [(prediction.answer.progress.value, prediction.number) for prediction in taken]


GO_ON = ("continue", "")


@pytest.mark.parametrize(
    ("pictures", "last"),
    [
        ([seen((1, 0.61))], ("success", "n1")),
        ([seen((1, 0.601))], ("success", "n1")),
        ([seen((1, 0.59))], GO_ON),
        ([seen((1, 0.4)), seen((1, 0.4))], ("success", "n1")),
        ([seen((1, 0.5)), NOBODY, BAD, BUSY, SMALL, seen((1, 0.5))], ("success", "n1")),
        ([seen((1, 0.5)), seen(), seen((1, 0.5))], ("success", "n1")),
        ([seen((1, 0.5)), seen((2, 0.5))], GO_ON),
        ([seen((1, 0.5)), seen((2, 0.5)), seen((1, 0.5))], GO_ON),
        ([seen((1, 0.5)), seen((2, 0.5)), seen((2, 0.5))], ("success", "n2")),
        ([seen((1, 0.5)), seen((2, 0.7))], ("success", "n2")),
        ([seen((1, 0.9), (2, 0.86))], GO_ON),
        ([seen((1, 0.9), (2, 0.84))], ("success", "n1")),
        ([seen((1, 0.5)), seen((1, 0.5), (2, 0.47)), seen((1, 0.5))], GO_ON),
        ([seen((1, 0.7)), seen((1, 0.5))], GO_ON),
    ],
    ids=[
        "one that is sure",
        "just sure",
        "not quite sure",
        "twice",
        "twice, with pictures of nobody between",
        "twice, with a stranger's or a bad one between",
        "two persons",
        "somebody else between",
        "the second person twice",
        "the second person surely",
        "twins, however near",
        "twins who differ enough",
        "a twin starts anew",
        "after success it starts anew",
    ],
)
def test_decisions(pictures, last):
    assert answers(Predictor(most_images=30), *pictures)[-1] == last


@pytest.mark.parametrize(
    ("picture", "detail"),
    [
        (NOBODY, NO_FACE),
        (SMALL, "人脸像素过小(30x40px)，无法识别"),
        (EMPTY, "数据库为空，请先录入人员信息"),
        (seen(), "未找到匹配的人物（相似度低于阈值）"),
        (seen((1, 0.5)), ONCE_MORE),
        (seen((1, 0.5), (2, 0.5)), RIVALS),
        (BAD, "图片格式不支持"),
        (FaceError(FaceErrorCode.ABNORMAL_PHOTO, "x"), "图像数据存在异常"),
        (BUSY, "服务繁忙，请稍后重试"),
        (DEAD, "人脸检测服务内部错误: 识别进程意外中断，请重试"),
    ],
)
def test_details(picture, detail):
    assert Predictor(most_images=30).take(picture).answer.detail == detail


@pytest.mark.parametrize("picture", [NOBODY, SMALL, EMPTY, seen(), BAD, seen((1, 0.5), (2, 0.5))])
def test_the_last_picture_fails(picture):
    assert answers(Predictor(most_images=3), *[picture] * 3) == [GO_ON, GO_ON, ("fail", "")]


def test_the_last_picture_may_succeed():
    assert answers(Predictor(most_images=2), NOBODY, seen((1, 0.9)))[-1] == ("success", "n1")


@pytest.mark.parametrize("trouble", [BUSY, DEAD, FaceError(FaceErrorCode.INDEX_UNAVAILABLE, "x")])
def test_trouble_of_the_server_is_no_attempt_but_does_not_last_for_ever(trouble):
    predictor = Predictor(most_images=3)
    assert answers(predictor, NOBODY, trouble, trouble, NOBODY) == [GO_ON] * 4
    assert answers(predictor, trouble)[-1] == ("fail", "")


def test_nothing_personal_in_its_repr():
    assert "n1" not in repr(Predictor(most_images=3).take(seen((1, 0.9))))
