"""Points with random vectors, and the answers to searches computed by hand."""

import operator
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from omnisearch.query.conditions import Condition, PatternCondition, RangeCondition
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
        payload = replace(
            described(at // segments), item_id=item, modality=modality, segment=segment, segments=segments
        )
        made.append(Point(point_id(item, segment), vector(seed + at), payload))
    return made


def described(n: int) -> Payload:
    """The facts of item `n`, in every combination of what filters tell apart."""
    random = np.random.default_rng(900 + n)
    folders = [str(name) for name in random.choice(["a", "b.d", "photos", "2024"], size=random.integers(0, 4))]
    ending = random.choice(["jpg", "tar.gz", "bin", "JPG"])
    return Payload(
        item_id=f"item-{n}",
        modality=Modality.TEXT,
        path="/".join(["", "files", *folders, f"item-{n}.{ending}"]),
        mime=str(random.choice(["image/jpeg", "image/png", "audio/wav", "imagery/x"])),
        duration=None if n % 3 else float(random.integers(0, 5)),
        size=int(random.integers(0, 4)) * 500,
        mtime=1.7e9 + float(random.integers(0, 4)) + 0.25,
        tags=tuple(sorted({str(tag) for tag in random.choice(["x", "y z", "ü", "a:b"], size=2)})),
        meta={} if n % 4 == 0 else {"author": str(random.choice(["ann", "bo=b", "c:d"]))},
    )


PATTERNS = (
    "photos",
    "photos/**",
    "/files/a",
    "/files/*/photos",
    "*.jpg",
    "*.gz",
    "*.tar.gz",
    "a/**/2024",
    "**",
    "it?m-1*",
)
PATTERNS += ("/files/**/*.bin", "2024/*", "b.d", "*.d/*", "/a", "nowhere", "files/item-2.jpg")


def condition(random: np.random.Generator) -> Condition:
    """One of the conditions that some of the samples fulfil."""
    negated = bool(random.integers(0, 2))
    field = str(random.choice(["path", "path", "mime", "tag", "meta.author", "size", "mtime", "duration"]))
    words = {
        "path": PATTERNS,
        "mime": ("image/jpeg", "image/*", "audio/*", "image"),
        "tag": ("x", "y z", "ü", "a:b", "z"),
        "meta.author": ("ann", "bo=b", "c:d", "none"),
    }
    if field in words:
        return PatternCondition(field, str(random.choice(words[field])), negated)
    low = {"size": 0.0, "mtime": 1.7e9 + 0.25, "duration": 0.0}[field]
    step = 500 if field == "size" else 1
    bounds = {
        name: low + step * (float(random.integers(0, 5)) + float(random.choice([0, 0.5])))
        for name in random.choice(["gt", "gte", "lt", "lte"], size=random.integers(1, 3), replace=False)
    }
    return RangeCondition(field, **bounds, negated=negated)


def holds(condition: Condition, payload: Payload) -> bool:
    """What a condition means, by regular expressions and comparisons."""
    if isinstance(condition, RangeCondition):
        value = getattr(payload, condition.field)
        signs = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
        bounds = [(sign, getattr(condition, name)) for name, sign in signs.items()]
        true = value is not None and all(sign(value, bound) for sign, bound in bounds if bound is not None)
    elif condition.field == "path":
        start = "" if condition.pattern.startswith("/") else "(?:.*/)?"
        pattern = re.escape(condition.pattern).replace(r"/\*\*/", "/(?:.*/)?").replace(r"\*\*", ".+")
        pattern = pattern.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        true = re.fullmatch(f"{start}{pattern}(?:/.*)?", payload.path) is not None
    elif condition.field == "mime":
        true = re.fullmatch(re.escape(condition.pattern).replace(r"\*", ".*"), payload.mime) is not None
    elif condition.field == "tag":
        true = condition.pattern in set(payload.tags)
    else:
        true = (condition.field, condition.pattern) in {(f"meta.{key}", value) for key, value in payload.meta.items()}
    return true != condition.negated


def passes(point: Point, chosen: Filter) -> bool:
    """What the closed filter model means."""
    item, modality = point.payload.item_id, point.payload.modality
    return (
        (not chosen.modalities or modality in chosen.modalities)
        and (not chosen.item_ids or item in chosen.item_ids)
        and item not in chosen.exclude_item_ids
        and all(holds(condition, point.payload) for condition in chosen.where)
        and (chosen.segments is None or point.payload.segment.index in chosen.segments)
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
