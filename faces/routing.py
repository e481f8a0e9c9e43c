"""The websockets of this app, by their paths."""

from faces.consumers import FacePredictConsumer

TOOL_SOCKETS = {"/face_predict": FacePredictConsumer.as_asgi()}
