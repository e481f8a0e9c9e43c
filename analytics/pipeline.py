"""One video from end to end in one pass: decode, detect, track, count, draw, encode.

`analyse` yields a Step for each sampled frame as soon as it is reached, and returns a Report at the end. Jobs store the steps,
streaming answers send them, tests look at them; whoever stops asking for the next one stops the work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analytics.boxes import BoxXYXY
from analytics.counting import Count, PassageCounter, count_kinds
from analytics.engines.base import Detection, Detector, Kind, LooksReduced, VehicleType
from analytics.pace import MAX_PER_SECOND, Pace
from analytics.tracking import Track, TrackedFrame, Tracker, TrackRules
from analytics.video.drawing import draw
from analytics.video.pictures import DecodedPicture, ImageBGR
from analytics.video.reader import Source, VideoReader
from analytics.video.types import Frame, VideoInfo, VideoLimits
from analytics.video.writer import VideoWriter

if TYPE_CHECKING:
    import av


class AnalysisCancelled(Exception):
    """`cancelled` said so. What was being written is deleted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One sampled frame (protocol 003: every `interval` milliseconds one frame), and who passed since the step before.

    Steps come at 0, interval, 2 x interval… Interval number n is complete with step n + 1; the last one with an extra step,
    `closing`, on the last frame. So the passages of all steps sum up to the different people and vehicles of the video.
    """

    index: int
    time_ms: int
    """Of the frame: the first one at or after index x interval."""
    now: Count
    """In this frame."""
    passed: Count
    """Counted since the step before: in the interval that ends here. Nobody at the first step."""
    picture: DecodedPicture = field(repr=False)
    """With boxes and counts drawn. Valid until the next step is asked for."""
    closing: bool = False
    """No sample of its own: the end of the video."""

    @property
    def image_bgr(self) -> ImageBGR:
        """The picture converted, anew at each call; as long as that is valid."""
        return self.picture.bgr()


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """One counted person or vehicle."""

    track_id: int
    kind: Kind
    vehicle_type: VehicleType | None
    first_ms: int
    last_ms: int
    counted_ms: int


@dataclass(frozen=True, slots=True)
class Report:
    """The whole video. The four lists have one entry for each interval, the last one being as long as what was left."""

    info: VideoInfo
    detector: str
    frames: int
    duration_ms: int
    """As decoded."""
    people_counts: tuple[int, ...]
    """In the frame at the start of each interval."""
    vehicle_counts: tuple[int, ...]
    people_per_interval: tuple[int, ...]
    """Counted in each interval for the first time."""
    vehicles_per_interval: tuple[int, ...]
    total: Count
    tracks: tuple[TrackSummary, ...] = field(repr=False)
    broken_at_ms: int | None
    """Where the video is damaged; what could be read is analysed."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A frame that was looked at, before anything is drawn on it: for faces and plates, lines and zones."""

    frame: Frame
    visible: tuple[Track, ...]
    """All tracks seen in it, those not yet counted too."""
    finished: tuple[Track, ...]
    """Tracks that are over, with their whole path."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the caller wants to know and say while the work goes on."""

    on_progress: Callable[[float], None] | None = None
    """Called with the share that is done, 0 to 1, once a step; never goes back."""
    on_observation: Callable[[Observation], None] | None = None
    cancelled: Callable[[], bool] | None = None
    """Asked before every frame."""


def analyse(
    source: Source,
    *,
    interval_ms: int,
    detector: Detector,
    hooks: Hooks | None = None,
    output: Path | None = None,
    limits: VideoLimits | None = None,
    rules: TrackRules | None = None,
    threads: int = 0,
) -> Generator[Step, None, Report]:
    """Yields each step as it is reached; the Report is the generator's return value.

    `output` is where the processed video is written, if anywhere. `threads` are those of decoding and of encoding, 0 being one
    a core. Closing the generator stops the work and deletes what was written. Raises ValueError for an interval below one
    millisecond, VideoError where the video can't be read, DetectionFailed, AnalysisCancelled, and OSError where the output
    can't be written.
    """
    if interval_ms < 1:
        raise ValueError(f"the interval must be at least one millisecond, not {interval_ms}")
    hooks = hooks or Hooks()
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(VideoReader(source, limits, threads=threads))
        info = reader.info
        writer = None
        if output is not None:
            writer = stack.enter_context(VideoWriter(output, info.width, info.height, info.fps, threads=threads))
        run = _Run(info, detector, rules or TrackRules(), interval_ms, hooks)
        for frame in reader:
            if hooks.cancelled is not None and hooks.cancelled():
                raise AnalysisCancelled(f"cancelled at {frame.time_ms} ms")
            yield from run.take(frame)
            if writer is not None:
                writer.write_frame(run.drawn(frame), frame.time_ms)
        yield run.finish()
        return run.report(reader.broken_at_ms)


