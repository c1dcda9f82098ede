"""Points with random vectors, and the answers to searches computed by hand."""

from collections.abc import Sequence

import numpy as np

from omnisearch.stores.base import Filter, Payload, Point
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, Modality, Segment

MODEL = "toy"
DIM = 8
FINGERPRINT = "0123456789abcdef" * 4


def vector(seed: int, dim: int = DIM) -> Floats:
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


def points(n: int, segments: int = 3, seed: int = 0) -> list[Point]:
    """Make `n` points, `segments` to an item, of every modality."""
    made = []
    for at in range(n):
        item, part = f"item-{at // segments}", at % segments
        segment = Segment(part, part * 10.0, part * 10.0 + 10.0, "seconds")
        modality = list(Modality)[(at // segments) % len(Modality)]
        payload = Payload(item, modality, f"/files/{item}.bin", segment=segment, segments=segments)
        made.append(Point(point_id(item, segment), vector(seed + at), payload))
    return made


def passes(point: Point, chosen: Filter) -> bool:
    """What the closed filter model means."""
    item, modality = point.payload.item_id, point.payload.modality
    return (
        (not chosen.modalities or modality in chosen.modalities)
        and (not chosen.item_ids or item in chosen.item_ids)
        and item not in chosen.exclude_item_ids
    )


def nearest(among: Sequence[Point], query: Floats, chosen: Filter, limit: int) -> list[tuple[str, float]]:
    """(id, cosine) of the nearest points, best first, in float64."""
    kept = [point for point in among if passes(point, chosen)]
    if not kept:
        return []
    rows = np.array([point.vector for point in kept], dtype=np.float64)
    unit = query.astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    scores = (rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ unit
    return [(kept[at].id, float(scores[at])) for at in np.argsort(-scores, kind="stable")[:limit]]
