"""What a recogniser says it heard, made sense of: inventions left out, repetitions cut. Pure functions.

Whisper invents words where nobody speaks: phrases that its training data put under silence, its own prompt, or one phrase again
and again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PROMPT = "以下是普通话的句子。"
"""Comes before the first words of a Chinese recording: it makes Whisper write simplified characters, and punctuation."""

_UNSURE_LOGPROB = -1.0
_REPETITIVE = 2.4
"""Whisper's own thresholds, of the mean log probability and of the compression ratio."""
_INVENTED = (
    "请不吝点赞",
    "点赞订阅转发打赏",
    "明镜与点点栏目",
    "字幕由amara",
    "amaraorg社区",
    "字幕志愿者",
    "中文字幕提供",
    "字幕制作",
    "优优独播剧场",
    "谢谢观看",
    "谢谢大家观看",
    "感谢观看",
    "感谢收看",
    "谢谢收看",
    "谢谢您的观看",
    "下期再见",
    "下次再见",
    "thanks for watching",
    "thank you for watching",
    "subtitles by",
)
"""Said by Whisper over silence, and by nobody at a counter."""
_OVERHEARD_HINTS = 4
_NOT_WORDS = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"(?P<phrase>\S.{1,29}?)(?P=phrase){3,}", re.DOTALL)
_NUMERALS = frozenset("0123456789０１２３４５６７８９〇零一二三四五六七八九十两幺,，、 ")
_PROMPT_WORDS = 4


@dataclass(frozen=True, slots=True)
class Passage:
    """One segment of the recogniser's answer."""

    text: str = field(repr=False)
    logprob: float
    """The mean of the log probabilities of its tokens."""
    compression_ratio: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What remains of a recogniser's answer."""

    text: str = field(repr=False)
    confidence: float
    """0 to 1: the mean probability of a token."""
    tokens: int


def heard(passages: Iterable[Passage], *, hints: Sequence[str] = ()) -> Heard:
    """The words of the passages that somebody has said."""
    kept = [passage for passage in passages if not is_invented(passage, hints=hints)]
    return join(
        [Heard(without_repetition(passage.text), math.exp(min(0.0, passage.logprob)), passage.tokens) for passage in kept]
    )


def join(parts: Sequence[Heard]) -> Heard:
    """Several answers as one: Chinese without a gap, Latin words with one; the confidence by the number of tokens."""
    text = ""
    for part in parts:
        words = part.text.strip()
        gap = " " if text and words and _is_latin(text[-1]) and _is_latin(words[0]) else ""
        text += gap + words
    tokens = sum(part.tokens for part in parts)
    confidence = sum(part.confidence * part.tokens for part in parts) / tokens if tokens else 0.0
    return Heard(text, confidence, tokens)


def is_invented(passage: Passage, *, hints: Sequence[str] = ()) -> bool:
    """Whether nobody said this: a stock phrase, the prompt or the list of hints repeated, or unsure and repetitive at once."""
    words = _NOT_WORDS.sub("", passage.text).lower()
    if not words or (len(words) >= _PROMPT_WORDS and words in _NOT_WORDS.sub("", PROMPT)):
        return True
    if any(_NOT_WORDS.sub("", phrase) in words for phrase in _INVENTED):
        return True
    if passage.logprob < _UNSURE_LOGPROB and passage.compression_ratio > _REPETITIVE:
        return True
    run = [_NOT_WORDS.sub("", hint).lower() for hint in hints]
    return any(
        words.startswith("".join(run[start : start + _OVERHEARD_HINTS])) for start in range(len(run) - _OVERHEARD_HINTS + 1)
    )


def without_repetition(text: str) -> str:
    """A phrase that is said four times or more in a row, once. Numbers stay: they may well repeat themselves."""
    return _REPEATED.sub(lambda match: match[0] if _NUMERALS.issuperset(match["phrase"]) else match["phrase"], text)


def _is_latin(character: str) -> bool:
    return character.isascii() and not character.isspace()
