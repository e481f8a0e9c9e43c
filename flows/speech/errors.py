"""What can go wrong with speech, by stable codes; the messages are for citizens and staff. Imported by worker processes."""

from __future__ import annotations

from enum import StrEnum


class SpeechErrorCode(StrEnum):
    """Why something was not heard or not spoken."""

    UNAVAILABLE = "unavailable"
    """No engine: the model is not installed, or can't be loaded."""
    NOT_AUDIO = "not_audio"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    SILENT = "silent"
    """Sound, but nobody speaks in it."""
    BUSY = "busy"
    FAILED = "failed"
    EMPTY_TEXT = "empty_text"
    TEXT_TOO_LONG = "text_too_long"


class SpeechError(Exception):
    """Why a call failed; `message` is Chinese, holds nothing of what was said, and may be shown to anybody."""

    def __init__(self, code: SpeechErrorCode, message: str = "") -> None:
        message = message or _MESSAGES[code]
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


_MESSAGES = {
    SpeechErrorCode.UNAVAILABLE: "语音服务不可用，请改用文字输入",
    SpeechErrorCode.NOT_AUDIO: "无法读取音频，请发送 wav、mp3、m4a、webm、ogg、flac 或 amr 格式的录音",
    SpeechErrorCode.TOO_LONG: "录音过长",
    SpeechErrorCode.TOO_LARGE: "音频文件过大",
    SpeechErrorCode.SILENT: "没有听到说话，请靠近话筒再说一遍",
    SpeechErrorCode.BUSY: "服务繁忙，请稍后重试",
    SpeechErrorCode.FAILED: "语音处理失败，请重试",
    SpeechErrorCode.EMPTY_TEXT: "没有可以朗读的文字",
    SpeechErrorCode.TEXT_TOO_LONG: "文字过长",
}
