"""How much faster int8 blocks mine pseudo item pairs than faiss does: python bench/pairs.py

The two take turns in one process, so that the ratio survives a busy machine; rates are in CPU seconds, which says what
free cores would do. `faiss alone` is its flat index for the same k, without the exact ordering that ours adds.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.results import Report, add_json_option, package_version
from omnisearch.types import Floats
from omnisearch_training.stages.nearest import nearest

Search = Callable[[Floats, Floats, int], tuple[NDArray[np.int64], Floats]]


def by_faiss_alone(queries: Floats, targets: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Search with faiss's flat index."""
    index = faiss.IndexFlatIP(targets.shape[1])
    index.add(targets)
    scores, ids = index.search(queries, k)
    return ids, scores


METHODS: dict[str, Search] = {
    "faiss alone": by_faiss_alone,
    "int8": lambda queries, targets, k: nearest(queries, targets, k, "int8"),
}


def clustered(rows: int, clusters: int, dim: int, seed: int) -> Floats:
    """Return unit rows around shared centres, as embeddings lie: neighbours are closer than chance."""
    centres = np.random.default_rng(0).standard_normal((max(1, clusters), dim))
    draw = np.random.default_rng(seed)
    found = centres[draw.integers(0, len(centres), rows)] + draw.standard_normal((rows, dim))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    """Print one line per method and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--targets", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("-k", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    add_json_option(parser)
    options, report = parser.parse_args(), Report(__file__)
    queries, targets = (
        clustered(rows, options.targets // 20, options.dim, seed)
        for seed, rows in enumerate((options.queries, options.targets), 1)
    )
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    found = {}
    for _ in range(options.rounds):
        for name, search in METHODS.items():
            start = time.process_time()
            found[name] = search(queries, targets, options.k)
            seconds[name].append(time.process_time() - start)
    work = 2.0 * options.queries * options.targets * options.dim
    for name, spent in seconds.items():
        print(f"{name:12} {median(spent):7.2f} CPU s, {work / median(spent) / 1e9:6.0f} GFLOP per CPU s")
    ratios = [a / b for a, b in zip(seconds["faiss alone"], seconds["int8"], strict=True)]
    inverse = [1 / ratio for ratio in ratios]
    faiss_version = package_version("faiss-cpu")
    report.add(
        "mining by int8 blocks, processor time",
        "ratio",
        inverse,
        options.queries,
        peer="faiss flat",
        peer_version=faiss_version,
    )
    report.write(options.json)
    exact = nearest(queries, targets, options.k, "faiss")
    same = all((ours == theirs).all() for ours, theirs in zip(found["int8"], exact, strict=True))
    print(
        json.dumps(
            {
                "queries": options.queries,
                "targets": options.targets,
                "dim": options.dim,
                "k": options.k,
                "cpu_seconds": {name: median(spent) for name, spent in seconds.items()},
                "int8_over_faiss": median(ratios),
                "same_answers_by_faiss": same,
                "equal_to_faiss_alone": float((found["int8"][0] == found["faiss alone"][0]).mean()),
            }
        )
    )


if __name__ == "__main__":
    main()
