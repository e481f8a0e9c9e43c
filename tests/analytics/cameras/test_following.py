"""Who is who on one camera, decided over several frames: without a camera, an engine or a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics.cameras.following import Follower, FollowRules, Guess, observation_weight
from faces.analysis import FrameFace
from faces.quality import FaceQuality
from faces.similarity import similarities
from faces.types import KnownPerson, Metric

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FPS = 6
AXES = np.eye(8, dtype=np.float32)
ANNA = KnownPerson(1, "person_a", "1", "Anna", "employee")
BERT = KnownPerson(2, "person_b", "2", "Bert", "vip")
GOOD = FaceQuality(120, 1.0, 0.33, 160.0, 0.0, 0.0, 0.0, 0.0)
POOR = FaceQuality(20, 1.0, 0.33, 160.0, 0.0, 0.0, 0.0, 0.0)
FAR = FaceQuality(24, 1.0, 0.16, 100.0, 0.0, 0.0, 0.0, 0.0)
"""Of somebody at the other end of a hall."""
HALL = FollowRules(threshold=0.25, min_face=20)


def like(person, cosine, other=2):
    """An embedding of this cosine to a person's, otherwise to nobody's."""
    return (cosine * AXES[person] + np.sqrt(1 - cosine**2) * AXES[other]).astype(np.float32)


def identify(embedding):
    scores = similarities(Metric.COSINE, embedding, AXES[:2])
    best = int(scores.argmax())
    return Guess((ANNA, BERT)[best], float(scores[best]), float(scores[1 - best]))


def face(embedding, quality=GOOD, x=100):
    return FrameFace((x, 100, x + 100, 200), embedding, quality)


def decisions(frames, rules=None):
    """(frame, name or "stranger") for each decision of a film given as a list of faces a frame."""
    follower = Follower(FPS, Metric.COSINE, rules)
    made = []
    for number, faces in enumerate(frames):
        seconds = number / FPS
        visible = follower.update(faces, BEGIN + timedelta(seconds=seconds), seconds, lambda _box: b"jpeg")
        for track in visible + follower.undecided(seconds):
            decision = follower.decide(track, seconds, identify)
            if decision is not None:
                made.append((number, decision.person.name if decision.person else "stranger"))
    return made


def names(frames, rules=None):
    return [name for _frame, name in decisions(frames, rules)]


def between(anna, bert):
    """An embedding of these cosines to the two."""
    return (anna * AXES[0] + bert * AXES[1] + np.sqrt(1 - anna**2 - bert**2) * AXES[2]).astype(np.float32)


STRANGER = like(0, 0.1)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([[face(AXES[0])]] * 10, ["Anna"], id="known from the front"),
        pytest.param([[face(AXES[0])]] * 2, [], id="too short a look"),
        pytest.param([[face(AXES[0], POOR)]] * 60, [], id="too small to tell anything, however long"),
        pytest.param([[face(STRANGER)]] * 12, ["stranger"], id="stranger"),
        pytest.param([[face(STRANGER)]] * 6, [], id="nobody is a stranger within a second"),
        pytest.param([[face(like(0, 0.35))]] * 12, [], id="almost a likeness: waited on"),
        pytest.param([[face(like(0, 0.35))]] * 30, ["stranger"], id="almost a likeness, for long"),
        pytest.param([[face(like(1, 0.6))]] + [[face(AXES[0])]] * 10, ["Anna"], id="one wrong frame decides nothing"),
        pytest.param(
            [[face(like(0, 0.39, other))] for other in (2, 3, 4, 5, 6)] * 2, ["Anna"], id="the mean knows more than any frame"
        ),
        pytest.param(
            [[face(STRANGER)]] * 12 + [[face(like(0, 0.9))]] * 20, ["stranger", "Anna"], id="a stranger who is somebody"
        ),
        pytest.param([[face(AXES[0])]] * 8 + [[face(AXES[1])]] * 8, ["Anna", "Bert"], id="a cut: another face on the same spot"),
        pytest.param([[face(AXES[0]), face(AXES[1], x=300)]] * 8, ["Anna", "Bert"], id="two side by side"),
        pytest.param([[face((AXES[0] + AXES[1]) / np.sqrt(2))]] * 12, [], id="rivals are waited on"),
        pytest.param([[]] * 10, [], id="nobody"),
    ],
)
def test_decisions(frames, expected):
    assert names(frames) == expected


GONE = [[]] * 12


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([[face(AXES[0])]] * 2, ["Anna"], id="a glance at a person"),
        pytest.param([[face(AXES[0])]], [], id="one frame"),
        pytest.param([[face(AXES[0], FAR)]] * 2, [], id="a glance at a face that tells little"),
        pytest.param([[face(STRANGER)]] * 2, [], id="a glance at a stranger"),
        pytest.param([[face(STRANGER)]] * 4, ["stranger"], id="a stranger who passes by"),
        pytest.param([[face(like(0, 0.35))]] * 5, [], id="almost a likeness, passing by"),
        pytest.param([[face(like(0, 0.35))]] * 12, ["stranger"], id="almost a likeness, for two seconds"),
        pytest.param([[face(between(0.62, 0.6))]] * 4, ["Anna"], id="rivals: the nearer one"),
        pytest.param([[face(STRANGER)]] * 4 + [[face(AXES[1])]] * 4, ["stranger", "Bert"], id="somebody stepped before them"),
        pytest.param([[face(AXES[0])]] * 2 + [[]] * 4 + [[face(AXES[0])]] * 6, ["Anna"], id="gone for a moment: decided once"),
    ],
)
def test_who_leaves_before_it_is_decided(frames, expected):
    assert names(frames + GONE) == expected


def test_a_film_that_begins_anew_ends_all():
    follower = Follower(FPS, Metric.COSINE)
    for number in range(2):
        follower.update([face(AXES[0])], BEGIN, number / FPS, lambda _box: b"jpeg")
    (track,) = follower.end_all()
    assert follower.decide(track, 1.0, identify).person is ANNA
    assert follower.end_all() == follower.undecided(60.0) == []


def test_a_camera_that_breaks_ends_all():
    follower = Follower(FPS, Metric.COSINE)
    for seconds in (0.0, 0.2, 60.0):
        follower.update([face(AXES[0])] if seconds < 1 else [], BEGIN, seconds, lambda _box: b"jpeg")
    (track,) = follower.undecided(60.0)
    assert follower.decide(track, 60.0, identify).person is ANNA
    assert follower.undecided(60.0) == []


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([[face(between(0.27, 0.1), FAR)]] * 3, [(2, "Anna")], id="three frames agree"),
        pytest.param([[face(between(0.27, 0.1), FAR)]] * 2, [], id="two are too few"),
        pytest.param([[face(between(0.24, 0.0), FAR)]] * 12, [], id="below the device's threshold"),
        pytest.param([[face(between(0.27, 0.2), FAR)]] * 15, [], id="not well ahead of the second"),
        pytest.param([[face(between(0.27, 0.2))]] * 30, [(18, "stranger")], id="not well ahead, close up: nobody's name"),
        pytest.param([[face(between(0.27, 0.1))]] * 4, [(2, "Anna")], id="close up"),
        pytest.param([[face(between(0.5, 0.44))]] * 4, [(2, "Anna")], id="surely her, whoever is second"),
        pytest.param(
            [[face(between(0.4, 0.0), FAR)], [face(between(0.1, 0.25), FAR)]] * 3, [], id="frames that contradict each other"
        ),
        pytest.param(
            [[face(between(0.1, 0.5), FAR)]] + [[face(between(0.4, 0.1), FAR)]] * 3, [(3, "Anna")], id="one that is otherwise"
        ),
    ],
)
def test_a_camera_that_sees_people_from_afar(frames, expected):
    assert decisions(frames, HALL) == expected


def test_the_same_face_is_nothing_to_a_camera_that_does_not():
    assert decisions([[face(AXES[0], FAR)]] * 30 + GONE) == []


def test_a_decision_takes_less_than_a_second():
    (frame, _name), *_more = decisions([[face(AXES[0])]] * 10)
    assert frame / FPS < 1.0


def test_a_sharp_face_outweighs_blurred_ones():
    blurred = FaceQuality(40, 1.0, 0.18, 60.0, 0.0, 50.0, 0.0, 0.0)
    frames = [[face(like(0, 0.2, 3), blurred)]] * 20 + [[face(AXES[0])]] * 4
    assert names(frames) == ["Anna"]
    assert observation_weight(GOOD) > 10 * observation_weight(blurred)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param({"width_px": 100}, {"width_px": 50}, id="size"),
        pytest.param({"sharpness": 0.33}, {"sharpness": 0.2}, id="sharpness"),
        pytest.param({"visible": 1.0}, {"visible": 0.5}, id="cut off"),
        pytest.param({"brightness": 150.0}, {"brightness": 40.0}, id="light"),
        pytest.param({"yaw_degrees": 10.0}, {"yaw_degrees": -60.0}, id="turned away"),
    ],
)
def test_weight(better, worse):
    def weight(changes):
        values = {name: getattr(GOOD, name) for name in GOOD.__slots__}
        return observation_weight(FaceQuality(**(values | changes)))

    assert 0 <= weight(worse) < weight(better) <= 1


def test_rules_are_parameters():
    assert names([[face(like(0, 0.5))]] * 8) == ["Anna"]
    assert decisions([[face(like(0, 0.5))]] * 8, FollowRules(threshold=0.6)) == []
