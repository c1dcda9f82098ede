"""Measure the constants of the cost model: OMP_WAIT_POLICY=PASSIVE python bench/costs.py [PART]...

Writes omnisearch/costs/constants.json, which `omnisearch bench plan` and docs/scale.md use. Most figures are processor
time or bytes, as the slope between a small and a large sample, so that start-up and a busy machine have little
influence. Needs the weights of `mini` (`omnisearch models pull`).

    photo note document sound film object
               synthesized files of a kind through the indexer: decoding, encoding, the rest, sizes
    engine     the embedded engine with points of photographs: writing, size by part, memory, an exact search
    graph      the graph that a Qdrant server builds, by the same code: links and building
    processes  the peak memory of a run of `omnisearch index`, and of a search that loads every tower
    run        the share of the cores that a run over photographs keeps busy, for which the machine must be idle
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from bench import indexing, synthesized
from bench.growth import cost
from bench.hnsw import Graph, few_directions
from bench.process_tree import adopt_orphans
from bench.results import cpu_name
from omnisearch.config import Settings, load_settings
from omnisearch.costs.constants import Measurement, record
from omnisearch.media.pool import DecoderPool
from omnisearch.metadata import Metadata
from omnisearch.stores.base import Filter, Lookup, Payload, Point
from omnisearch.stores.catalog import DIRECTORY, open_store
from omnisearch.stores.edge_worker import LOCK_FILE
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Segment
from omnisearch_indexer import encoder_thread, session
from omnisearch_indexer.manifest import MANIFEST_FILE

MODEL, DIM = "mini", 384
# The generator of each kind, and the sizes of the small and the large sample.
KINDS: Mapping[str, tuple[Callable[[Path, int], None], tuple[int, int]]] = {
    "photo": (synthesized.photographs, (10, 50)),
    "note": (synthesized.notes, (20, 220)),
    "document": (synthesized.documents, (2, 10)),
    "sound": (synthesized.sounds, (3, 15)),
    "film": (synthesized.films, (1, 5)),
    "object": (synthesized.objects, (3, 9)),
}
# Texts are decoded in so little time that it takes more of them to measure it. They have no previews.
TEXTS = {"note": (20, 1020), "document": (10, 210)}
POINTS = 20_000, 40_000  # the log of the engine has its full size from some 15,000 points on
GRAPH_POINTS = 4_000, 20_000
BATCH = 256
RUN_PHOTOS = 400
MANIFEST = "manifest.file"  # measured with notes: their sample has the most files
TICKS = os.sysconf("SC_CLK_TCK")


def size(place: Path) -> int:
    """Return the bytes that a file, or the files of a folder, take on the disk."""
    files = [place] if place.is_file() else place.rglob("*")
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def slope(small: Mapping[str, float], large: Mapping[str, float], of: float) -> dict[str, float]:
    """Return what each of the `of` further files or points of the large sample adds."""
    return {name: max(0.0, (large[name] - small[name]) / of) for name in small}


@contextmanager
def timed_encoding() -> Iterator[list[float]]:
    """Yield a list that receives the processor seconds of each batch; torch must have one thread."""
    taken: list[float] = []
    original = encoder_thread.EncoderThread._encode

    def encode(self: Any, *arguments: Any) -> Any:
        begun = time.thread_time()
        try:
            return original(self, *arguments)
        finally:
            taken.append(time.thread_time() - begun)

    encoder_thread.EncoderThread._encode = encode  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        encoder_thread.EncoderThread._encode = original  # type: ignore[method-assign]


def index_files(settings: Settings, kind: str, count: int) -> dict[str, float]:
    """Index `count` files of a kind; return milliseconds of processor time, and bytes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, timed_encoding() as encoding:
        folder, data = Path(name, "files"), Path(name, "data")
        folder.mkdir()
        KINDS[kind][0](folder, count)
        begun = os.times()
        report = session.index_files([folder], settings.model_copy(update={"data_dir": data}))
        ended = os.times()
        own = ended.user + ended.system - begun.user - begun.system
        decoders = ended.children_user + ended.children_system - begun.children_user - begun.children_system
        return {
            "segments": report.segments,
            "decode": 1000 * decoders,
            "encode": 1000 * sum(encoding),
            "other": 1000 * (own - sum(encoding)),
            "embeddings": size(data / "embeddings"),
            "previews": size(data / "previews"),
            "manifest": size(data / MANIFEST_FILE),
        }


