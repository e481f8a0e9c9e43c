"""What the place looks like when nobody is there, and which pixels of a frame differ from it.

A mean and a noise level for each pixel, as in any background subtraction, with what cameras in halls and car parks need beside:

- The beginning. A pixel is background once it has kept its colour for a while; until then, only what changes counts as
  foreground. Traffic in the first frame leaves no holes.
- Exposure. The background is not compared as it was learnt but as the camera would show it now: a tone curve, fitted anew
  whenever the light may have changed, over what was background just before, maps its brightness to the frame's. OpenCV's MOG2
  and KNN have nothing for this: where an automatic exposure reacts to a white car, their whole picture turns into foreground.
- Standing still. Only what is not foreground is learnt. What stands is kept for `HOLD_SECONDS`, however many frames that is.
- Holes. What was still at first and went away would leave one for ever; `holes` finds them, `forget` closes them.
- Shake. A pixel may look like any of its neighbours in the background.
- Shadows keep the colour and the texture of what they fall on (`shadows`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analytics.engines.arrays import FloatArray, Mask, Milliseconds, Picture, Truth, greatest, window_of
from analytics.engines.exposure import tone_curves, unexposed
from analytics.engines.shadows import bodies, shaded

SETTLE_MS = 600
"""How long a pixel must keep its colour to be background."""
SETTLE_AT_LAST_MS = 8000
"""After so long, a pixel that never does is background as it is."""
CHANGE = 12.0
"""Levels of 255, of any colour, from frame to frame that are motion; more where the camera is noisier."""
CHANGE_FACTOR = 6.0
"""Times the median change of the picture."""
STEADY = 1.0
"""Median change of the picture up to which the light is what it was a moment ago."""
ALL_CHANGE_SHARE = 0.4
"""Of the picture: when so much changes at once, it is the light."""
LEARN_MS = 250
"""How often the background is brought up to date."""
LEARN_SECONDS = 4.0
"""In which the background follows what is not foreground."""
HOLD_SECONDS = 600.0
"""In which something that stands still fades into the background."""
NOISE_SECONDS = 2.0
MIN_DIFFERENCE = 11.0
"""Grey levels of 255; less is compression."""
NOISE_FACTOR = 4.5
"""Mean deviations that are taken for noise."""
STRONG = 1.8
"""Times the threshold that some part of an object must reach."""
SAMPLE_STRIDE = 6
"""Of the pixels that the tone curves are fitted to, across and down."""
RESET_JUMP = 0.4
"""Of the picture: when so much more differs from one frame to the next, it is another view."""
RESET_SHARE = 0.65
"""And so much for `RESET_SECONDS`: the camera was turned slowly."""
RESET_SECONDS = 3.0

_WINDOW = np.ones((3, 3), np.uint8)
_RIM = np.ones((5, 5), np.uint8)
_SAMPLE = (slice(None, None, SAMPLE_STRIDE), slice(None, None, SAMPLE_STRIDE))


@dataclass(slots=True)
class _State:
    """Everything learnt so far; all images of one size."""

    mean: FloatArray
    """height x width x 3, in the exposure of the first frame."""
    noise: FloatArray
    """height x width: mean absolute difference to the mean, grey levels."""
    known: Truth
    """Where the mean is background."""
    changed_ms: Milliseconds
    """When each pixel has last changed its colour."""
    foreground: Mask
    curves: FloatArray
    """(256, 3): what the camera makes of each level of the mean now, as a factor."""
    expected: Picture
    """The mean as the camera would show it now."""
    last: Picture
    time_ms: int
    begun_ms: int
    learnt_ms: int
    learnt: Picture
    """The mean in whole levels; follows it."""
    threshold: Mask
    """From what difference on a pixel is foreground; follows the noise."""
    all_known: bool = False
    share: float = 0.0
    full_seconds: float = 0.0


class BackgroundModel:
    """Learns one video's background. Frames are BGR, all of one size, slightly blurred."""

    def __init__(self) -> None:
        self._state: _State | None = None

    @property
    def expected(self) -> Picture:
        """The background as the camera would have shown it in the last frame."""
        assert self._state is not None, "no frame was given yet"
        return self._state.expected

    @property
    def still_ms(self) -> Milliseconds:
        """How long each pixel has kept its colour, height x width."""
        assert self._state is not None, "no frame was given yet"
        return self._state.time_ms - self._state.changed_ms

    @property
    def known(self) -> Truth:
        """Of which pixels the background is known, height x width."""
        assert self._state is not None, "no frame was given yet"
        return self._state.known

    def apply(self, frame: Picture, time_ms: int) -> Mask | None:
        """The frame's foreground, height x width of 0 and 255; None where the whole view is new and is learnt from here."""
        state = self._state
        if state is None:
            self._state = _begin(frame, time_ms)
            return self._state.foreground
        seconds = max(0.001, (time_ms - state.time_ms) / 1000)
        changed, median_change = _follow_changes(state, frame, time_ms)
        is_learning = time_ms - state.learnt_ms >= LEARN_MS
        if is_learning or not state.all_known or median_change > STEADY:
            _expose(state, frame)
        mask, held = _foreground(state, frame, changed)
        share = float(np.count_nonzero(mask)) / mask.size
        state.full_seconds = state.full_seconds + seconds if share > RESET_SHARE else 0.0
        if share - state.share > RESET_JUMP or state.full_seconds > RESET_SECONDS:
            self._state = _begin(frame, time_ms)
            return None
        state.share = share
        state.foreground = mask
        if is_learning:
            _learn(state, frame, held)
        _settle(state, frame)
        return mask

    def forget(self, frame: Picture, region: Mask) -> None:
        """Takes what the last frame shows in `region` for background: nothing stands there."""
        import cv2

        assert self._state is not None, "no frame was given yet"
        _take(self._state, frame, region)
        cv2.copyTo(frame, region, self._state.expected)
        self._state.foreground[region > 0] = 0


