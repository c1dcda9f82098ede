"""What the engine adds to a bare Qdrant call: python bench/search.py --points 10000 100000

Fills an embedded index of a temporary directory with random vectors of five modalities, a sound and a film having five
segments each, then, in this one run and turn by turn, asks the engine queries of 1, 3 and 5 texts it has not seen, the
first of them also with every FEATURE and without, and the store for the ten nearest of the same vector. Afterwards the
same lookups go to the engine's own files without our worker process between (`bare`). Only the shares and the ratios
survive a busy machine. Needs the weights (`omnisearch models pull`).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import qdrant_edge as edge

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Lookup, Payload, Point, VectorStore
from omnisearch.stores.catalog import DIRECTORY, open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, Modality, Segment

Row: TypeAlias = dict[str, str]

TERMS, LIMIT, BATCH = (1, 3, 5), 10, 4096
WORDS = ("dog", "rain", "old train", "small station", "tall green tree", "wooden chair", "door", "piano", "river")
SEGMENTS = {Modality.AUDIO: 5, Modality.VIDEO: 5}
FOLDERS, YEAR, YEARS = 50, 365 * 86400, 20
LINGER_SECONDS = 3.0  # the worker ends two seconds after its last client
# What a query can have beside its expression, and the settings that take it away.
PLAIN = {"fold": False, "segments": 1}
FEATURES: dict[str, dict[str, Any]] = {
    "path, 1 of 50 folders": {"where": parse_conditions(["path:/bench/f7/**"])},
    "time, 1 of 2": {"where": parse_conditions(["mtime>=1980-01-01"])},
    "tag, 1 of 10": {"where": parse_conditions(["tag:holiday"])},
    "near-duplicates folded": {"fold": True},
    "best segments grouped": {"segments": 3},
    "words (BM25)": {"hybrid": True},
    "explained": {"explain": True},
}


def fill(store: VectorStore, count: int) -> None:
    """Write `count` points, a fifth of each modality."""
    random = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        rows = random.normal(size=(min(BATCH, count - start), store.dim)).astype(np.float32)
        payloads = [payload_of(n) for n in range(start, start + len(rows))]
        store.upsert([Point(point_id(p.item_id, p.segment), row, p) for p, row in zip(payloads, rows, strict=True)])


def payload_of(point: int) -> Payload:
    """Say of which item a point is, and of which of its segments."""
    modality, turn = list(Modality)[point % len(Modality)], point // len(Modality)
    segments = SEGMENTS.get(modality, 1)
    n, at = divmod(turn, segments)
    item = n * len(Modality) + point % len(Modality)
    return Payload(
        item_id=f"{item:032x}",
        modality=modality,
        path=f"/bench/f{item % FOLDERS}/{WORDS[item % len(WORDS)]} {item}.bin",
        mime="application/octet-stream",
        segment=Segment() if segments == 1 else Segment(at, 8.0 * at, 8.0 * at + 10, "seconds"),
        segments=segments,
        mtime=float(item % YEARS * YEAR),
        tags=("holiday",) if item % 10 == 0 else (),
    )


def query_of(number: int, terms: int) -> Sum:
    """Make a sum of texts that no other number makes."""
    return Sum(tuple(Term(f"{WORDS[(number + 3 * k) % len(WORDS)]} {number} {k}") for k in range(terms)))


def timed(call: Callable[[], object]) -> float:
    """Return the milliseconds of a call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def bare(shard: Path, vectors: Floats) -> list[float]:
    """Time the engine's files alone, opened in this process: the ten nearest, with payloads, exactly."""
    opened = edge.EdgeShard.load(str(shard))
    requests = [
        edge.QueryRequest(
            limit=LIMIT, query=edge.Query.Nearest(v), with_payload=True, params=edge.SearchParams(exact=True)
        )
        for v in vectors
    ]
    for request in requests[:5]:
        opened.query(request)
    took = [timed(lambda request=request: opened.query(request)) for request in requests]
    opened.close()
    return took


def measure(settings: Settings, count: int, times: int) -> tuple[list[Row], list[Row]]:
    """Return a row per number of terms, and one per feature, for an index of `count` points."""
    model = OmniBind.load(settings.model, settings)
    named = {"model": model.name, "dim": model.dim, "fingerprint": model.fingerprint}
    vectors = np.random.default_rng(1).normal(size=(times, model.dim)).astype(np.float32)
    stages: dict[int, list[dict[str, float]]] = {terms: [] for terms in TERMS}
    features: dict[str, list[float]] = {name: [] for name in ("", *FEATURES)}
    one_call = []
    with closing(open_store(settings, **named, create=True)) as store:
        fill(store, count)
        with Engine.open(settings) as engine:
            for n in range(-3, times):  # the first few load the towers
                for terms in TERMS:
                    answer = engine.search(Query(query_of(n, terms), limit=LIMIT))
                    if n >= 0:
                        stages[terms].append(dict(answer.took_ms))
                for name in features:
                    plain = Query(query_of(n, 1), limit=LIMIT, **PLAIN)
                    took = engine.search(replace(plain, **FEATURES.get(name, {}))).took_ms
                    if n >= 0:
                        features[name].append(took["total"] - took["embed"])
                if n >= 0:
                    one_call.append(timed(lambda n=n: store.search([Lookup(vectors[n], LIMIT)])))
        collection = store.collection
    time.sleep(LINGER_SECONDS)
    alone = median(bare(settings.data_dir / DIRECTORY / collection, vectors))
    return (
        [row(count, terms, stages[terms], median(one_call), alone) for terms in TERMS],
        [feature_row(count, name, features[name], features[""]) for name in FEATURES],
    )


def feature_row(count: int, name: str, took: list[float], plain: list[float]) -> Row:
    """Set a query with a feature against the same one without: the engine's own time, and the median of the ratios."""
    ratio = median(one / other for one, other in zip(took, plain, strict=True))
    return {
        "points": f"{count:,}",
        "with": name,
        "own ms": f"{median(took):.1f}",
        "without": f"{median(plain):.1f}",
        "ratio": f"{ratio:.2f}",
    }


def row(count: int, terms: int, took: list[dict[str, float]], one_call: float, alone: float) -> Row:
    """Sum up: the median query, the mean share of each stage, and the engine's own time over a bare call."""
    total = [each["total"] for each in took]
    names = [name for name in took[0] if name != "total"]
    own = median(each["total"] - each["embed"] for each in took)
    return {
        "points": f"{count:,}",
        "terms": str(terms),
        "median ms": f"{median(total):.1f}",
        **{f"{name} %": f"{100 * sum(each[name] for each in took) / sum(total):.0f}" for name in names},
        "one store call ms": f"{one_call:.2f}",
        "bare call ms": f"{alone:.2f}",
        "own time / bare": f"{own / alone:.1f}",
    }


def main() -> None:
    """Run and print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--model")
    chosen = parser.parse_args()
    measured = []
    for count in chosen.points:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            settings = load_settings(data_dir=Path(folder), model=chosen.model)
            measured.append(measure(settings, count, chosen.times))
    for tables in zip(*measured, strict=True):
        rows = [row for table in tables for row in table]
        print("| " + " | ".join(rows[0]) + " |")
        print("|" + "--:|" * len(rows[0]))
        for each in rows:
            print("| " + " | ".join(each.values()) + " |")
        print()


if __name__ == "__main__":
    main()
