"""Who stands in front of the camera: /face_predict (platform protocol, 人脸识别), decided over several pictures.

A person is recognised when the same one is the nearest, at the threshold or above it, in two pictures in a row, or in a single
one that is well above it. Pictures in which nobody can be made out lie between without harm; somebody else starts anew. Where
another person is almost as near, nobody is recognised: of twins, or of one person enrolled twice, neither is a safe answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from faces import messages
from faces.errors import FaceError
from faces.frames import OUT_OF_ATTEMPTS, Attempts, FrameAnswer, Progress
from faces.recognition import Recognition, Verdict
from faces.types import Box

_SURE_MARGIN: Final = 0.2
"""How far above the threshold one picture is enough: with the default, 0.6, or a distance of 0.47 of dlib's."""
_RIVAL_MARGIN: Final = 0.05

NO_FACE: Final = "未检测到人脸，请正对摄像头"
RIVALS: Final = "与多人相似，请正对摄像头重试"
ONCE_MORE: Final = "已匹配，请保持不动以确认"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one picture; `number` is "" while the person is unknown."""

    answer: FrameAnswer
    number: str = field(default="", repr=False)
    box: Box | None = None
    """Where the largest face of the picture is."""


class Predictor:
    """The decision of one connection. Pure: what was seen in a picture goes in, the answer comes out."""

    def __init__(self, *, most_images: int) -> None:
        self._attempts = Attempts(most_images)
        self._seen_last: int | None = None

    def take(self, seen: Recognition | FaceError) -> Prediction:
        """What is said to one picture. After success it starts anew; after fail it is not to be used any more."""
        if isinstance(seen, FaceError):
            self._attempts.count(seen)
            prediction = Prediction(FrameAnswer(Progress.CONTINUE, messages.photo_reason(seen)))
        else:
            self._attempts.count(None)
            prediction = replace(self._judge(seen), box=seen.box)
        if prediction.answer.progress is Progress.CONTINUE and self._attempts.exhausted:
            return Prediction(FrameAnswer(Progress.FAIL, OUT_OF_ATTEMPTS))
        return prediction

    def _judge(self, seen: Recognition) -> Prediction:
        if not seen.matches:
            return Prediction(FrameAnswer(Progress.CONTINUE, _why_nobody(seen)))
        best = seen.matches[0]
        if len(seen.matches) > 1 and seen.matches[1].similarity > best.similarity - _RIVAL_MARGIN:
            self._seen_last = None
            return Prediction(FrameAnswer(Progress.CONTINUE, RIVALS))
        if best.similarity < seen.threshold + _SURE_MARGIN and best.person.pk != self._seen_last:
            self._seen_last = best.person.pk
            return Prediction(FrameAnswer(Progress.CONTINUE, ONCE_MORE))
        self._seen_last = None
        return Prediction(FrameAnswer(Progress.SUCCESS), best.person.number)


def _why_nobody(seen: Recognition) -> str:
    match seen.verdict:
        case Verdict.NO_FACE:
            return NO_FACE
        case Verdict.TOO_SMALL:
            assert seen.box is not None
            return messages.too_small(seen.box)
        case Verdict.GALLERY_EMPTY:
            return messages.GALLERY_EMPTY
        case _:
            return messages.NO_MATCH
