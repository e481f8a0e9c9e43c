"""Staff's admin of persons and face samples. The classes parse and show; what happens is in the app's services."""

from faces.admin.persons import PersonAdmin
from faces.admin.samples import FaceSampleAdmin

__all__ = ["FaceSampleAdmin", "PersonAdmin"]
