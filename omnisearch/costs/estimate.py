"""The formulas that estimate the cost of an index from its files and its machines."""

from dataclasses import dataclass

from omnisearch.config import Quantization
from omnisearch.costs.constants import Constants
from omnisearch.costs.declarations import Hardware, Mix
from omnisearch.stores.place import PLACE_BYTES

FLOAT, HALF = 4, 2  # bytes
HOURS = 730  # of a month


@dataclass(frozen=True)
class Estimate:
    """The cost of indexing and keeping `files` files. Memory and disk are in bytes, money in US dollars.

    `processors` is the processor time of the first run in seconds. `seconds` is the time that this run takes, and
    `limit` what it waits for: the cores, the graphics card, or the head of the cluster. `head` is the memory of the
    process that runs it, and `server` that of `omnisearch serve`. `engine` is the memory of the points: in the embedded
    engine, or on all `nodes` of a Qdrant cluster with their copies; with the embedded engine there are no nodes.
    `search` is the time of an exact search in seconds, and None for a graph. `indexing` and `month` are None for
    machines without a price.
    """

    files: float
    points: float
    processors: float
    seconds: float
    limit: str
    head: float
    server: float
    engine: float
    nodes: int
    vectors: float
    embeddings: float
    previews: float
    manifest: float
    search: float | None
    indexing: float | None
    month: float | None

    @property
    def disk(self) -> float:
        """The bytes of the index on disks, without the media."""
        return self.vectors + self.embeddings + self.previews + self.manifest


def estimate(
    files: float,
    mix: Mix,
    hardware: Hardware,
    dim: int,
    constants: Constants,
    machines: int = 1,
    quantization: Quantization = "none",
) -> Estimate:
    """Estimate what `files` files of a mix cost with a model of `dim` dimensions, on `machines` equal machines.

    Processor times were measured on one machine; a core of another one is assumed to be as fast.
    """
    c = constants
    points = files * _mean(mix, "segments", c)
    embedded = points <= c["engine.most"]
    decode, encode = (files * _mean(mix, step, c) / 1000 for step in ("decode", "encode"))
    other = (files * _mean(mix, "other", c) + points * c["engine.write"]) / 1000
    if not embedded:
        other += points * c["graph.build"] / 1000
    cores = machines * hardware.cores * c["run.busy"]
    times = {"cores": (decode + other + (0 if hardware.graphics else encode)) / cores}
    if hardware.graphics:
        times["graphics card"] = encode / (machines * c["graphics.cores"])
    if machines > 1:
        times["head"] = files * c["head.cluster"] / 1000
    limit = max(times, key=lambda name: times[name])
    store = _embedded(points, dim, c) if embedded else _cluster(points, dim, quantization, c)
    kept = {part: files * _mean(mix, part, c) for part in ("embeddings", "previews")}
    manifest = files * c["manifest.file"]
    indexing = month = None
    if hardware.price_hour is not None:
        indexing = times[limit] / 3600 * machines * hardware.price_hour
        disk = store.disk + sum(kept.values()) + manifest
        month = HOURS * (hardware.price_hour + store.nodes * (c["node.price"] if store.nodes else 0))
        month += disk / 1e9 * c["disk.price"]
    return Estimate(
        files=files,
        points=points,
        processors=decode + encode + other,
        seconds=times[limit],
        limit=limit,
        head=c["head.base"] + files * c["head.file"],
        server=c["server.base"] + c["server.cache"],
        engine=store.memory,
        nodes=store.nodes,
        vectors=store.disk,
        **kept,
        manifest=manifest,
        search=points * c["engine.scan"] / 1e9 if embedded else None,
        indexing=indexing,
        month=month,
    )


@dataclass(frozen=True)
class _Store:
    """The memory and the disk of all points in bytes, and the machines of a cluster that hold them."""

    memory: float
    disk: float
    nodes: int


def _mean(mix: Mix, name: str, c: Constants) -> float:
    """Return the mean of a constant over the kinds of files of a mix."""
    return sum(share * c[f"{kind}.{name}"] for kind, share in mix.shares.items())


def _embedded(points: float, dim: int, c: Constants) -> _Store:
    point = (FLOAT + HALF) * dim + PLACE_BYTES + c["engine.payload"] + c["engine.index"] + c["engine.ids"]
    return _Store(c["engine.base"] + points * c["engine.memory"], c["engine.empty"] + points * point, 0)


def _cluster(points: float, dim: int, quantization: Quantization, c: Constants) -> _Store:
    """Size a Qdrant cluster: the searched vectors and the indexes are in memory, and everything is on the disk.

    With a quantization, the codes are in memory, and the original vectors only on the disk. The text vector, in half
    precision, takes the same space on the disk in points that have none.
    """
    codes = {"none": 0.0, "int8": dim + FLOAT, "binary": dim / 8}[quantization]
    searched = codes or FLOAT * dim
    indexes = c["graph.links"] + c["engine.index"] + c["engine.ids"]
    one = points * (searched + indexes) * c["node.spare"]
    usable = c["node.memory"] * c["node.filled"]
    copies = c["node.replicas"] if one > usable else 1
    nodes = -(-copies * one // usable)
    disk = copies * points * ((FLOAT + HALF) * dim + codes + indexes + c["engine.payload"])
    return _Store(copies * one, disk, int(nodes))
