"""The plan of a cluster: which actors run on which node, and their shares of its processors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import NamedTuple

# Encoding gains less and less from more processors for one batch, and each encoder holds its towers once more.
ENCODER_CPUS = 4


@dataclass(frozen=True)
class Node:
    """A living node: its id, its name for messages, and its processors and GPUs."""

    id: str
    name: str
    cpus: float
    gpus: int = 0


@dataclass(frozen=True)
class Place:
    """A place for one actor on a node."""

    node: Node
    cpus: float
    gpus: int = 0


class Plan(NamedTuple):
    """The places of all actors. Places of different nodes alternate."""

    decoders: list[Place]
    encoders: list[Place]


def plan(nodes: Sequence[Node], decoders: int | None = None) -> Plan:
    """Divide the nodes among decoders and encoders; `decoders` limits the number of decoders.

    Every GPU gets an encoder, and every other processor gets a decoder. In a cluster without GPUs, encoders get half of
    the processors of each node. The actors of a node with fewer processors than actors share them.
    """
    has_gpus = any(node.gpus for node in nodes)
    usable = [node for node in nodes if node.cpus > 0]
    plans = [_with_gpus(node) if has_gpus else _without_gpus(node) for node in usable]
    return Plan(_alternate([p.decoders for p in plans])[:decoders], _alternate([p.encoders for p in plans]))


def _with_gpus(node: Node) -> Plan:
    decoders = max(1, int(node.cpus) - node.gpus)
    share = min(1.0, node.cpus / (decoders + node.gpus))
    return Plan([Place(node, share)] * decoders, [Place(node, share, 1)] * node.gpus)


def _without_gpus(node: Node) -> Plan:
    if node.cpus < 2:
        half = Place(node, node.cpus / 2)
        return Plan([half], [half])
    encoding = int(node.cpus) // 2
    encoders = -(-encoding // ENCODER_CPUS)
    return Plan([Place(node, 1)] * (int(node.cpus) - encoding), [Place(node, encoding // encoders)] * encoders)


def _alternate(groups: Sequence[Sequence[Place]]) -> list[Place]:
    return [place for place in chain.from_iterable(zip_longest(*groups)) if place is not None]
