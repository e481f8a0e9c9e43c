"""Staff's admin of services, citizens and visits. The classes parse and show; what happens is in the app's services."""

from flows.admin import dashboard
from flows.admin.citizens import CitizenAdmin
from flows.admin.services import ServiceItemAdmin
from flows.admin.visits import VisitAdmin

__all__ = ["CitizenAdmin", "ServiceItemAdmin", "VisitAdmin"]

dashboard.register()
