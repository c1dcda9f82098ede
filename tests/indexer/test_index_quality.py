"""Recall of a real graph: what the doctor would find on a server, whose index code the embedded engine has too."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from bench.hnsw import Graph, few_directions
from omnisearch.stores.base import Lookup, Scored
from omnisearch.types import Modality
from omnisearch_indexer.index_quality import NEAREST, recall

EF_CONSTRUCT = 32

pytestmark = pytest.mark.slow


class Recorded(Graph):
    """Notes what it was asked and what it answered."""

    asked: list[tuple[Lookup, list[Scored]]]

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        pages = super().search(lookups, with_vectors)
        self.asked += zip(lookups, pages, strict=True)
        return pages


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    vectors = few_directions(20_000, 32, 32)
    made = Recorded(tmp_path_factory.mktemp("graph"), vectors, m=8, ef_construct=EF_CONSTRUCT)
    assert made.indexed == 20_000  # or there is no graph, and every search is exact
    yield made
    made.close()


def measured(graph: Recorded, ef: int | None, exact: bool = False) -> dict[Modality, float]:
    graph.ef, graph.exact, graph.asked = ef, exact, []
    return dict(recall(graph, graph.sample))  # type: ignore[arg-type]


def test_recall_is_that_of_ids_against_all_products(graph: Recorded) -> None:
    found = measured(graph, 8)
    first, right, total = 0, dict.fromkeys(Modality, 0), dict.fromkeys(Modality, 0)
    for modality in Modality:
        rows = graph.vectors[modality]
        for lookup, page in (one for one in graph.asked if one[0].filter.modalities == (modality,)):
            nearest = np.argsort(-(rows.astype(np.float64) @ lookup.vector))[:NEAREST] + first
            right[modality] += len({int(point.id) for point in page} & set(nearest.tolist()))
            total[modality] += NEAREST
        first += len(rows)
    assert found == pytest.approx({m: right[m] / total[m] for m in Modality}, abs=0.01)
    assert max(found.values()) < 0.95


def test_recall_rises_with_ef_to_that_of_an_exact_search(graph: Recorded) -> None:
    means = [float(np.mean(list(measured(graph, ef).values()))) for ef in (4, 32, 512)]
    assert means == sorted(means)
    assert means[0] < means[1] < means[2]
    assert min(measured(graph, None, exact=True).values()) == 1


def test_a_search_that_names_no_ef_looks_as_far_as_ef_construct(graph: Recorded) -> None:
    """As the doctor advises: it is `ef_construct` that an owner of a server can raise."""
    assert measured(graph, None) == measured(graph, EF_CONSTRUCT)
