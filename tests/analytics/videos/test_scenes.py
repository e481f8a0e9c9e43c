"""Where a video shows something that was not looked at yet (analytics.videos.scenes)."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.video.types import Frame, ImageBGR
from analytics.videos.scenes import Glance, Part, Seen, parts_of

SIZE = (640, 360)
WHOLE = [Part(0, 0, 640, 360)]


def scene(seed: int = 0) -> ImageBGR:
    """Blurred spots, as a hall out of focus."""
    spots = np.random.default_rng(seed).integers(40, 200, (9, 16, 3), dtype=np.uint8)
    return np.repeat(np.repeat(spots, 40, axis=0), 40, axis=1)


def with_face(image_bgr: ImageBGR, left: int = 300, top: int = 100, side: int = 40) -> ImageBGR:
    changed = image_bgr.copy()
    place = changed[top : top + side, left : left + side]
    place[:] = np.where(place > 127, place - 70, place + 70)
    return changed


def times(image_bgr: ImageBGR, factor: float) -> ImageBGR:
    return np.clip(image_bgr * factor, 0, 255).astype(np.uint8)


def noisy(image_bgr: ImageBGR) -> ImageBGR:
    noise = np.random.default_rng(5).normal(0, 6, image_bgr.shape)
    return np.clip(image_bgr + noise, 0, 255).astype(np.uint8)


def glance(image_bgr: ImageBGR) -> Glance:
    return Glance.of(Frame(0, 0, image_bgr))


def looked_at(*images_bgr: ImageBGR) -> Seen:
    """What was seen of a video of which each frame was looked at where it was new."""
    seen = Seen()
    for image in images_bgr:
        seen.note(glance(image), parts_of(seen.changed(glance(image)), SIZE), SIZE)
    return seen


def new_parts(seen: Seen, image_bgr: ImageBGR) -> list[Part]:
    return parts_of(seen.changed(glance(image_bgr)), SIZE)


def test_at_first_all_of_it_is_new() -> None:
    assert new_parts(Seen(), scene()) == WHOLE


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([scene()], scene()),
        ([scene()], noisy(scene())),
        ([scene()], times(scene(), 1.2)),
        ([scene()], times(scene(), 0.6)),
        ([scene(), with_face(scene())], with_face(scene())),
        ([scene(), with_face(scene())], scene()),
        ([scene(), with_face(scene())], times(with_face(scene()), 0.8)),
    ],
    ids=["the same", "noise", "brighter", "darker", "somebody stands still", "somebody has left", "darker around somebody"],
)
def test_what_was_looked_at_is_not_looked_at_again(before: list[ImageBGR], now: ImageBGR) -> None:
    assert new_parts(looked_at(*before), now) == []


@pytest.mark.parametrize("side", [12, 40, 160])
def test_a_face_that_comes_into_the_picture_is_looked_at_with_room_around_it(side: int) -> None:
    (part,) = new_parts(looked_at(scene()), with_face(scene(), 300, 100, side))
    assert part.left < 300 - 5
    assert part.top < 100 - 5
    assert part.right > 300 + side + 5
    assert part.bottom > 100 + side + 5
    assert part.area < (side + 100) ** 2


def test_two_faces_apart_are_two_parts_and_another_scene_is_one() -> None:
    seen = looked_at(scene())
    assert len(new_parts(seen, with_face(with_face(scene(), 60), 500))) == 2
    assert new_parts(seen, scene(seed=1)) == WHOLE


def test_where_a_face_was_is_looked_at_again_although_nothing_moves() -> None:
    seen = looked_at(scene(), with_face(scene()))
    seen.keep_open(glance(with_face(scene())), [(300.0, 100.0, 340.0, 140.0)], SIZE)
    (part,) = new_parts(seen, with_face(scene()))
    assert part.meets((300.0, 100.0, 340.0, 140.0))
    seen.note(glance(scene()), [part], SIZE)
    assert new_parts(seen, scene()) == []
    assert new_parts(seen, with_face(scene())) != [], "who comes back is new"


def test_a_cut_is_another_scene_and_light_alone_is_none() -> None:
    first = glance(scene())
    assert glance(np.ascontiguousarray(scene()[::-1])).is_cut_from(first)
    assert not glance(with_face(scene())).is_cut_from(first)
    assert not glance(np.full_like(scene(), 200)).is_cut_from(glance(np.full_like(scene(), 90)))
