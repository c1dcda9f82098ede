"""The search of the embedded engine against faiss, exact and by a graph: python bench/nearest.py

Both search the same random vectors, which vary in few directions, as embeddings do, for the ten nearest of a query.
Exact searches scan all vectors: faiss by `IndexFlatIP`, the engine by its exact search. For graphs, `ef` of each
library grows by steps of a quarter until its recall is at least that of --recall; these two searches are then
compared. Times are processor time; queries are asked one by one, in blocks that alternate between the libraries.
omnisearch itself builds graphs only on a Qdrant server, by the same code as the engine.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from bench.hnsw import few_directions
from bench.results import Report, add_json_option, package_version
from omnisearch.types import Floats

K, M, EF_CONSTRUCT, BATCH = 10, 16, 100, 4096
FIRST_EF, LAST_EF = K, 4096
Search = Callable[[Floats], list[int]]


class Engine:
    """The embedded engine over vectors, with a graph or without."""

    def __init__(self, place: Path, vectors: Floats, graph: bool) -> None:
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=vectors.shape[1], distance=edge.Distance.Cosine),
            hnsw_config=edge.HnswIndexConfig(m=M, ef_construct=EF_CONSTRUCT, full_scan_threshold=10),
            optimizers=edge.EdgeOptimizersConfig(
                default_segment_number=1, indexing_threshold=100 if graph else 10 * len(vectors)
            ),
        )
        place.mkdir()
        self._shard = edge.EdgeShard.create(str(place), config)
        for at in range(0, len(vectors), BATCH):
            points = [edge.Point(at + n, row, {}) for n, row in enumerate(vectors[at : at + BATCH])]
            self._shard.update(edge.UpdateOperation.upsert_points(points))
        self._shard.optimize()

    def search(self, query: Floats, ef: int | None) -> list[int]:
        """Return the ids of the nearest, exactly if `ef` is None."""
        params = edge.SearchParams(exact=ef is None, hnsw_ef=ef)
        found = self._shard.query(edge.QueryRequest(limit=K, query=edge.Query.Nearest(query), params=params))
        return [int(point.id) for point in found]


class Faiss:
    """faiss over vectors, with a graph or without."""

    def __init__(self, vectors: Floats, graph: bool) -> None:
        dim = vectors.shape[1]
        self._index = faiss.IndexHNSWFlat(dim, M, faiss.METRIC_INNER_PRODUCT) if graph else faiss.IndexFlatIP(dim)
        if graph:
            self._index.hnsw.efConstruction = EF_CONSTRUCT
        self._index.add(vectors)

    def search(self, query: Floats, ef: int | None) -> list[int]:
        """Return the ids of the nearest."""
        if ef is not None:
            self._index.hnsw.efSearch = ef
        return list(map(int, self._index.search(query[None], K)[1][0]))


def milliseconds(search: Search, queries: Floats) -> float:
    """Return the processor time of a query, the mean."""
    start = time.process_time()
    for query in queries:
        search(query)
    return 1000 * (time.process_time() - start) / len(queries)


def recall(search: Search, queries: Floats, exact: NDArray[np.int64]) -> float:
    """Return the share of the true nearest that a search finds."""
    found = [len(set(search(query)) & set(map(int, true))) for query, true in zip(queries, exact, strict=True)]
    return sum(found) / (K * len(queries))


def tuned(index: Engine | Faiss, queries: Floats, exact: NDArray[np.int64], wanted: float) -> Search:
    """Return the search with the least `ef` that reaches a recall."""
    ef = FIRST_EF
    while True:
        search = with_ef(index, ef)
        if ef >= LAST_EF or recall(search, queries, exact) >= wanted:
            return search
        ef += max(1, ef // 4)


def with_ef(index: Engine | Faiss, ef: int | None) -> Search:
    """Return an index's search with one `ef`."""
    return lambda query: index.search(query, ef)


def compare(report: Report, name: str, ours: Search, theirs: Search, blocks: list[Floats], peer: str) -> None:
    """Let two searches take turns over the blocks of queries, and add times and ratio to the results."""
    milliseconds(ours, blocks[0]), milliseconds(theirs, blocks[0])  # warm up
    turns = [(milliseconds(ours, block), milliseconds(theirs, block)) for block in blocks]
    n = len(blocks[0])
    ratios = [mine / other for mine, other in turns]
    report.add(f"{name}, processor time", "ratio", ratios, n, peer=peer, peer_version=package_version("faiss-cpu"))
    report.add(f"{name}, a query", "ms", [mine for mine, _ in turns], n)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--directions", type=int, default=32)
    parser.add_argument("--queries", type=int, default=50, help="in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recall", type=float, default=0.95)
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    drawn = few_directions(given.points + given.queries * given.rounds, given.dim, given.directions)
    rows = np.concatenate(list(drawn.values()))
    vectors, queries = rows[: given.points], rows[given.points :]
    blocks = np.array_split(queries, given.rounds)
    exact = (queries @ vectors.T).argsort(axis=1)[:, : -K - 1 : -1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        scan, flat = Engine(Path(place) / "scan", vectors, graph=False), Faiss(vectors, graph=False)
        size = f"{given.points:,} vectors"
        compare(report, f"exact, {size}", with_ef(scan, None), with_ef(flat, None), blocks, "faiss IndexFlatIP")
        graph, hnsw = Engine(Path(place) / "graph", vectors, graph=True), Faiss(vectors, graph=True)
        ours, theirs = (tuned(index, queries, exact, given.recall) for index in (graph, hnsw))
        compare(report, f"graph, recall {given.recall}, {size}", ours, theirs, blocks, "faiss IndexHNSWFlat")
        for name, search in (("the engine", ours), ("faiss", theirs)):
            shares = [recall(search, block, exact[n * len(block) :][: len(block)]) for n, block in enumerate(blocks)]
            report.add(f"recall of the graph of {name}", "of 1", shares, len(blocks[0]), "higher")
    report.show()
    report.write(given.json)


if __name__ == "__main__":
    main()
