"""The websockets of this app, by their paths."""

from analytics.events.consumers import EventConsumer
from analytics.events.staff import StaffEventConsumer

EVENT_SOCKETS = {"/events": EventConsumer.as_asgi()}
STAFF_SOCKETS = {"/admin/events": StaffEventConsumer.as_asgi()}
"""For pages of the admin: on the port that serves these, and on no other."""
