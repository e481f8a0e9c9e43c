"""Model packs: the catalogue of those the product knows, their installation under the model root, and their verification.

Knows no Django and no setting; `manage.py models` is its door. Engines need none of it at run time: they look into the folder
that `PackStore.folder` describes.
"""

from kiosk.runtime.packs.catalogue import CATALOGUE, File, Job, Licence, Pack
from kiosk.runtime.packs.download import Network
from kiosk.runtime.packs.errors import DownloadFailed, LicenceNotAccepted, PackError, UnsafeArchive
from kiosk.runtime.packs.install import Request, pull
from kiosk.runtime.packs.store import Damage, Entry, Finding, PackStore, Record, State

__all__ = [
    "CATALOGUE",
    "Damage",
    "DownloadFailed",
    "Entry",
    "File",
    "Finding",
    "Job",
    "Licence",
    "LicenceNotAccepted",
    "Network",
    "Pack",
    "PackError",
    "PackStore",
    "Record",
    "Request",
    "State",
    "UnsafeArchive",
    "pull",
]
