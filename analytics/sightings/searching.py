"""Who was seen where: the searches by photo, by embedding and by plate, for whichever door they come in by.

Each first brings its index up to the rows, asks it who may be meant, and compares these few again with their rows, so that a
sighting that is gone is never an answer. Every search is noted in the audit log: that it was made, by whom, and which sightings
were the answer; never what was asked for, but for a masked plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np

from analytics.models import FaceSighting, PlateSighting
from analytics.plates.search import BadQuery, Query, score, understand
from analytics.sightings.errors import SearchProblem, SearchProblemCode
from analytics.sightings.indexes import face_index, plate_index
from faces.engines.base import EngineUnavailable
from faces.errors import FaceError, FaceErrorCode
from faces.index.base import IndexUnavailable
from faces.similarity import from_scores, similarities
from faces.types import Box, Embedding, EngineInfo, Metric
from faces.workers import face_workers
from kiosk.runtime.access import Use, note_use
from kiosk.runtime.masking import mask_number

Seen = TypeVar("Seen", FaceSighting, PlateSighting)

MIN_PLATE: Final = 3
"""Characters of a query by plate, wildcards not counted; fewer are a region, not a plate."""
_INDEX_ERROR: Final = 0.05
"""How far an index's similarity may lie below the exact one."""
_ROWS_AT_ONCE: Final = 500
_SHOWN: Final = ("public_id", "time_ms", "track", "video_id", "video__public_id", "video__name")
_DIGITS: Final = 6
_MOST_COMPONENT: Final = 1e15
"""Of an embedding: beyond, squares leave float32."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Seen]):
    """One sighting that fits, with its video."""

    sighting: Seen
    score: float
    """0 to 1: similarity of a face; 1 for the same plate."""


@dataclass(frozen=True, slots=True)
class FoundByPhoto:
    """What a photo was answered with."""

    box: Box
    """Of the face that was searched for, the largest, in pixels of the photo."""
    found: list[Found[FaceSighting]] = field(repr=False)


def find_by_photo(photo: bytes, *, threshold: float, limit: int, offset: int = 0) -> FoundByPhoto:
    """Where the largest face of a photo was seen, the most similar first. Raises SearchProblem."""
    try:
        face = face_workers().largest_face(photo)
    except FaceError as error:
        raise _photo_problem(error) from None
    except EngineUnavailable as error:
        raise SearchProblem(SearchProblemCode.UNAVAILABLE, f"人脸引擎不可用: {error}") from None
    if face is None:
        raise SearchProblem(SearchProblemCode.NO_FACE, "图像中未检测到人脸")
    if face.embedding is None:
        size = f"{face.box.w}x{face.box.h}px"
        raise SearchProblem(SearchProblemCode.FACE_TOO_SMALL, f"人脸像素过小({size})，无法检索")
    return FoundByPhoto(face.box, _find_face(face.embedding, threshold, limit, offset))


def find_by_embedding(vector: Sequence[float], *, threshold: float, limit: int, offset: int = 0) -> list[Found[FaceSighting]]:
    """Where the face of an embedding of the running engine was seen, the most similar first. Raises SearchProblem."""
    info = engine_info()
    if len(vector) != info.dimension:
        raise SearchProblem(
            SearchProblemCode.BAD_VECTOR, f"face_vector 应为 {info.dimension} 维（当前引擎 {info.name}），收到 {len(vector)} 维"
        )
    return _find_face(_embedding(vector, info), threshold, limit, offset)


def find_by_plate(query: str, *, threshold: float, limit: int, offset: int = 0) -> list[Found[PlateSighting]]:
    """Where a plate was seen: the same plate first, then what a misreading apart explains, the newest first where it is the same.

    ? stands for one character and * for any number; such a query has no differences. Raises SearchProblem.
    """
    wanted = _understood(query)
    try:
        index = plate_index()
        index.follower.catch_up()
        hits = index.plates.search(query, limit=limit + offset, threshold=threshold)
    except IndexUnavailable as error:
        raise SearchProblem(SearchProblemCode.UNAVAILABLE, f"车牌索引不可用: {error}") from None
    rows = _plate_rows([hit.sighting_id for hit in hits])
    found = [Found(row, round(score(wanted, row.key), _DIGITS)) for row in rows]
    found = [one for one in found if one.score >= threshold]
    found.sort(key=lambda one: (-one.score, -one.sighting.pk))
    page = found[offset : offset + limit]
    masked = mask_number(wanted.pattern)
    note_use(PlateSighting, Use.SEARCH, [str(one.sighting.public_id) for one in page], plate=masked)
    return page


def in_order_of_time(found: Sequence[Found[Seen]]) -> list[Found[Seen]]:
    """As one watches them: the newest video first, and in a video from its beginning."""
    return sorted(found, key=lambda one: (-one.sighting.video_id, one.sighting.time_ms, one.sighting.pk))


def engine_info() -> EngineInfo:
    """The running face engine. Raises SearchProblem."""
    try:
        return face_workers().info
    except FaceError as error:
        raise _photo_problem(error) from None
    except EngineUnavailable as error:
        raise SearchProblem(SearchProblemCode.UNAVAILABLE, f"人脸引擎不可用: {error}") from None


def _find_face(probe: Embedding, threshold: float, limit: int, offset: int) -> list[Found[FaceSighting]]:
    try:
        index = face_index()
        index.follower.catch_up()
        hits = index.vectors.search(probe, limit=limit + offset)
    except (IndexUnavailable, EngineUnavailable) as error:
        raise SearchProblem(SearchProblemCode.UNAVAILABLE, f"人脸索引不可用: {error}") from None
    metric = index.info.metric
    likely = from_scores(metric, [hit.score for hit in hits]) >= threshold - _INDEX_ERROR
    rows = _face_rows([hit.sample_id for hit, keep in zip(hits, likely, strict=True) if keep], index.info)
    found: list[Found[FaceSighting]] = []
    if rows:
        vectors = np.frombuffer(b"".join(bytes(row.embedding) for row in rows), "<f4").reshape(len(rows), index.info.dimension)
        alike = similarities(metric, probe, vectors).tolist()
        found = [Found(row, round(similarity, _DIGITS)) for row, similarity in zip(rows, alike, strict=True)]
    found = [one for one in found if one.score >= threshold]
    found.sort(key=lambda one: (-one.score, -one.sighting.pk))
    page = found[offset : offset + limit]
    note_use(FaceSighting, Use.SEARCH, [str(one.sighting.public_id) for one in page])
    return page


def _face_rows(ids: Sequence[int], info: EngineInfo) -> list[FaceSighting]:
    rows: list[FaceSighting] = []
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        some = FaceSighting.objects.filter(pk__in=ids[start : start + _ROWS_AT_ONCE])
        own = some.filter(engine=info.identity, dimension=info.dimension)
        rows += own.select_related("video").only(*_SHOWN, "embedding", "dimension").order_by()
    return rows


def _plate_rows(ids: Sequence[int]) -> list[PlateSighting]:
    rows: list[PlateSighting] = []
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        some = PlateSighting.objects.filter(pk__in=ids[start : start + _ROWS_AT_ONCE])
        rows += some.select_related("video").only(*_SHOWN, "key", "text", "kind", "colour").order_by()
    return rows


def _embedding(vector: Sequence[float], info: EngineInfo) -> Embedding:
    """Raises SearchProblem for what no embedding is: not finite, or all zeros."""
    values = np.asarray(vector, np.float64)
    if not (np.abs(values) < _MOST_COMPONENT).all():
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, "face_vector 应只含有限的数值")
    norm = float(np.linalg.norm(values))
    if norm == 0:
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, "face_vector 不能全为零")
    return (values / norm if info.metric is Metric.COSINE else values).astype(np.float32)


def _understood(query: str) -> Query:
    try:
        wanted = understand(query)
    except BadQuery:
        raise SearchProblem(SearchProblemCode.BAD_PLATE, "licence_plate 不是有效的车牌号") from None
    if len(wanted.pattern.replace("?", "").replace("*", "")) < MIN_PLATE:
        raise SearchProblem(SearchProblemCode.PLATE_TOO_SHORT, f"licence_plate 至少应有 {MIN_PLATE} 个字符")
    return wanted


def _photo_problem(error: FaceError) -> SearchProblem:
    match error.code:
        case FaceErrorCode.BAD_PHOTO:
            return SearchProblem(SearchProblemCode.BAD_IMAGE, "无法解析图片格式")
        case FaceErrorCode.ABNORMAL_PHOTO:
            return SearchProblem(SearchProblemCode.ABNORMAL_IMAGE, "图像数据存在异常")
        case FaceErrorCode.BUSY:
            return SearchProblem(SearchProblemCode.BUSY, "服务繁忙，请稍后重试")
        case FaceErrorCode.EMBEDDING_FAILED:
            return SearchProblem(SearchProblemCode.INTERNAL, f"人脸特征提取失败: {error.message}")
        case _:
            return SearchProblem(SearchProblemCode.INTERNAL, f"人脸检测服务内部错误: {error.message}")
