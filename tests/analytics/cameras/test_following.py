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
        for track in follower.update(faces, BEGIN + timedelta(seconds=seconds), seconds, lambda _box: b"jpeg"):
            decision = follower.decide(track, seconds, identify)
            if decision is not None:
                made.append((number, decision.person.name if decision.person else "stranger"))
    return made


def names(frames):
    return [name for _frame, name in decisions(frames)]


STRANGER = like(0, 0.1)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([[face(AXES[0])]] * 10, ["Anna"], id="known from the front"),
        pytest.param([[face(AXES[0])]] * 3, [], id="too short a look"),
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
