"""What the doctor sees of an approximate search: python bench/hnsw.py --points 20000 --dim 384

The embedded engine can build the graph that a Qdrant server builds, by the same code; omnisearch itself never lets it.
Here it does, over random vectors of a few directions, a fifth of each modality, and the doctor measures recall on it
for several `ef`, and for none, as omnisearch asks a server; beside it stands the CPU time of a lookup. The second table
has graphs over quantized vectors, with and without more candidates than points in the answer, and with the
quantization ignored.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import qdrant_edge as edge

from omnisearch.stores.base import Filter, Lookup, Payload, Point, Scored
from omnisearch.stores.place import Place
from omnisearch.types import Floats, Modality
from omnisearch_indexer.index_quality import recall

EFS = (16, 32, 64, 128, 256, 512, None)
# Oversampling by kind; omnisearch asks a server for OVERSAMPLING and BINARY_OVERSAMPLING.
FACTORS: Mapping[str, Sequence[float]] = {"int8": (1, 2, 4), "binary": (1, 2, 4, 8, 16)}
SAMPLE, BATCH = 512, 4096


class Graph:
    """What the doctor needs of a store, over a shard with a graph: HNSW with one `ef`, the graph's own for None."""

    def __init__(
        self, place: Path, vectors: Mapping[Modality, Floats], m: int, ef_construct: int, kind: str = "none"
    ) -> None:
        """Build it in an empty directory from unit rows (n, dim) by modality, quantized if `kind` is not none."""
        self.vectors, self.dim = vectors, next(iter(vectors.values())).shape[1]
        self.exact, self.ef, self.quantization = False, None, None
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=self.dim, distance=edge.Distance.Cosine),
            quantization_config=_quantization(kind),
            hnsw_config=edge.HnswIndexConfig(m=m, ef_construct=ef_construct, full_scan_threshold=10),
            optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=100),
        )
        self._shard = edge.EdgeShard.create(str(place), config)
        self._shard.update(edge.UpdateOperation.create_field_index("modality", edge.PayloadSchemaType.Keyword))
        rows = [(row, modality) for modality, some in vectors.items() for row in some]
        for at in range(0, len(rows), BATCH):
            points = [edge.Point(n, row, {"modality": str(m)}) for n, (row, m) in enumerate(rows[at : at + BATCH], at)]
            self._shard.update(edge.UpdateOperation.upsert_points(points))
        self._shard.optimize()
        self.indexed = self._shard.info().indexed_vectors_count

    def close(self) -> None:
        """Let go of the shard."""
        self._shard.close()

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:  # noqa: ARG002
        """Answer each lookup by the graph, or exactly."""
        params = edge.SearchParams(exact=self.exact, hnsw_ef=self.ef, quantization=self.quantization)
        pages = [
            self._shard.query(
                edge.QueryRequest(
                    limit=one.limit, query=edge.Query.Nearest(one.vector), filter=_only(one.filter), params=params
                )
            )
            for one in lookups
        ]
        return [[Scored(str(p.id), p.score, Place("", 0, 1, Modality.TEXT, "")) for p in page] for page in pages]

    def scroll(self, chosen: Filter, with_vectors: bool = False) -> Iterator[Point]:  # noqa: ARG002
        """Every point of a modality."""
        return (
            Point("", row, Payload(item_id="", modality=m, path=""))
            for m in chosen.modalities
            for row in self.vectors[m]
        )

    def sample(self, modality: Modality) -> Floats:
        """The first of a modality."""
        return self.vectors[modality][:SAMPLE]


def _only(chosen: Filter) -> Any:
    return edge.Filter(must=[edge.FieldCondition("modality", match=edge.MatchAny(list(chosen.modalities)))])


def _quantization(kind: str) -> Any:
    """Return what `omnisearch.stores.quantization` asks a server for."""
    if kind == "int8":
        return edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, memory=edge.Memory.Pinned)
    return edge.BinaryQuantizationConfig(memory=edge.Memory.Pinned) if kind == "binary" else None


def few_directions(points: int, dim: int, directions: int, seed: int = 0) -> dict[Modality, Floats]:
    """Return unit rows, as many of each modality, that vary in only some directions, as embeddings do."""
    axes = np.random.default_rng(0).normal(size=(directions, dim))
    rows = np.random.default_rng(seed).normal(size=(points, directions)) @ axes
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return dict(zip(Modality, np.array_split(rows, len(Modality)), strict=True))


def per_lookup(graph: Graph, queries: Floats) -> float:
    """Return the median CPU milliseconds of a lookup of ten points of one modality."""
    took = []
    for query in queries:
        start = time.process_time()
        graph.search([Lookup(query, 10, Filter((Modality.IMAGE,)))])
        took.append(1000 * (time.process_time() - start))
    return median(took)


def main() -> None:
    """Build, measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--directions", type=int, default=32)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construct", type=int, default=100)
    chosen = parser.parse_args()
    queries = np.concatenate(list(few_directions(100, chosen.dim, chosen.directions, seed=1).values()))
    vectors = few_directions(chosen.points, chosen.dim, chosen.directions)
    with built(vectors, chosen.m, chosen.ef_construct, "none") as (graph, seconds):
        print("| ef | recall by doctor, lowest modality | highest | CPU ms a lookup |\n|--:|--:|--:|--:|")
        for ef in (*EFS, "exact"):
            graph.exact, graph.ef = ef == "exact", None if ef == "exact" else ef
            name = f"none (ef_construct {chosen.ef_construct})" if ef is None else ef
            print(f"| {name} | {measured(graph, queries)} |")
        graph.exact, graph.ef = False, None
        print("\n| quantization | oversampling | lowest modality | highest | CPU ms a lookup | CPU s to build |")
        print("|---|--:|--:|--:|--:|--:|")
        print(f"| none | | {measured(graph, queries)} | {seconds:.1f} |")
    for kind, factors in FACTORS.items():
        with built(vectors, chosen.m, chosen.ef_construct, kind) as (graph, seconds):
            for factor in factors:
                graph.quantization = edge.QuantizationSearchParams(rescore=True, oversampling=factor)
                print(f"| {kind} | {factor} | {measured(graph, queries)} | {seconds:.1f} |")
            graph.quantization = edge.QuantizationSearchParams(ignore=True)
            print(f"| {kind}, ignored | | {measured(graph, queries)} | {seconds:.1f} |")


def measured(graph: Graph, queries: Floats) -> str:
    """Return the cells of a row: the lowest and the highest recall of a modality, and the time of a lookup."""
    shares = recall(graph, graph.sample).values()
    return f"{min(shares):.3f} | {max(shares):.3f} | {per_lookup(graph, queries):.2f}"


@contextmanager
def built(vectors: Mapping[Modality, Floats], m: int, ef_construct: int, kind: str) -> Iterator[tuple[Graph, float]]:
    """Build a graph in a temporary directory; also return the CPU seconds that it took."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        start = time.process_time()
        graph = Graph(Path(folder), vectors, m, ef_construct, kind)
        yield graph, time.process_time() - start
        graph.close()


if __name__ == "__main__":
    main()
