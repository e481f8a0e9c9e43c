"""The runtime's part of a server's start: that the keys of the encrypted columns are those that the rows were written with."""

from __future__ import annotations

from django.db import DatabaseError

from kiosk.runtime.rotation import foreign_columns
from kiosk.runtime.services import Service, WrongConfiguration, register_service


def register() -> None:
    """Makes a server with foreign keys refuse to start: what it wrote would be readable to nobody with the right ones."""
    register_service(Service("encryption", verify=_verify))


def _verify() -> None:
    try:
        foreign = foreign_columns()
    except DatabaseError:
        return  # no tables yet: whoever needs them says so
    if foreign:
        raise WrongConfiguration(
            f"KIOSK_ENCRYPTION_KEYS: {', '.join(foreign)} was encrypted with another key; put the old key behind the new one, or"
            " restore the file encryption_key of the data folder from the backup"
        )
