"""What a token allows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """The permissions a token can carry; a view names the one it asks for."""

    FACES_RECOGNISE = "faces:recognise", _("Recognise faces (/recognize, /face find)")
    FACES_ENROL = "faces:enrol", _("Enrol people (/face add)")
    FACES_LIST = "faces:list", _("List enrolled people (/face list)")
    FLOWS = "flows:converse", _("Conversation (handshake, qna, face_train, storage, summary)")
    VIDEOS = "videos:analyse", _("Analyse videos (/video, /video-streaming)")
    SIGHTINGS = "sightings:search", _("Search videos (/face-detect, /licence-plate, /search-face, /search-licence-plate)")
    EVENTS = "events:follow", _("Recognition events (event socket, /getmediadevices)")
    TOOLS = "tools:use", _("Tool sockets (/face_predict, /stt, /tts) from outside their networks")
