"""The websockets of this app: the flow socket (face_train, qna), /stt and /tts (platform protocol, 工具模块 and 流程)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

import orjson

from faces.frames import Progress
from faces.training import Training
from flows import speech
from flows.dialogue import conversation
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.enrolment import begin_training, read_training_request, train
from flows.messages import FlowType, failed, flow_body
from flows.serializers import echo, read_hash, read_user_id
from flows.speech import SpeechError
from kiosk.api.scopes import Scope
from kiosk.api.sockets import CloseCode, Message, ProtocolConsumer, Refused, ToolConsumer, json_object

_ENDING: Final = frozenset({FlowErrorCode.NO_VISIT, FlowErrorCode.EXPIRED})
"""Errors after which nothing more can be said about this visit: the server closes."""
UNKNOWN_TYPE: Final = "type 应为 face_train 或 qna"
SHAKE_HANDS_FIRST: Final = "首条消息应为 JSON 对象，type 为 face_train 或 qna"


class FlowConsumer(ProtocolConsumer):
    """The flow socket. A JSON object whose type is face_train or qna begins, also in the middle of another.

    face_train: pictures in, continue, success or fail out. qna: questions out, answers in, as text or sound, until an empty text
    message. After success and after the last question the next handshake may come; after fail, or with a hash that opens
    nothing, the server closes.
    """

    required_scope = Scope.FLOWS

    def __init__(self) -> None:
        super().__init__()
        self._user_id = self._hash = ""
        self._training: Training | None = None
        self._asking = False

    async def on_text(self, text: str) -> None:
        body = json_object(text)
        if body is not None and "type" in body:
            await self._begin(body)
        elif self._asking:
            await self._answer_question(conversation.answer, text)
        elif self._training is not None:
            raise Refused("请发送图片的二进制数据")
        else:
            raise Refused(SHAKE_HANDS_FIRST)

    async def on_bytes(self, data: bytes) -> None:
        if self._asking:
            await self._answer_question(conversation.answer_audio, data)
        elif self._training is not None:
            await self._train(self._training, data)
        else:
            raise Refused(SHAKE_HANDS_FIRST)

    def error_body(self, detail: str) -> Message:
        return failed(self._user_id, FlowType.ERROR, self._hash, detail)

    async def _begin(self, body: Message) -> None:
        if not self._asking and self._training is None:
            self._user_id, self._hash = echo(body)
        if body["type"] not in (FlowType.FACE_TRAIN.value, FlowType.QNA.value):
            raise Refused(UNKNOWN_TYPE)
        self._training, self._asking = None, False
        self._user_id, self._hash = echo(body)
        try:
            self._user_id, self._hash = read_user_id(body), read_hash(body)
            if body["type"] == FlowType.FACE_TRAIN:
                self._training = await self.work(begin_training, self._user_id, self._hash, read_training_request(body))
                self._hash = self._hash or secrets.token_hex(12)
            else:
                await self._ask(conversation.begin)
        except FlowError as error:
            await self._fail(error)

    async def _train(self, training: Training, photo: bytes) -> None:
        answer = await self.work(train, training, photo)
        body = flow_body(self._user_id, FlowType.FACE_TRAIN, self._hash, message=answer.progress.value)
        await self.send_json({**body, "detail": answer.detail} if answer.detail else body)
        if answer.progress is not Progress.CONTINUE:
            self._training = None
        if answer.progress is Progress.FAIL:
            await self.close(CloseCode.NORMAL)

    async def _answer_question(self, step: Callable[..., str], said: str | bytes) -> None:
        try:
            await self._ask(step, said)
        except FlowError as error:
            await self._fail(error)

    async def _ask(self, step: Callable[..., str], *said: str | bytes) -> None:
        """Takes a step of the conversation and puts its question; an empty one is the end. Raises FlowError.

        What is said after the end may correct an answer, until storage.
        """
        question = await self.work(step, self._user_id, self._hash, *said)
        self._asking = True
        await self.send(text_data=question)

    async def _fail(self, error: FlowError) -> None:
        await self.send_error(error.detail)
        if error.code in _ENDING:
            await self.close(CloseCode.POLICY_VIOLATION, error.detail)


class TranscribeConsumer(ToolConsumer):
    """/stt: one utterance as a binary message in, its text as a JSON string out.

    With ?partial=1, or after {"type": "stt", "partial": true}, the text so far comes before it, as often as there is more.
    """

    kind = "stt"

    def __init__(self) -> None:
        super().__init__()
        self._wants_partial: bool | None = None

    async def on_text(self, text: str) -> None:
        body = json_object(text)
        if body is None or body.get("type") != self.kind or not isinstance(body.get("partial"), bool):
            raise Refused("请发送音频的二进制数据")
        self._wants_partial = body["partial"]

    async def on_bytes(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()

        def tell_partial(text: str) -> None:
            # On the thread that listens. Sent in this order: the whole text comes after its parts.
            asyncio.run_coroutine_threadsafe(self.send_json({"type": self.kind, "message": "partial", "text": text}), loop)

        try:
            heard = await self.work(speech.transcribe, data, on_partial=tell_partial if self._is_partial() else None)
        except SpeechError as error:
            raise Refused(error.message) from None
        await self.send(text_data=orjson.dumps(heard.text).decode())

    def _is_partial(self) -> bool:
        if self._wants_partial is None:
            asked = parse_qs(self.scope["query_string"].decode("latin1")).get("partial", [""])
            self._wants_partial = asked[0] in {"1", "true"}
        return self._wants_partial


class SpeakConsumer(ToolConsumer):
    """/tts: one text message, bare or a JSON string, in; one binary message of MP3 out."""

    kind = "tts"

    async def on_text(self, text: str) -> None:
        try:
            sound = await self.work(speech.speak, _bare(text))
        except SpeechError as error:
            raise Refused(error.message) from None
        await self.send(bytes_data=sound)

    async def on_bytes(self, data: bytes) -> None:  # noqa: ARG002
        raise Refused("请发送要朗读的文本")


def _bare(text: str) -> str:
    """What a text message asks to be spoken. Raises Refused for JSON that is no string."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if isinstance(value, dict | list):
        raise Refused("请发送文本或 JSON 字符串")
    return value if isinstance(value, str) else text
