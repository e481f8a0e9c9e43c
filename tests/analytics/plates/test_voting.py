from __future__ import annotations

import random

import numpy as np
import pytest

from analytics.plates.grammar import parse
from analytics.plates.search import prefilter, search, understand
from analytics.plates.types import Plate, PlateKind
from analytics.plates.voting import Ballot, BestFrames, frame_quality, sharpness, vote


def ballot(text, confidence=0.9, *, sharp=1.0, width_px=120.0, unsure=(), kind=PlateKind.ORDINARY):
    """A reading whose characters at the places `unsure` were read with a score of 0.3, the others with 0.97."""
    scores = tuple(0.3 if place in unsure else 0.97 for place in range(len(text)))
    return Ballot(Plate(text, kind, text[:1], confidence, scores), confidence, sharp, width_px)


def test_no_readings_no_plate():
    assert vote([]) is None
    assert vote([ballot("苏D561GM", 0.0)]) is None


def test_one_reading_is_its_own_verdict_but_not_stable():
    verdict = vote([ballot("苏D561GM")])
    assert (verdict.text, verdict.province, verdict.agreeing, verdict.readings) == ("苏D561GM", "苏", 1, 1)
    assert not verdict.is_stable
    assert 0.7 < verdict.confidence < 0.9


def test_agreement_makes_sure():
    confidences = [vote([ballot("苏D561GM")] * count).confidence for count in (1, 2, 3, 5)]
    assert confidences == sorted(confidences)
    assert confidences[-1] > 0.99
    assert vote([ballot("苏D561GM")] * 3).is_stable


def test_contradiction_makes_unsure():
    agreed = vote([ballot("苏D561GM")] * 2)
    contradicted = vote([ballot("苏D561GM")] * 2 + [ballot("苏D567GM")])
    assert contradicted.text == "苏D561GM"
    assert contradicted.confidence < agreed.confidence
    assert not contradicted.is_stable


def test_frames_that_are_each_wrong_elsewhere_give_the_right_text():
    verdict = vote([ballot("苏0561GM", unsure=[1]), ballot("苏D561GN", unsure=[6]), ballot("苏D567GM", unsure=[4])])
    assert verdict.text == "苏D561GM"
    assert verdict.agreeing == 0


def test_a_sharp_large_frame_outweighs_two_blurred_small_ones():
    blurred = ballot("苏D567GM", 0.5, sharp=0.1, width_px=30)
    assert vote([blurred, blurred, ballot("苏D561GM", 0.95)]).text == "苏D561GM"
    assert vote([blurred, blurred]).text == "苏D567GM"


@pytest.mark.parametrize("broken", ["苏BD0011", "苏BD001111", "BD00111", "苏BD00"])
def test_lost_and_doubled_characters_are_aligned(broken):
    right = ballot("苏BD00111", kind=PlateKind.NEW_ENERGY)
    verdict = vote([ballot(broken, 0.6), right, right])
    assert (verdict.text, verdict.kind) == ("苏BD00111", PlateKind.NEW_ENERGY)


def test_where_the_columns_mix_into_no_plate_the_heaviest_reading_wins():
    # Column by column: 苏AABCDE, a serial of letters alone, which no plate has.
    readings = [ballot("苏AABCD1", 0.6), ballot("苏AABC2E", 0.6), ballot("苏A3BCDE", 0.7)]
    assert vote(readings).text == "苏A3BCDE"


@pytest.mark.parametrize("worse", [{"confidence": 0.5}, {"sharp": 0.2}, {"width_px": 40.0}], ids=str)
def test_an_unsure_blurred_or_small_reading_weighs_less(worse):
    assert 0.0 < ballot("苏D561GM", **worse).weight < ballot("苏D561GM").weight


def test_the_kind_of_the_frames_counts():
    seen = [ballot("VA01234", kind=PlateKind.FOREIGN)] * 2
    assert vote(seen).kind is PlateKind.FOREIGN


def test_the_order_of_frames_does_not_matter():
    ballots = [
        ballot("苏D561GM"),
        ballot("苏D567GM", 0.6),
        ballot("苏0561GM", 0.7),
        ballot("苏D561G", 0.5),
        ballot("苏D561GM", 0.4),
    ]
    first = vote(ballots)
    for seed in range(10):
        random.Random(seed).shuffle(ballots)
        again = vote(ballots)
        assert (again.text, again.agreeing) == (first.text, first.agreeing)
        assert again.confidence == pytest.approx(first.confidence)


def test_readings_without_scores_for_each_character_count_with_their_own():
    plate = Plate("苏D561GM", PlateKind.ORDINARY, "苏", 0.9)
    assert vote([Ballot(plate, 0.9)] * 2).text == "苏D561GM"


def test_no_repr_shows_a_plate():
    verdict = vote([ballot("苏D561GM")])
    match = search("苏D561GM", [(1, "苏D561GM")])[0]
    for value in (verdict, match, ballot("苏D561GM"), understand("苏D561GM"), prefilter("苏D561GM"), parse("苏D561GM")):
        assert "561" not in repr(value)


def picture(width=240, height=76, seed=3):
    rough = np.random.default_rng(seed).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    return np.repeat(np.repeat(rough, 4, 0), 4, 1)


def test_blur_is_less_sharp():
    import cv2

    sharp = picture()
    levels = [sharpness(sharp), *(sharpness(cv2.GaussianBlur(sharp, (0, 0), sigma)) for sigma in (2, 4, 8))]
    assert levels == sorted(levels, reverse=True)
    assert all(0.0 <= level <= 1.0 for level in levels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (200, 3, 3), (50, 160, 3)])
def test_nothing_to_see_is_not_sharp(shape):
    assert sharpness(np.full(shape, 128, np.uint8)) == 0.0


def test_larger_sharper_and_whole_frames_promise_more():
    import cv2

    best = frame_quality(picture(400, 300))
    assert best > frame_quality(picture(200, 148))
    assert best > frame_quality(cv2.GaussianBlur(picture(400, 300), (0, 0), 6))
    assert best > frame_quality(picture(400, 300), touches_edge=True)


def test_only_the_best_frames_are_kept():
    frames = BestFrames[str](limit=3, apart_ms=100)
    kept = [
        frames.offer(time_ms, quality, f"{time_ms}")
        for time_ms, quality in [(0, 5), (200, 1), (400, 9), (600, 3), (800, 0.5), (1000, 7)]
    ]
    assert kept == [True, True, True, True, False, True]
    assert frames.best_first() == [(400, "400"), (1000, "1000"), (0, "0")]


def test_of_frames_near_each_other_the_best_is_kept():
    frames = BestFrames[str](limit=3, apart_ms=100)
    assert frames.offer(0, 5, "a")
    assert not frames.wants(50, 4)
    assert not frames.offer(50, 5, "b")
    assert frames.offer(90, 6, "c")
    assert frames.best_first() == [(90, "c")]


def test_memory_stays_flat_over_a_long_track():
    frames = BestFrames[int](limit=4, apart_ms=40)
    qualities = np.random.default_rng(1).uniform(1, 100, 20_000)
    for number, quality in enumerate(qualities):
        frames.offer(number * 40, float(quality), number)
    assert len(frames) == 4
    assert [number for _, number in frames.best_first()] == list(np.argsort(-qualities)[:4])


@pytest.mark.parametrize("quality", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frame_without_quality_is_not_kept(quality):
    assert not BestFrames[str]().offer(0, quality, "x")


@pytest.mark.parametrize("options", [{"limit": 0}, {"apart_ms": -1}])
def test_bad_options(options):
    with pytest.raises(ValueError, match="limit must be"):
        BestFrames(**options)
