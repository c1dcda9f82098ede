"""The places of actors on the nodes of a cluster."""

from collections import Counter

import pytest

from omnisearch_indexer.ray.plan import ENCODER_CPUS, Node, Place, plan


def node(name: str, cpus: float, gpus: int = 0) -> Node:
    return Node(name, name, cpus, gpus)


@pytest.mark.parametrize(
    "nodes", [[(1, 0)], [(2, 0), (1, 0)], [(3, 0)], [(64, 0), (7, 0)], [(8, 1), (8, 0)], [(1, 1)], [(4, 8)]]
)
def test_a_node_lends_what_it_has_and_no_more(nodes: list[tuple[float, int]]) -> None:
    made = [node(f"n{n}", cpus, gpus) for n, (cpus, gpus) in enumerate(nodes)]
    decoders, encoders = plan(made)
    assert decoders
    assert encoders
    for each in made:
        places = [place for place in (*decoders, *encoders) if place.node == each]
        assert sum(place.cpus for place in places) <= each.cpus + 1e-9
        assert sum(place.gpus for place in places) == each.gpus
        assert all(place.cpus < 1 or place.cpus == int(place.cpus) for place in places)  # as Ray demands
        assert any(place in decoders for place in places)


def test_every_gpu_has_one_encoder_and_other_nodes_have_none() -> None:
    _, encoders = plan([node("gpus", 16, 2), node("cpus", 16)])
    assert encoders == [Place(node("gpus", 16, 2), 1, 1)] * 2


def test_without_gpus_half_of_the_processors_encode() -> None:
    decoders, encoders = plan([node("a", 16), node("b", 16)])
    assert len(decoders) == 16
    assert sum(place.cpus for place in encoders) == 16
    assert all(place.cpus == ENCODER_CPUS for place in encoders)


def test_few_decoders_are_spread_over_the_nodes() -> None:
    decoders, _ = plan([node("a", 8), node("b", 8)], decoders=2)
    assert Counter(place.node.name for place in decoders) == {"a": 1, "b": 1}


def test_a_cluster_without_processors_has_no_places() -> None:
    assert plan([node("head", 0)]) == ([], [])