def run_to_end(steps: Generator[Step, None, Report]) -> Report:
    """The Report of an analysis whose steps nobody wants to see."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: Report = end.value
            return report


class _Run:
    """The state of one analysis."""

    def __init__(self, info: VideoInfo, detector: Detector, rules: TrackRules, interval_ms: int, hooks: Hooks) -> None:
        self._info = info
        self._detector = detector
        self._interval_ms = interval_ms
        self._hooks = hooks
        fps = min(info.fps, MAX_PER_SECOND)
        self._pace = Pace()
        self._picture_size = (info.width, info.height)
        if isinstance(detector, LooksReduced):
            self._picture_size = detector.picture_size(info.width, info.height)
        detector.start(*self._picture_size, fps)
        self._tracker = Tracker(info.width, info.height, fps, rules)
        self._passages = PassageCounter()
        self._shown: tuple[Track, ...] = ()
        self._frame: Frame | None = None
        self._drawn: tuple[int, av.VideoFrame] | None = None
        self._next_step = 0
        self._now: list[Count] = []
        self._passed: list[Count] = []
        self._tracks: list[TrackSummary] = []

    def take(self, frame: Frame) -> Iterator[Step]:
        """Looks at the frame, if it is due, and gives the steps that it is the sample of."""
        self._frame = frame
        if self._pace.is_due(frame.time_ms):
            self._look(frame)
        while frame.time_ms >= self._next_step * self._interval_ms:
            yield self._step(frame)

    def drawn(self, frame: Frame) -> av.VideoFrame:
        """A copy of the frame with boxes and counts, drawn once, until it is given to the writer."""
        if self._drawn is None or self._drawn[0] != frame.index:
            picture = frame.yuv_copy()
            draw(picture, frame.time_ms, self._shown, self._count_now(), self._passages.so_far)
            self._drawn = (frame.index, picture)
        return self._drawn[1]

    def finish(self) -> Step:
        """The closing step: who was still waiting to be counted, and the last interval."""
        assert self._frame is not None, "a reader gives at least one frame"
        last = self._tracker.finish(self._frame.time_ms)
        self._passages.add(last.counted)
        self._close(last, Observation(self._frame, (), last.finished))
        passed = self._passages.close_interval()
        self._passed.append(passed)
        self._progress(1.0)
        self._drawn = None  # is with the writer; and who was counted only now is to be seen
        return Step(
            self._next_step, self._frame.time_ms, self._count_now(), passed, self._drawn_picture(self._frame), closing=True
        )

    def report(self, broken_at_ms: int | None) -> Report:
        """Everything, once `finish` was called."""
        assert self._frame is not None, "a reader gives at least one frame"
        return Report(
            info=self._info,
            detector=self._detector.name,
            frames=self._frame.index + 1,
            duration_ms=self._frame.time_ms + round(1000 / self._info.fps),
            people_counts=tuple(count.people for count in self._now),
            vehicle_counts=tuple(count.vehicles for count in self._now),
            people_per_interval=tuple(count.people for count in self._passed),
            vehicles_per_interval=tuple(count.vehicles for count in self._passed),
            total=self._passages.total,
            tracks=tuple(sorted(self._tracks, key=lambda track: track.counted_ms)),
            broken_at_ms=broken_at_ms,
        )

    def _look(self, frame: Frame) -> None:
        detections = self._detect(frame)
        tracked = self._tracker.update(detections, frame.time_ms)
        self._passages.add(tracked.counted)
        self._pace.looked(frame.time_ms, len(detections), tracked.visible)
        self._shown = tracked.present
        self._close(tracked, Observation(frame, tracked.visible, tracked.finished))

    def _detect(self, frame: Frame) -> list[Detection]:
        """What the detector finds, in pixels of the frame."""
        size = (self._info.width, self._info.height)
        if self._picture_size == size:
            return self._detector.detect(frame.image_bgr, frame.time_ms)
        found = self._detector.detect(frame.reduced_bgr(*self._picture_size), frame.time_ms)
        across, down = size[0] / self._picture_size[0], size[1] / self._picture_size[1]
        return [replace(one, bbox_xyxy=_scaled(one.bbox_xyxy, across, down)) for one in found]

    def _close(self, tracked: TrackedFrame, observation: Observation) -> None:
        self._tracks += [_summary(track) for track in tracked.finished if track.counted_ms is not None]
        if self._hooks.on_observation is not None:
            self._hooks.on_observation(observation)

    def _step(self, frame: Frame) -> Step:
        passed = self._passages.close_interval()
        if self._next_step > 0:
            self._passed.append(passed)
        now = self._count_now()
        self._now.append(now)
        if self._info.duration_ms:
            self._progress(min(0.99, frame.time_ms / self._info.duration_ms))
        step = Step(self._next_step, frame.time_ms, now, passed, self._drawn_picture(frame))
        self._next_step += 1
        return step

    def _drawn_picture(self, frame: Frame) -> DecodedPicture:
        return DecodedPicture(self.drawn(frame), self._info.width, self._info.height)

    def _count_now(self) -> Count:
        return count_kinds(track.kind for track in self._shown)

    def _progress(self, share: float) -> None:
        if self._hooks.on_progress is not None:
            self._hooks.on_progress(share)


def _scaled(box: BoxXYXY, across: float, down: float) -> BoxXYXY:
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _summary(track: Track) -> TrackSummary:
    assert track.counted_ms is not None, "only counted tracks are reported"
    return TrackSummary(track.track_id, track.kind, track.vehicle_type, track.first_ms, track.last_ms, track.counted_ms)
