"""What the engine adds to a bare Qdrant call: python bench/search.py --points 10000 100000

Fills an embedded index of a temporary directory with random vectors of five modalities, then, in this one run and turn
by turn, asks the engine queries of 1, 3 and 5 texts it has not seen, and the store for the ten nearest of the same
vector. Afterwards the same lookups go to the engine's own files without our worker process between (`bare`). Only the
shares and the ratios survive a busy machine. Needs the weights (`omnisearch models pull`).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

import numpy as np
import qdrant_edge as edge

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.query import Query, Sum, Term
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Lookup, Payload, Point, VectorStore
from omnisearch.stores.ids import point_id
from omnisearch.stores.open import DIRECTORY, open_store
from omnisearch.types import Floats, Modality, Segment

TERMS, LIMIT, BATCH = (1, 3, 5), 10, 4096
WORDS = ("dog", "rain", "old train", "small station", "tall green tree", "wooden chair", "door", "piano", "river")
LINGER_SECONDS = 3.0  # the worker ends two seconds after its last client


def fill(store: VectorStore, count: int) -> None:
    """Write `count` points, one per item, a fifth of each modality."""
    random = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        rows = random.normal(size=(min(BATCH, count - start), store.dim)).astype(np.float32)
        points = []
        for n, row in enumerate(rows, start):
            modality = list(Modality)[n % len(Modality)]
            payload = Payload(f"{n:032x}", modality, f"/bench/{n}.bin", "application/octet-stream")
            points.append(Point(point_id(payload.item_id, Segment()), row, payload))
        store.upsert(points)


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


def measure(settings: Settings, count: int, times: int) -> list[dict[str, str]]:
    """Return a row per number of terms for an index of `count` points."""
    model = OmniBind.load(settings.model, settings)
    named = {"model": model.name, "dim": model.dim, "fingerprint": model.fingerprint}
    vectors = np.random.default_rng(1).normal(size=(times, model.dim)).astype(np.float32)
    stages: dict[int, list[dict[str, float]]] = {terms: [] for terms in TERMS}
    one_call = []
    with closing(open_store(settings, **named, create=True)) as store:
        fill(store, count)
        with Engine.open(settings) as engine:
            for n in range(-3, times):  # the first few load the towers
                for terms in TERMS:
                    answer = engine.search(Query(query_of(n, terms), limit=LIMIT))
                    if n >= 0:
                        stages[terms].append(dict(answer.took_ms))
                if n >= 0:
                    one_call.append(timed(lambda n=n: store.search([Lookup(vectors[n], LIMIT)])))
        collection = store.collection
    time.sleep(LINGER_SECONDS)
    alone = median(bare(settings.data_dir / DIRECTORY / collection, vectors))
    return [row(count, terms, stages[terms], median(one_call), alone) for terms in TERMS]


def row(count: int, terms: int, took: list[dict[str, float]], one_call: float, alone: float) -> dict[str, str]:
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
    """Run and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--model")
    chosen = parser.parse_args()
    rows = []
    for count in chosen.points:
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings(data_dir=Path(folder), model=chosen.model)
            rows += measure(settings, count, chosen.times)
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "--:|" * len(rows[0]))
    for each in rows:
        print("| " + " | ".join(each.values()) + " |")


if __name__ == "__main__":
    main()
