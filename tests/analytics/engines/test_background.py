"""The background: what differs from it, under a camera that is not ideal. Working-size pictures, drawn by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.engines.arrays import Picture
from analytics.engines.background import SETTLE_MS, BackgroundModel
from analytics.engines.exposure import tone_curves, unexposed
from analytics.engines.holes import HoleFinder
from analytics.engines.shadows import bodies, shaded

HEIGHT, WIDTH = 108, 192
STEP_MS = 100
BODY = (slice(30, 80), slice(60, 80))


def ground(seed: int = 3) -> Picture:
    """Uneven ground, bright on the left and dark on the right."""
    random = np.random.default_rng(seed)
    coarse = cv2.resize(random.normal(0, 12, (7, 12)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(190, 60, WIDTH, dtype=np.float32)
    grey = np.clip(slope + coarse, 0, 255)[:, :, np.newaxis]
    return np.asarray(grey.repeat(3, axis=2), np.uint8)


def noisy(picture: Picture, random: np.random.Generator, light: float = 1.0) -> Picture:
    return np.asarray(np.clip(picture * light + random.normal(0, 2, picture.shape), 0, 255), np.uint8)


def with_body(picture: Picture, colour: tuple[int, int, int] = (20, 20, 120)) -> Picture:
    changed = picture.copy()
    changed[BODY] = colour
    return changed


class Camera:
    """A model that has seen the empty ground for two seconds."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.random = np.random.default_rng(5)
        self.model = BackgroundModel()
        self.time_ms = -STEP_MS
        for _ in range(round(seconds * 1000 / STEP_MS)):
            self.see(ground())

    def see(self, picture: Picture, light: float = 1.0, step_ms: int = STEP_MS) -> Picture | None:
        self.time_ms += step_ms
        return self.model.apply(noisy(picture, self.random, light), self.time_ms)


def test_noise_is_no_foreground() -> None:
    camera = Camera()
    for _ in range(20):
        mask = camera.see(ground())
        assert mask is not None
        assert not mask.any()


@pytest.mark.parametrize(
    "colour",
    [pytest.param((20, 20, 120), id="red"), pytest.param((15, 15, 15), id="black"), pytest.param((250, 250, 250), id="white")],
)
def test_a_body_is_foreground_and_nothing_else(colour: tuple[int, int, int]) -> None:
    mask = Camera().see(with_body(ground(), colour))
    assert mask is not None
    inside = np.zeros_like(mask)
    inside[BODY] = 255
    assert (mask[BODY] > 0).mean() > 0.9
    assert not mask[cv2.dilate(inside, np.ones((5, 5), np.uint8)) == 0].any()


@pytest.mark.parametrize("light", [0.5, 0.75, 1.2], ids=lambda light: f"light x {light}")
def test_an_exposure_step_is_no_foreground_and_hides_none(light: float) -> None:
    camera = Camera()
    mask = camera.see(ground(), light)
    assert mask is not None
    assert mask.mean() < 1, "a step alone"
    mask = camera.see(with_body(ground()), light)
    assert mask is not None
    assert (mask[BODY] > 0).mean() > 0.9
    assert (mask > 0).mean() < 0.08


@pytest.mark.parametrize("light", [0.7, 1.3])
def test_light_that_changes_after_a_calm_while_is_followed_at_once(light: float) -> None:
    model = BackgroundModel()
    for time_ms in range(0, 3001, STEP_MS):
        model.apply(ground(), time_ms)
    # Just after it has learnt.
    for picture, time_ms in ((ground(), 3100), (with_body(ground()), 3200)):
        mask = model.apply(np.asarray(np.clip(picture * light, 0, 255), np.uint8), time_ms)
        assert mask is not None
        found = mask > 0
        is_body = np.zeros_like(found)
        is_body[BODY] = time_ms == 3200
        assert np.count_nonzero(found & is_body) >= 0.9 * np.count_nonzero(is_body)
        assert np.count_nonzero(found & ~is_body) <= 0.1 * np.count_nonzero(is_body)


def test_who_stands_for_a_minute_stays_foreground() -> None:
    camera = Camera()
    mask = None
    for _ in range(300):
        mask = camera.see(with_body(ground()), step_ms=200)
    assert mask is not None
    assert (mask[BODY] > 0).mean() > 0.9


