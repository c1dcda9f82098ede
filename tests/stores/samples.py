"""Points with random vectors, and the answers to searches computed by hand."""

import operator
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.query.conditions import Condition, PatternCondition, RangeCondition, WordCondition
from omnisearch.query.positions import NearCondition
from omnisearch.stores.base import Filter, Payload, Point
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, Modality, Segment
from tests.query.test_positions import by_vectors

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
        metadata=metadata(random) if n % 5 else NO_METADATA,
        has=tuple(name for name in ("speech", "text") if random.integers(0, 2)),
        languages=tuple(str(code) for code in random.choice(["de", "en"], size=random.integers(0, 2))),
        added=1.7e9 + float(random.integers(0, 4)),
    )


def metadata(random: np.random.Generator) -> Metadata:
    """What a file says, with every field sometimes empty."""
    is_placed = bool(random.integers(0, 3))
    return Metadata(
        time=str(random.choice(["", "2023-07-14T15:30:05Z", "2023-07-14T15:30:07Z", "1900-01-01T00:00:00Z"])),
        latitude=float(random.choice([38.72, 38.75, -60.0, 89.99])) if is_placed else None,
        longitude=float(random.choice([-9.14, -9.1, 179.99, -179.99])) if is_placed else None,
        place=str(random.choice(["", "Lisbon, Portugal", "São Paulo, Brazil", "東京, Japan"])),
        camera=str(random.choice(["", "Canon EOS R5", "CANON PowerShot", "Nikon Z 6"])),
        year=int(random.integers(1990, 1993)) if random.integers(0, 2) else None,
        rating=int(random.integers(1, 6)) if random.integers(0, 2) else None,
        language=str(random.choice(["", "de", "fr"])),
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
    labels = ["path", "path", "mime", "tag", "meta.author", "size", "mtime", "duration"]
    said = ["date", "taken", "year", "rating", "camera", "place", "near", "language", "has", "day", "added"]
    field = str(random.choice(labels + said))
    if field == "near":
        kilometres = float(random.choice([0.001, 4.0, 50.0, 5000.0, 15_000.0]))
        latitude, longitude = float(random.choice([38.72, 89.9, -60.0])), float(random.choice([-9.14, 179.99, 0.0]))
        return NearCondition(latitude, longitude, kilometres, negated)
    texts = {
        "camera": ("canon", "EOS canon", "nikon", "can"),
        "place": ("lisbon", "sao paulo", "京", "são", "brazil sao"),
    }
    if field in texts:
        return WordCondition(field, str(random.choice(texts[field])), negated)
    words = {
        "path": PATTERNS,
        "mime": ("image/jpeg", "image/*", "audio/*", "image"),
        "tag": ("x", "y z", "ü", "a:b", "z"),
        "meta.author": ("ann", "bo=b", "c:d", "none"),
        "language": ("de", "en", "fr", "pt"),
        "has": ("speech", "text", "gps", "taken"),
        "day": ("07-14", "01-01", "02-29"),
    }
    if field in words:
        return PatternCondition(field, str(random.choice(words[field])), negated)
    low = {"size": 0.0, "duration": 0.0, "year": 1989.0, "rating": 1.0}.get(field, 1.7e9 + 0.25)
    if field == "taken" or (field == "date" and random.integers(0, 2)):
        low = 1_689_348_605.0
    step = 500 if field == "size" else 1
    bounds = {
        name: low + step * (float(random.integers(0, 5)) + float(random.choice([0, 0.5])))
        for name in random.choice(["gt", "gte", "lt", "lte"], size=random.integers(1, 3), replace=False)
    }
    return RangeCondition(field, **bounds, negated=negated)


def holds(condition: Condition, payload: Payload) -> bool:
    """What a condition means, by regular expressions and comparisons."""
    said = payload.metadata
    if isinstance(condition, NearCondition):
        true = said.latitude is not None and said.longitude is not None
        if true:
            true = (
                by_vectors((condition.latitude, condition.longitude), (said.latitude, said.longitude)) <= condition.km
            )
    elif isinstance(condition, WordCondition):
        true = all(word in plain(getattr(said, condition.field)) for word in plain(condition.text))
    elif isinstance(condition, RangeCondition):
        values = {"taken": said.taken, "year": said.year, "rating": said.rating}
        values["date"] = payload.mtime if said.taken is None else said.taken
        value = values[condition.field] if condition.field in values else getattr(payload, condition.field)
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
    elif condition.field == "has":
        true = condition.pattern in payload.has
        true |= (condition.pattern == "gps" and said.latitude is not None) or (
            condition.pattern == "taken" and bool(said.time)
        )
    elif condition.field in ("language", "day", "tag"):
        read = {"language": {said.language, *payload.languages}, "day": {said.time[5:10]}, "tag": {*payload.tags}}
        true = condition.pattern in read[condition.field]
    else:
        true = (condition.field, condition.pattern) in {(f"meta.{key}", value) for key, value in payload.meta.items()}
    return true != condition.negated


def plain(text: str) -> list[str]:
    """The words of a text of the samples, which have no accent but the tilde."""
    return text.lower().replace("ã", "a").replace(",", "").replace("東京", "東 京").split()


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
