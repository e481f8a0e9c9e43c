"""What can go wrong with a video that somebody sent, each with a stable code. The HTTP edge turns a code into a status."""

from __future__ import annotations

from enum import StrEnum

from analytics.video.errors import VideoErrorCode


class ProblemCode(StrEnum):
    """Stable codes: `code` of the answers, and what stands in Video.error_code. Those of videos that can't be read come first."""

    NOT_A_VIDEO = VideoErrorCode.NOT_A_VIDEO
    NO_VIDEO_STREAM = VideoErrorCode.NO_VIDEO_STREAM
    UNSUPPORTED_CODEC = VideoErrorCode.UNSUPPORTED_CODEC
    NO_FRAMES = VideoErrorCode.NO_FRAMES
    BAD_DIMENSIONS = VideoErrorCode.BAD_DIMENSIONS
    TOO_LARGE = VideoErrorCode.TOO_LARGE
    TOO_LONG = VideoErrorCode.TOO_LONG

    MALFORMED = "malformed"
    MISSING_VIDEO = "missing_video"
    MISSING_INTERVAL = "missing_interval"
    BAD_INTERVAL = "bad_interval"
    BAD_LINES = "bad_lines"
    BAD_ZONES = "bad_zones"
    BAD_DEVICE = "bad_device"
    BAD_TIME = "bad_time"
    BUSY = "busy"
    NOT_FOUND = "not_found"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    DETECTION_FAILED = "detection_failed"
    STORAGE_FAILED = "storage_failed"
    WORKER_DIED = "worker_died"
    INTERNAL = "internal"


MESSAGES: dict[ProblemCode, str] = {
    ProblemCode.NOT_A_VIDEO: "文件不是可读取的视频",
    ProblemCode.NO_VIDEO_STREAM: "文件中没有视频画面",
    ProblemCode.UNSUPPORTED_CODEC: "不支持该视频的编码格式",
    ProblemCode.NO_FRAMES: "视频中没有可解码的画面",
    ProblemCode.BAD_DIMENSIONS: "视频画面尺寸不在允许范围内",
    ProblemCode.TOO_LARGE: "视频文件过大",
    ProblemCode.TOO_LONG: "视频时长超过限制",
    ProblemCode.MALFORMED: "请求应为 multipart/form-data，且内容完整",
    ProblemCode.MISSING_VIDEO: "缺少视频文件 video",
    ProblemCode.MISSING_INTERVAL: "缺少处理间隙 interval",
    ProblemCode.BAD_INTERVAL: "interval 应为整数毫秒",
    ProblemCode.BAD_LINES: "lines 应为计数线的 JSON 列表",
    ProblemCode.BAD_ZONES: "zones 应为区域的 JSON 列表",
    ProblemCode.BAD_DEVICE: "没有 device 指定的设备",
    ProblemCode.BAD_TIME: "recorded_at 应为 ISO 8601 时间",
    ProblemCode.BUSY: "服务繁忙，请稍后重试",
    ProblemCode.NOT_FOUND: "没有这个任务",
    ProblemCode.FINISHED: "任务已经结束",
    ProblemCode.CANCELLED: "任务已取消",
    ProblemCode.DETECTION_FAILED: "视频检测失败",
    ProblemCode.STORAGE_FAILED: "处理结果无法保存",
    ProblemCode.WORKER_DIED: "处理进程意外中断",
    ProblemCode.INTERNAL: "服务内部错误",
}


class VideoProblem(Exception):
    """A request or a video that is refused; `str()` is the Chinese message for the one who sent it."""

    def __init__(self, code: ProblemCode, detail: str = "", *, at_ms: int | None = None) -> None:
        super().__init__(f"{MESSAGES[code]}：{detail}" if detail else MESSAGES[code])
        self.code = code
        self.detail = detail
        self.at_ms = at_ms
        """Where in the video; None where that says nothing."""

    def __reduce__(self) -> tuple[type[VideoProblem], tuple[ProblemCode, str], dict[str, int | None]]:
        """Survives the way out of a worker process."""
        return VideoProblem, (self.code, self.detail), {"at_ms": self.at_ms}
