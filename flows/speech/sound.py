"""Recordings of any kind to samples, and samples to MP3, through PyAV's FFmpeg. Runs in worker processes only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flows.speech.errors import SpeechError, SpeechErrorCode

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

Samples: TypeAlias = npt.NDArray[np.float32]
"""(samples,), float32 from -1 to 1, one channel."""

RATE = 16_000
"""Samples a second that recognisers want."""
_TOLERANCE_SECONDS = 0.5
_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,asf,au,avi,caf,flac,flv,matroska,mkv,mov,mp3,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,ogg,opus,"
    "rm,w64,wav,webm"
)
"""Containers that hold their own sound. Playlists (HLS, concat, DASH) make FFmpeg open the files and addresses they name."""
_FAST = {"compression_level": "7"}
"""Half the time of LAME's default, at a rate at which speech loses nothing by it."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": ""}


def decode(recording: bytes, *, max_seconds: float, rate: int = RATE) -> Samples:
    """The first sound track of a recording at `rate`: wav, mp3, m4a, webm, ogg, flac, amr, or a video with sound.

    Of a damaged recording, what can be read. Never decodes more than `max_seconds`, whatever a header claims. Raises SpeechError:
    NOT_AUDIO, TOO_LONG.
    """
    import av

    try:
        with av.open(io.BytesIO(recording), mode="r", metadata_errors="ignore", options=dict(_OPTIONS)) as container:
            pieces = list(_pieces(container, max_seconds, rate))
    except (av.FFmpegError, ValueError):
        # ValueError: what FFmpeg reads but PyAV has no words for, such as thirty channels.
        raise SpeechError(SpeechErrorCode.NOT_AUDIO) from None
    if not pieces:
        raise SpeechError(SpeechErrorCode.NOT_AUDIO)
    # A broken writer's NaN and infinities are silence, an overdriven one's peaks are cut.
    return np.clip(np.nan_to_num(np.concatenate(pieces), copy=False, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def encode_mp3(pcm: bytes, *, rate: int, bit_rate: int = 48_000) -> bytes:
    """An MP3 of one channel. `pcm`: signed 16-bit samples of one channel, `rate` a second."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, options=dict(_FAST))
        stream.layout = "mono"
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[np.newaxis, :], format="s16p", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _pieces(container: InputContainer, max_seconds: float, rate: int) -> Iterator[Samples]:
    """Mono samples at `rate`, piece by piece, as they are decoded."""
    import av

    left = round((max_seconds + _TOLERANCE_SECONDS) * rate)
    resampler: Any = None
    made_for: tuple[Any, ...] = ()
    for frame in _frames(container):
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or kind != made_for:
            # A stream may change its mind: chained ogg files, AAC that turns out to be HE-AAC.
            resampler, made_for = av.AudioResampler(format="flt", layout="mono", rate=rate), kind
        frame.pts = None
        for piece in _resampled(resampler, frame):
            left -= piece.size
            if left < 0:
                raise SpeechError(SpeechErrorCode.TOO_LONG, f"录音过长，请控制在 {max_seconds:g} 秒以内")
            yield piece
    if resampler is not None:
        yield from _resampled(resampler, None)


def _resampled(resampler: Any, frame: AudioFrame | None) -> Iterator[Samples]:
    for piece in resampler.resample(frame):
        yield piece.to_ndarray()[0]


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    """The frames of the first sound track; damaged packets are left out, and a stream that breaks off ends there."""
    import av

    if not container.streams.audio:
        raise SpeechError(SpeechErrorCode.NOT_AUDIO, "文件中没有声音")
    packets = iter(container.demux(container.streams.audio[0]))
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from frames
