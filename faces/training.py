"""Enrolling a person from several pictures: face_train (platform protocol, 人脸录入).

Good pictures, all of one face, are kept in memory until there are enough of them, and enrolled together: whoever goes away before
leaves nothing behind. A picture that shows somebody else than those before starts anew with itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.conf import settings

from faces.enrolment import CheckedPhoto, NewPerson, check_photo, enrol_photos
from faces.errors import FaceError, FaceErrorCode
from faces.frames import OUT_OF_ATTEMPTS, Attempts, FrameAnswer, Progress
from faces.messages import photo_reason
from faces.models import Person
from faces.similarity import similarities
from faces.workers import face_workers

SAME_PICTURE: Final = "与上一张照片相同，请继续拍摄"
SOMEBODY_ELSE: Final = "画面中换了人，已重新开始采集"


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """The answer to one picture; `person` once they are enrolled."""

    answer: FrameAnswer
    person: Person | None = field(default=None, repr=False)


class Training:
    """One face_train. take() blocks and is called by one thread at a time."""

    def __init__(self, new: NewPerson, *, samples: int, most_images: int) -> None:
        self._new = new
        self._samples = samples
        self._attempts = Attempts(most_images)
        self._good: list[CheckedPhoto] = []

    def take(self, photo: bytes) -> TrainingStep:
        """What is said to one picture. After success or fail it is not to be used any more."""
        try:
            step = self._take(photo)
        except FaceError as error:
            self._attempts.count(error)
            step = TrainingStep(FrameAnswer(Progress.CONTINUE, photo_reason(error)))
        else:
            self._attempts.count(None)
        if step.answer.progress is Progress.CONTINUE and self._attempts.exhausted:
            return TrainingStep(FrameAnswer(Progress.FAIL, OUT_OF_ATTEMPTS))
        return step

    def _take(self, photo: bytes) -> TrainingStep:
        """Raises FaceError for a picture that can't be used."""
        checked = check_photo(photo)
        if any(known.sha256 == checked.sha256 for known in self._good):
            return TrainingStep(FrameAnswer(Progress.CONTINUE, SAME_PICTURE))
        if not self._is_the_same_face(checked):
            self._good = [checked]
            if self._samples > 1:
                return TrainingStep(FrameAnswer(Progress.CONTINUE, SOMEBODY_ELSE))
        else:
            self._good = [*self._good, checked][-self._samples :]
        if len(self._good) < self._samples:
            return TrainingStep(FrameAnswer(Progress.CONTINUE, f"已采集 {len(self._good)}/{self._samples} 张，请继续"))
        return self._enrol()

    def _is_the_same_face(self, checked: CheckedPhoto) -> bool:
        if not self._good:
            return True
        known = np.stack([photo.embedding for photo in self._good])
        alike = similarities(face_workers().info.metric, checked.embedding, known)
        return bool(alike.min() >= settings.KIOSK.face_duplicate_threshold)

    def _enrol(self) -> TrainingStep:
        try:
            person = enrol_photos(self._new, self._good)
        except FaceError as error:
            if error.code is FaceErrorCode.INDEX_UNAVAILABLE:
                raise
            return TrainingStep(FrameAnswer(Progress.FAIL, error.message))
        return TrainingStep(FrameAnswer(Progress.SUCCESS), person)
