"""Understanding what a citizen says: which service they want, and what they tell about themselves."""

from flows.understanding.base import Candidate, Classification, Decision, Understanding
from flows.understanding.choice import understanding

__all__ = ["Candidate", "Classification", "Decision", "Understanding", "understanding"]