def _begin(frame: Picture, time_ms: int) -> _State:
    shape = frame.shape[:2]
    noise = np.full(shape, MIN_DIFFERENCE / NOISE_FACTOR, np.float32)
    return _State(
        mean=frame.astype(np.float32),
        noise=noise,
        known=np.zeros(shape, np.bool_),
        changed_ms=np.full(shape, time_ms, np.int32),
        foreground=np.zeros(shape, np.uint8),
        curves=np.ones((256, 3), np.float32),
        expected=frame,
        last=frame,
        time_ms=time_ms,
        begun_ms=time_ms,
        learnt_ms=time_ms,
        learnt=frame,
        threshold=_threshold(noise),
    )


def _follow_changes(state: _State, frame: Picture, time_ms: int) -> tuple[Mask, float]:
    """Which pixels have changed since the last frame, none where all have, because that is the light; and the median change."""
    import cv2

    change = greatest(cv2.absdiff(frame, state.last))
    median = _median(change[_SAMPLE])
    _, changed = cv2.threshold(change, max(CHANGE, CHANGE_FACTOR * median), 255, cv2.THRESH_BINARY)
    state.last, state.time_ms = frame, time_ms
    if cv2.countNonZero(changed) > ALL_CHANGE_SHARE * changed.size:
        return np.zeros_like(changed), median
    around = window_of(changed, 1)
    state.changed_ms[around][cv2.dilate(changed[around], _WINDOW) > 0] = time_ms
    return changed, median


def _expose(state: _State, frame: Picture) -> None:
    """Fits the tone curves of this frame over what was background in the last one."""
    import cv2

    quiet = state.foreground[_SAMPLE] == 0
    if np.count_nonzero(quiet) < quiet.size // 10:
        quiet = np.ones_like(quiet)
    state.curves = tone_curves(state.mean[_SAMPLE][quiet], frame[_SAMPLE][quiet].astype(np.float32))
    shown = np.clip(np.arange(256)[:, np.newaxis] * state.curves + 0.5, 0, 255).astype(np.uint8)
    state.expected = cv2.LUT(state.learnt, shown[np.newaxis])