def test_what_passes_in_the_first_frames_leaves_no_hole() -> None:
    camera = Camera(seconds=0)
    for left in range(10, 170, 8):
        picture = ground()
        picture[40:70, left : left + 24] = np.random.default_rng(left).integers(0, 255, (30, 24, 3))
        camera.see(picture)
    for _ in range(SETTLE_MS // STEP_MS + 2):
        camera.see(ground())
    mask = camera.see(ground())
    assert mask is not None
    assert (mask > 0).mean() < 0.002


def test_a_cut_starts_anew() -> None:
    camera = Camera()
    blocks = np.random.default_rng(9).integers(20, 236, (9, 16, 3)).astype(np.uint8)
    other = cv2.resize(blocks, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    assert camera.see(other) is None
    for _ in range(SETTLE_MS // STEP_MS + 1):
        camera.see(other)
    mask = camera.see(other)
    assert mask is not None
    assert not mask.any()


def test_a_shadow_keeps_colour_and_texture() -> None:
    picture = ground()
    darker = (picture * 0.6).astype(np.uint8)
    assert shaded(picture, darker)[5:-5, 5:-5].mean() > 0.95
    red = darker.copy()
    red[:, :, 2] = 160
    assert shaded(picture, red).mean() < 0.05, "another colour"
    black = (picture * 0.2).astype(np.uint8)
    assert shaded(picture, black).mean() < 0.05, "too dark"


def _differs(*parts: tuple[slice, slice]) -> Picture:
    mask = np.zeros((60, 60), np.uint8)
    for part in parts:
        mask[part] = 1
    return mask


def test_a_shadow_at_the_side_is_taken_off() -> None:
    body, shadow = (slice(10, 50), slice(10, 20)), (slice(40, 50), slice(20, 50))
    differs = _differs(body, shadow)
    shade = _differs(shadow) > 0
    without, with_shadows = bodies(differs, shade, differs > 0)
    assert not without[shadow].any()
    assert without[body].any()
    assert with_shadows[shadow].all()


def test_a_body_of_the_colour_of_shadow_is_kept_whole() -> None:
    windows = [(slice(12, 18), slice(20, 40)), (slice(42, 48), slice(20, 40))]
    body = (slice(10, 50), slice(18, 42))
    differs = _differs(body)
    shade = (differs > 0) & ~(_differs(*windows) > 0)
    without, _ = bodies(differs, shade, differs > 0)
    assert without[body].all()


def test_a_shadow_alone_is_nothing() -> None:
    differs = _differs((slice(10, 50), slice(10, 20)))
    without, _ = bodies(differs, differs > 0, differs > 0)
    assert not without.any()


def test_tone_curves_follow_gain_and_white_balance_and_back() -> None:
    random = np.random.default_rng(0)
    learnt = random.uniform(20, 240, (5000, 3)).astype(np.float32)
    gains = np.array([0.5, 0.6, 0.7], np.float32)
    curves = tone_curves(learnt, learnt * gains)
    assert curves == pytest.approx(np.broadcast_to(gains, (256, 3)), rel=0.02)
    seen = (learnt * gains).astype(np.uint8)[np.newaxis]
    assert unexposed(seen, curves)[0] == pytest.approx(learnt, abs=4)


def test_a_large_object_is_no_tone_curve() -> None:
    learnt = np.full((5000, 3), 100, np.float32)
    learnt[:2000] = 200
    seen = learnt.copy()
    seen[:2000] = 20
    curves = tone_curves(learnt, seen)
    assert curves[200].min() >= 0.8 * curves[100].min()


@pytest.mark.parametrize(
    ("frame", "expected", "is_hole"),
    [
        pytest.param(ground(), with_body(ground()), True, id="left behind"),
        pytest.param(with_body(ground()), ground(), False, id="somebody stands there"),
        pytest.param(
            np.clip(ground() + cv2.GaussianBlur(with_body(np.zeros_like(ground()), (40, 40, 40)), (0, 0), 12), 0, 255).astype(
                np.uint8
            ),
            ground(),
            True,
            id="a patch of light",
        ),
    ],
)
def test_a_hole_has_no_outline(frame: Picture, expected: Picture, is_hole: bool) -> None:
    foreground = np.zeros((HEIGHT, WIDTH), np.uint8)
    foreground[BODY] = 255
    still_ms = np.full((HEIGHT, WIDTH), 5000, np.int32)
    found = HoleFinder().find(frame, foreground, expected, still_ms, 5000)
    assert (found is not None) is is_hole
    if found is not None:
        assert found[BODY].all()


def test_what_moves_is_no_hole() -> None:
    foreground = np.zeros((HEIGHT, WIDTH), np.uint8)
    foreground[BODY] = 255
    still_ms = np.zeros((HEIGHT, WIDTH), np.int32)
    assert HoleFinder().find(ground(), foreground, with_body(ground()), still_ms, 5000) is None


def test_a_hole_that_is_forgotten_is_background() -> None:
    camera = Camera(seconds=0)
    for _ in range(20):
        camera.see(with_body(ground()))
    mask = camera.see(ground())
    assert mask is not None
    assert mask[BODY].any(), "who was learnt has left a hole"
    camera.model.forget(ground(), cv2.dilate(mask, np.ones((7, 7), np.uint8)))
    mask = camera.see(ground())
    assert mask is not None
    assert not mask.any()


def test_a_hole_that_is_forgotten_is_background_in_the_next_picture() -> None:
    model = BackgroundModel()
    for time_ms in range(0, 3000, STEP_MS):
        model.apply(with_body(ground()), time_ms)
    mask = model.apply(ground(), 3000)
    assert mask is not None
    assert mask[BODY].any()
    model.forget(ground(), cv2.dilate(mask, np.ones((7, 7), np.uint8)))
    after = model.apply(ground(), 3050)  # before anything is learnt
    assert after is not None
    assert not after.any()
