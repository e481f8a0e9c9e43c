"""The websocket of this app: /face_predict (platform protocol, 人脸识别)."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs

from django.conf import settings

from faces.errors import FaceError
from faces.frames import Progress
from faces.prediction import Predictor
from faces.recognition import Recognition, recognise
from kiosk.api.sockets import CloseCode, Message, Refused, ToolConsumer


class FacePredictConsumer(ToolConsumer):
    """Pictures in, one as a binary message; continue, success or fail out. After fail the server closes.

    With ?box=1 the answer says where in the picture the face is, so that a client can frame it.
    """

    kind = "face_predict"

    def __init__(self) -> None:
        super().__init__()
        self._hash = secrets.token_hex(12)
        self._predictor = Predictor(most_images=settings.KIOSK.face_predict_images)

    async def on_text(self, text: str) -> None:  # noqa: ARG002
        raise Refused("请发送图片的二进制数据")

    async def on_bytes(self, data: bytes) -> None:
        prediction = self._predictor.take(await self.work(_recognised, data))
        answer = prediction.answer
        body = self._body(answer.progress, answer.detail, prediction.number)
        if prediction.box is not None and self._wants_box():
            body["box"] = prediction.box.as_dict()
        await self.send_json(body)
        if answer.progress is Progress.FAIL:
            await self.close(CloseCode.NORMAL)

    def error_body(self, detail: str) -> Message:
        return self._body("error", detail)

    def _wants_box(self) -> bool:
        asked = parse_qs(self.scope["query_string"].decode("latin1")).get("box", [""])
        return asked[0] in {"1", "true"}

    def _body(self, message: str, detail: str, number: str = "") -> Message:
        body = {"user_id": number, "type": self.kind, "hash": self._hash, "message": message}
        return {**body, "detail": detail} if detail else body


def _recognised(photo: bytes) -> Recognition | FaceError:
    try:
        return recognise(photo, threshold=settings.KIOSK.face_threshold)
    except FaceError as error:
        return error
