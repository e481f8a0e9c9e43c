"""What a device's error says to people."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics.cameras.sources import Problem

TEXTS: Final[dict[str, str | Promise]] = {
    Problem.BAD_ADDRESS: _("The address is none that can be read."),
    Problem.NO_HOST: _("The address's host is unknown, or it breaks off the connection."),
    Problem.REFUSED: _("The camera refuses the connection: wrong port, or switched off."),
    Problem.UNREACHABLE: _("There is no way through the network to the camera."),
    Problem.UNAUTHORIZED: _("The camera does not accept user and password."),
    Problem.NOT_FOUND: _("The camera is there, but not this path; or there is no such file."),
    Problem.NOT_PERMITTED: _("This server may not read the file or camera."),
    Problem.TIMED_OUT: _("The camera sends nothing."),
    Problem.NO_VIDEO: _("There is no picture at this address."),
    Problem.UNREADABLE: _("What comes is no video that can be read."),
    Problem.ENDED: _("The camera ended the stream."),
    Problem.NO_PASSWORD: _("The stored password can't be decrypted: KIOSK_ENCRYPTION_KEYS lacks its key. Enter it again."),
    Problem.FAILED: _("The camera can't be read; the log of manage.py watch may say more."),
}


def problem_text(error: str) -> str:
    """The words for MediaDevice.error; a box's own words (`manage.py relay`) as they are."""
    return str(TEXTS.get(error, error))