def _foreground(state: _State, frame: Picture, changed: Mask) -> tuple[Mask, Mask]:
    """What differs from the background, or changes where none is known yet: without its shadows, and with them."""
    import cv2

    # A pixel may look like any of its neighbours: the camera shakes.
    above = cv2.subtract(frame, cv2.dilate(state.expected, _WINDOW))
    below = cv2.subtract(cv2.erode(state.expected, _WINDOW), frame)
    difference = greatest(cv2.max(above, below))
    differs: Mask = cv2.compare(difference, state.threshold, cv2.CMP_GT)
    if not state.all_known:
        differs = np.where(state.known, differs, changed)
    differs = cv2.medianBlur(differs & 1, 3)
    left, top, width, height = cv2.boundingRect(differs)
    without, held = np.zeros_like(differs), np.zeros_like(differs)
    if width == 0:
        return without, held
    inside = (slice(top, top + height), slice(left, left + width))
    known = state.known[inside]
    shade = shaded(state.expected[inside], frame[inside]) & known
    strong = (difference[inside] > STRONG * state.threshold[inside]) | ~known
    without[inside], held[inside] = bodies(differs[inside], shade, strong)
    return without, held


def _learn(state: _State, frame: Picture, held: Mask) -> None:
    """Follows what is not `held`; that fades in slowly.

    What looks like a shadow on an object is held with it: a grey coat must not become the wall behind it.
    """
    import cv2

    seconds = (state.time_ms - state.learnt_ms) / 1000
    age_seconds = (state.time_ms - state.begun_ms) / 1000
    state.learnt_ms = state.time_ms
    # At the start each frame is worth as much as those before it, so that a single noisy one is soon outweighed.
    quick = 1 - math.exp(-seconds / min(LEARN_SECONDS, age_seconds))
    # The rim of an object is never quite one or the other.
    held = cv2.dilate(held, _RIM)
    free = cv2.bitwise_not(held)
    learnable = unexposed(frame, state.curves)
    cv2.accumulateWeighted(learnable, state.mean, quick, mask=free)
    if held.any():
        cv2.accumulateWeighted(learnable, state.mean, 1 - math.exp(-seconds / HOLD_SECONDS), mask=held)
    difference = greatest(cv2.absdiff(frame, state.expected))
    cv2.accumulateWeighted(difference, state.noise, 1 - math.exp(-seconds / NOISE_SECONDS), mask=free)
    state.learnt = _levels(state.mean)
    state.threshold = _threshold(state.noise)


def _settle(state: _State, frame: Picture) -> None:
    """Takes pixels that have kept their colour long enough for background as they are."""
    if state.all_known:
        return
    _take(state, frame, (~state.known).view(np.uint8))
    late = state.time_ms - state.begun_ms >= SETTLE_AT_LAST_MS
    state.known |= late | (state.time_ms - state.changed_ms >= SETTLE_MS)
    state.all_known = bool(state.known.all())


def _take(state: _State, frame: Picture, region: Mask) -> None:
    """What the frame shows where `region` isn't 0 is the background from now on."""
    import cv2

    cv2.copyTo(unexposed(frame, state.curves), region, state.mean)
    state.learnt = _levels(state.mean)


def _median(levels: Mask) -> float:
    """The upper median; numpy's own takes several times as long."""
    return float(np.partition(levels, levels.size // 2, axis=None)[levels.size // 2])


def _levels(mean: FloatArray) -> Picture:
    import cv2

    return cv2.convertScaleAbs(mean)


def _threshold(noise: FloatArray) -> Mask:
    import cv2

    levels = cv2.convertScaleAbs(cv2.blur(noise, (5, 5)), alpha=NOISE_FACTOR)
    return cv2.max(levels, np.full_like(levels, MIN_DIFFERENCE))