def decode_files(settings: Settings, kind: str, count: int) -> dict[str, float]:
    """Decode `count` files of a kind; return milliseconds of processor time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        KINDS[kind][0](folder, count)
        begun = os.times()
        with DecoderPool(settings, 1) as pool:
            for path in sorted(folder.iterdir()):
                for _ in pool.decode(path).pieces:
                    pass
        ended = os.times()
    return {
        "decode": 1000 * (ended.children_user + ended.children_system - begun.children_user - begun.children_system)
    }


def measure_kind(kind: str, rounds: int) -> dict[str, float]:
    """Return the constants of a kind of file, medians over the rounds."""
    settings = load_settings(model=MODEL)
    torch.set_num_threads(1)  # so that the encoder's thread does all of its work
    few, many = KINDS[kind][1]
    index_files(settings, kind, 1)  # loads the towers
    turns = [
        slope(index_files(settings, kind, few), index_files(settings, kind, many), many - few) for _ in range(rounds)
    ]
    row = {name: median(turn[name] for turn in turns) for name in turns[0]}
    if kind in TEXTS:
        row |= slope(*(decode_files(settings, kind, files) for files in TEXTS[kind]), TEXTS[kind][1] - TEXTS[kind][0])
    manifest = row.pop("manifest")
    return {f"{kind}.{name}": value for name, value in row.items()} | ({MANIFEST: manifest} if kind == "note" else {})


def photo_point(n: int) -> Point:
    """Return a photograph with a random vector, and with names and metadata as photographs have them."""
    item = f"{n:032x}"
    facts = Metadata(
        title=f"Street {n}", camera="ACME X100", time="2023-07-14T12:30:00+02:00", latitude=52.1, longitude=13.2
    )
    payload = Payload(
        item_id=item,
        modality=Modality.IMAGE,
        path=f"/home/somebody/Pictures/2023/07 summer in the city/IMG_{n:06}.jpg",
        mime="image/jpeg",
        size=2_000_000,
        mtime=1.6e9 + n,
        metadata=facts,
        segment=Segment(),
    )
    vector = np.random.default_rng(n).normal(size=DIM).astype(np.float32)
    return Point(point_id(item, payload.segment), vector / np.linalg.norm(vector), payload)


def engine_state(settings: Settings) -> tuple[float, float]:
    """Return the processor seconds and the peak memory in bytes of the engine's process."""
    pid = json.loads((settings.index_dir / DIRECTORY / LOCK_FILE).read_text())["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    return (int(fields[11]) + int(fields[12])) / TICKS, int(status.split("VmHWM:")[1].split()[0]) * 1024


def fill_engine(count: int) -> dict[str, float]:
    """Write `count` points to an embedded engine; return milliseconds of processor time, and bytes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        settings = load_settings(data_dir=Path(name))
        with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint="0" * 12, create=True)) as store:
            for start in range(0, count, BATCH):
                store.upsert([photo_point(n) for n in range(start, min(start + BATCH, count))])
            written, memory = engine_state(settings)
            query = photo_point(count).vector
            took = []
            for _ in range(20):
                begun = engine_state(settings)[0], time.perf_counter()
                store.search([Lookup(query, 10, Filter((Modality.IMAGE,)))] * 10)
                took.append((engine_state(settings)[0] - begun[0]) / 10)
        parts: dict[str, float] = {"payload": 0.0, "index": 0.0, "ids": 0.0}
        for folder in next(Path(name).rglob("segments")).glob("*/*"):
            part = "payload" if folder.name == "payload_storage" else "ids" if "id_tracker" in folder.name else None
            if part or "vector_storage" not in folder.name or folder.name.endswith("words"):
                parts[part or "index"] += size(folder)
        scan = sum(took) / len(took)
        return {"write": 1000 * written, "memory": memory, "scan": 1e9 * scan, "disk": size(Path(name)), **parts}


def measure_engine(rounds: int) -> dict[str, float]:
    """Return the constants of the embedded engine; `rounds` is not used, because its figures are sums over points."""
    del rounds
    few, many = POINTS
    small, large = fill_engine(few), fill_engine(many)
    row = slope(small, large, many - few)
    return {
        "engine.empty": small["disk"] - few * row["disk"],
        "engine.base": small["memory"] - few * row["memory"],
        **{f"engine.{name}": row[name] for name in ("write", "memory", "scan", "payload", "index", "ids")},
    }


def measure_graph(rounds: int) -> dict[str, float]:
    """Return the constants of a graph of m 16 and ef_construct 100."""
    del rounds
    found = []
    for count in GRAPH_POINTS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            begun = time.process_time()
            graph = Graph(Path(name), few_directions(count, DIM, 32), 16, 100)
            built = 1000 * (time.process_time() - begun)
            graph.close()
            found.append({"links": sum(map(size, Path(name).rglob("vector_index*"))), "build": built})
    row = slope(*found, GRAPH_POINTS[1] - GRAPH_POINTS[0])
    return {f"graph.{name}": value for name, value in row.items()}


def measure_processes(rounds: int) -> dict[str, float]:
    """Return the peak memory of the commands, in bytes."""
    del rounds
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name, "files")
        folder.mkdir()
        for generate, _ in KINDS.values():
            generate(folder, 1)
        command = [sys.executable, "-m", "omnisearch"]
        rest = ["--data-dir", str(Path(name, "data")), "--model", MODEL]
        run = cost([*command, "index", str(folder), *rest])
        every = [str(folder / f"00000{suffix}") for suffix in (".jpg", ".wav", ".glb")]
        asked = ["a dog", *(word for path in every for word in ("+", path))]
        searching = cost([*command, "search", *asked, *rest])
    return {"head.base": run.peak_mib * 2**20, "server.base": searching.peak_mib * 2**20}


def measure_run(rounds: int) -> dict[str, float]:
    """Return the share of the cores that a run over photographs keeps busy, its start included."""
    adopt_orphans()
    torch.set_num_threads(indexing.CORES)
    settings = load_settings(model=MODEL)
    index_files(settings, "photo", 1)  # loads the towers
    with tempfile.TemporaryDirectory() as name:
        KINDS["photo"][0](Path(name), RUN_PHOTOS)
        runs = [indexing.index(settings, Path(name)) for _ in range(rounds)]
    return {"run.busy": median(cpu / wall / indexing.CORES for wall, cpu, _ in runs)}


PARTS: Mapping[str, tuple[Callable[[int], dict[str, float]], str]] = {
    **{kind: (partial(measure_kind, kind), f"{few} and {many} files") for kind, (_, (few, many)) in KINDS.items()},
    "engine": (measure_engine, f"{POINTS[0]:,} and {POINTS[1]:,} points of {DIM} dimensions"),
    "graph": (measure_graph, f"{GRAPH_POINTS[0]:,} and {GRAPH_POINTS[1]:,} points of {DIM} dimensions"),
    "processes": (measure_processes, "a file of each kind"),
    "run": (measure_run, f"{RUN_PHOTOS} photographs"),
}


def machine() -> str:
    """Name this machine: its cores, their model and its load."""
    return f"{os.cpu_count()} cores of {cpu_name() or platform.machine()} with a load of {os.getloadavg()[0]:.0f}"


def main() -> None:
    """Measure the chosen parts, and write each when it is complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="; ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    for name in given.parts:
        measure, sample = PARTS[name]
        found = measure(given.rounds)
        print(name, {each: float(f"{value:.3g}") for each, value in found.items()}, flush=True)
        sample += "" if given.rounds == 1 else f", {given.rounds} rounds"
        record(found, Measurement(f"python bench/costs.py {name}", date.today().isoformat(), machine(), sample))


if __name__ == "__main__":
    main()
