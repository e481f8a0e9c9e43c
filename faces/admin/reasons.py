"""Why a photo was refused, in the language of the page."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from faces.engines.base import EngineUnavailable
from faces.enrolment import EnrolmentRefused
from faces.errors import FaceError, FaceErrorCode
from faces.quality import RefusalCode

REFUSALS: Final[dict[RefusalCode, str | Promise]] = {
    RefusalCode.NO_FACE: _("No face was found"),
    RefusalCode.SEVERAL_FACES: _("There are several faces; only one may be on the photo"),
    RefusalCode.TOO_SMALL: _("The face is too small"),
    RefusalCode.CUT_OFF: _("The face is cut off"),
    RefusalCode.TURNED_AWAY: _("The face is turned away too far"),
    RefusalCode.BLURRED: _("The face is blurred"),
    RefusalCode.TOO_DARK: _("The face is too dark"),
    RefusalCode.TOO_BRIGHT: _("The face is overexposed"),
    RefusalCode.DUPLICATE: _("This face is enrolled already, for somebody else"),
}
ERRORS: Final[dict[FaceErrorCode, str | Promise]] = {
    FaceErrorCode.BAD_PHOTO: _("This is not a picture that can be read (JPEG, PNG, BMP or WebP)"),
    FaceErrorCode.ABNORMAL_PHOTO: _("The picture is too large, animated or damaged (at most %(megabytes)d MiB)"),
    FaceErrorCode.DETECTION_FAILED: _("The face engine failed at this photo; please try again"),
    FaceErrorCode.EMBEDDING_FAILED: _("The face engine failed at this face; please try again"),
    FaceErrorCode.BUSY: _("The face engine is busy; please try again in a moment"),
    FaceErrorCode.INDEX_UNAVAILABLE: _("The face index does not answer; please try again in a moment"),
    FaceErrorCode.REFUSED: _("The photo was refused"),
    FaceErrorCode.NO_CONSENT: _("No consent to face recognition is recorded for this person"),
    FaceErrorCode.TOO_MANY_SAMPLES: _("This person has the most photos allowed already"),
    FaceErrorCode.WRONG_VALUE: _("This photo is enrolled already"),
}
UNAVAILABLE: Final = _("The face engine can't run; the server's log says what is missing")


def reasons(error: FaceError | EngineUnavailable) -> list[str]:
    """Every reason why a photo could not be enrolled or looked up."""
    if isinstance(error, EngineUnavailable):
        return [str(UNAVAILABLE)]
    if isinstance(error, EnrolmentRefused):
        return [str(REFUSALS[code]) for code in error.codes]
    return [str(ERRORS[error.code]) % {"megabytes": settings.KIOSK.image_mb}]
