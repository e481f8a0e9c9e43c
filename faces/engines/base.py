"""The interface of a face engine. Adapters live beside this file; each imports its vendor inside itself."""

from __future__ import annotations

from typing import Protocol

from faces.types import DetectedFace, Embedding, EngineInfo, ImageRGB


class EngineUnavailable(Exception):
    """The engine asked for can't run here; the message says what is missing and which command mends it."""


class DetectionFailed(Exception):
    """The vendor's detector raised (statusCode 501 of /recognize)."""


class EmbeddingFailed(Exception):
    """The vendor's embedding network raised (statusCode 502 of /recognize)."""


class FaceEngine(Protocol):
    """Finds faces and turns one into an embedding. Used by one thread of one worker process at a time."""

    @property
    def info(self) -> EngineInfo: ...

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:
        """All faces of the picture, the largest first; empty where there is none.

        `expects_none` says that there will hardly be any: an engine that looks for large faces first may as well not.
        Raises ValueError for an array that is not height x width x 3 of uint8, DetectionFailed for the vendor's errors.
        """
        ...

    def embed(self, image_rgb: ImageRGB, face: DetectedFace) -> Embedding:
        """The embedding of one face that `detect` found in the same picture.

        Raises ValueError for a wrong array, EmbeddingFailed for the vendor's errors or a result that is not finite.
        """
        ...
