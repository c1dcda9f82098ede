"""Indexing against its encoder alone, for each modality: OMP_WAIT_POLICY=PASSIVE python bench/indexing.py

Synthesizes files, and then takes turns: the model encodes their contents, which were decoded before, in batches of the
same size; and `index_files` indexes the files into a new data directory. Both run in this process, with the towers
loaded. A ratio of two turns survives a busy machine, and a rate does not. OMP_WAIT_POLICY=PASSIVE, as `omnisearch` sets
it, keeps waiting threads from using the cores. Needs the weights (`omnisearch models pull`).

    start      seconds of a run over a single file: mostly the start of the decoders and of the engine
    ratio      contents per second of indexing, over those of the encoder alone
    bound      the ratio if all cores decoded and encoded all the time, and did nothing else. Above 1 if the encoder
               alone leaves cores idle
    CPU ratio  the ratio of contents per second of processor time, including the decoders and the engine
    busy       share of the run in which the cores work
    decode     share of the run in which a reader thread waits for its decoder or hashes, the mean over these threads
    encode     share of the run in which the encoder works
    write      share of the run in which results are written
    idle       share of the run in which the deciding thread waits
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from bench import synthesized
from bench.process_tree import adopt_orphans, cpu_seconds
from bench.results import Report, add_json_option
from omnisearch.binding.model import OmniBind
from omnisearch.binding.picture_side import picture_side
from omnisearch.config import Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Modality
from omnisearch_indexer import batcher, encoder_thread, reader, reader_queue, session, writer
from omnisearch_indexer.batch_encoder import BatchEncoder

COUNTS = {
    Modality.IMAGE: 400,
    Modality.TEXT: 400,
    Modality.POINT_CLOUD: 42,
    Modality.AUDIO: 102,
    Modality.VIDEO: 22,
}
PARTS = ("decode", "encode", "write", "idle")
ALONE = "the encoder alone"
# The columns of the table: fields of a turn, and how they are written.
COLUMNS = {
    "start": ("start", ">10.1f"),
    "alone/s": ("alone", ">10.1f"),
    "index/s": ("indexed", ">10.1f"),
    "ratio": ("ratio", ">10.2f"),
    "bound": ("bound", ">10.2f"),
    "CPU ratio": ("cpu_ratio", ">10.2f"),
    "busy": ("busy", ">10.0%"),
}
CORES = len(os.sched_getaffinity(0))


@dataclass
class Turn:
    """One round of a modality. Rates are contents a second, `start` seconds."""

    start: float
    alone: float
    indexed: float
    ratio: float
    bound: float
    cpu_ratio: float
    busy: float
    shares: dict[str, float]


class Clock:
    """Seconds of the threads by what they do, from functions that are timed while `running`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, part: str, seconds: float) -> None:
        """Add seconds of one thread."""
        with self._lock:
            self.seconds[part] += seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the parts of the indexer until the end of the block."""
        places: list[tuple[Any, str, str, int]] = [
            (reader.Reader, "_hash", "decode", 1),
            (reader.Reader, "_decode", "decode", 1),
            (reader.Reader, "_put", "decode", -1),  # it waits for space there
            (encoder_thread.EncoderThread, "_encode", "encode", 1),
            (batcher.Batcher, "take", "write", 1),
            (writer.Writer, "write", "write", 1),
            (reader_queue.ReaderQueue, "get", "idle", 1),
        ]
        before = [(owner, name, getattr(owner, name)) for owner, name, _, _ in places]
        for owner, name, part, sign in places:
            setattr(owner, name, self._timed(getattr(owner, name), part, sign))
        try:
            yield
        finally:
            for owner, name, original in before:
                setattr(owner, name, original)

    def _timed(self, function: Any, part: str, sign: int) -> Any:
        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.add(part, sign * (time.perf_counter() - begun))

        return timed


@dataclass
class Alone:
    """Encoding alone: the contents, the seconds and CPU seconds of encoding, and the CPU seconds of decoding."""

    contents: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    decoding: float = 0.0


def encode_alone(model: OmniBind, settings: Settings, modality: Modality, folder: Path) -> Alone:
    """Decode and encode batch by batch."""
    encoder, found, before = BatchEncoder(model, settings.batch_size), Alone(), cpu_seconds()
    side = picture_side(settings)
    with DecoderPool(settings, settings.workers, previews=True, shorter_side=side) as pool:
        pieces = (piece.content for path in sorted(folder.iterdir()) for piece in pool.decode(path).pieces)
        while batch := list(islice(pieces, settings.batch_size)):
            begun = time.perf_counter(), time.process_time()
            encoder.encode(modality, batch)
            found.wall += time.perf_counter() - begun[0]
            found.cpu += time.process_time() - begun[1]
            found.contents += len(batch)
    found.decoding = cpu_seconds() - before - found.cpu
    return found


def index(settings: Settings, folder: Path) -> tuple[float, float, dict[str, float]]:
    """Index a folder; return seconds, CPU seconds, and the shares of the parts."""
    clock = Clock()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, clock.running():
        begun = time.perf_counter(), cpu_seconds()
        session.index_files([folder], settings.model_copy(update={"data_dir": Path(place)}))
        wall, cpu = time.perf_counter() - begun[0], cpu_seconds() - begun[1]
    threads = {"decode": settings.workers}
    return wall, cpu, {part: clock.seconds[part] / wall / threads.get(part, 1) for part in PARTS}


def take_turn(model: OmniBind, settings: Settings, modality: Modality, folder: Path, single: Path) -> tuple[int, Turn]:
    """Measure one round; return the number of contents with it. `single` is a folder of one file."""
    alone = encode_alone(model, settings, modality, folder)
    start, *_ = index(settings, single)
    wall, cpu, shares = index(settings, folder)
    return alone.contents, Turn(
        start,
        alone.contents / alone.wall,
        alone.contents / wall,
        alone.wall / wall,
        CORES * alone.wall / (alone.cpu + alone.decoding),
        alone.cpu / cpu,
        cpu / wall / CORES,
        shares,
    )


def measure(model: OmniBind, settings: Settings, modality: Modality, count: int, rounds: int) -> tuple[int, list[Turn]]:
    """Measure one modality in turns; return the number of contents, and the turns."""
    with tempfile.TemporaryDirectory() as place:
        folder, single, contents, turns = Path(place, "all"), Path(place, "single"), 0, []
        folder.mkdir(), single.mkdir()
        synthesized.GENERATORS[modality](folder, count)
        shutil.copy(min(folder.iterdir()), single)
        encode_alone(model, settings, modality, single)  # loads the towers
        for _ in range(rounds):
            contents, turn = take_turn(model, settings, modality, folder, single)
            turns.append(turn)
    return contents, turns


def report_turns(report: Report, modality: Modality, contents: int, turns: list[Turn]) -> None:
    """Add the figures of a modality to the results."""
    name = modality.value
    report.add(f"{name}: indexing", "contents/s", [turn.indexed for turn in turns], contents, "higher")
    report.add(f"{name}: indexing over encoding, rate", "ratio", [t.ratio for t in turns], contents, "higher", ALONE)
    report.add(f"{name}: bound of this ratio", "ratio", [turn.bound for turn in turns], contents, "higher", ALONE)
    cpu = [turn.cpu_ratio for turn in turns]
    report.add(f"{name}: indexing over encoding, per processor second", "ratio", cpu, contents, "higher", ALONE)


def main() -> None:
    """Print a table; with --json, write the rates and ratios to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual number of files")
    parser.add_argument("--only", nargs="*", type=Modality, choices=list(Modality), default=list(COUNTS))
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    adopt_orphans()
    settings = load_settings(model=given.model)
    model = OmniBind.load(given.model, settings)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {given.rounds} rounds")
    names = ("files", "contents", *COLUMNS, *PARTS)
    print(f"{'modality':<12}" + "".join(f"{name:>10}" for name in names))
    for modality in given.only:
        files = max(1, round(COUNTS[modality] * given.scale))
        contents, turns = measure(model, settings, modality, files, given.rounds)
        report_turns(report, modality, contents, turns)
        cells = [f"{files:>10}{contents:>10}"]
        cells += [format(median(getattr(turn, name) for turn in turns), form) for name, form in COLUMNS.values()]
        cells += [f"{median(turn.shares[part] for turn in turns):>10.0%}" for part in PARTS]
        print(f"{modality:<12}" + "".join(cells), flush=True)
    report.write(given.json)


if __name__ == "__main__":
    main()
