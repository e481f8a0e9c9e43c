"""What citizens come for, who they are, and what was said."""

from flows.models.catalogue import IsJsonArray, ReadableJSONEncoder, ServiceItem
from flows.models.citizens import Citizen, Relative
from flows.models.dialogue import DialogueSession, Turn

__all__ = ["Citizen", "DialogueSession", "IsJsonArray", "ReadableJSONEncoder", "Relative", "ServiceItem", "Turn"]
