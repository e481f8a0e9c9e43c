"""What can go wrong with a model pack. Every message is one line for the person at the terminal."""

from __future__ import annotations


class PackError(Exception):
    """A pack can't be installed or checked; the message says why and, where there is one, the mend."""


class LicenceNotAccepted(PackError):
    """The pack isn't free for commercial use, and nobody has accepted its licence with this call."""


class DownloadFailed(PackError):
    """The source didn't deliver, or delivered something else."""


class UnsafeArchive(PackError):
    """The archive would write outside of its folder, or is no archive that may be unpacked."""
