"""Indexing against its encoder alone, for each modality: OMP_WAIT_POLICY=PASSIVE python bench/indexing.py

Synthesizes files, and then takes turns: the model encodes their contents, which were decoded before, in batches of the
same size; and `index_files` indexes the files into a new data directory. Both run in this process, with the towers
loaded. A ratio of two turns survives a busy machine, and a rate does not. OMP_WAIT_POLICY=PASSIVE, as `omnisearch` sets
it, keeps waiting threads from using the cores. Needs the weights (`omnisearch models pull`).

    ratio      contents per second of indexing, over those of the encoder alone
    CPU ratio  the same per second of processor time, including the decoders
    decode     share of the run in which a reader thread waits for its decoder or hashes, the mean over these threads
    encode     share of the run in which the encoder works
    write      share of the run in which results are written
    idle       share of the run in which the deciding thread waits
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from bench import synthesized
from omnisearch.binding.model import OmniBind
from omnisearch.binding.picture_side import picture_side
from omnisearch.config import Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Modality
from omnisearch_indexer import batcher, encoder_thread, reader, reader_queue, session, writer
from omnisearch_indexer.batch_encoder import BatchEncoder

COUNTS = {
    Modality.IMAGE: 400,
    Modality.TEXT: 1500,
    Modality.POINT_CLOUD: 42,
    Modality.AUDIO: 102,
    Modality.VIDEO: 22,
}
PARTS = ("decode", "encode", "write", "idle")


@dataclass
class Row:
    """One modality, medians over the rounds; rates are contents a second."""

    files: int
    contents: int
    alone: float
    indexed: float
    ratio: float
    cpu_ratio: float
    decode: float
    encode: float
    write: float
    idle: float


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


def cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def encode_alone(model: OmniBind, settings: Settings, modality: Modality, folder: Path) -> tuple[int, float, float]:
    """Decode and encode batch by batch; return the contents, and the seconds and CPU seconds of encoding alone."""
    encoder, wall, cpu, count = BatchEncoder(model, settings.batch_size), 0.0, 0.0, 0
    with DecoderPool(settings, settings.workers, shorter_side=picture_side(settings)) as pool:
        pieces = (piece.content for path in sorted(folder.iterdir()) for piece in pool.decode(path).pieces)
        while batch := list(islice(pieces, settings.batch_size)):
            begun = time.perf_counter(), time.process_time()
            encoder.encode(modality, batch)
            wall, cpu = wall + time.perf_counter() - begun[0], cpu + time.process_time() - begun[1]
            count += len(batch)
    return count, wall, cpu


def index(settings: Settings, folder: Path) -> tuple[float, float, dict[str, float]]:
    """Index a folder; return seconds, CPU seconds, and the shares of the parts."""
    clock = Clock()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, clock.running():
        begun = time.perf_counter(), cpu_seconds()
        session.index_files([folder], settings.model_copy(update={"data_dir": Path(place)}))
        wall, cpu = time.perf_counter() - begun[0], cpu_seconds() - begun[1]
    threads = {"decode": settings.workers}
    return wall, cpu, {part: clock.seconds[part] / wall / threads.get(part, 1) for part in PARTS}


def measure(model: OmniBind, settings: Settings, modality: Modality, count: int, rounds: int) -> Row:
    """Measure one modality in turns."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        synthesized.GENERATORS[modality](folder, count)
        encode_alone(model, settings, modality, folder)  # loads the towers
        turns = [(encode_alone(model, settings, modality, folder), index(settings, folder)) for _ in range(rounds)]
    contents = turns[0][0][0]
    return Row(
        count,
        contents,
        alone=median(contents / wall for (_, wall, _), _ in turns),
        indexed=median(contents / wall for _, (wall, _, _) in turns),
        ratio=median(alone[1] / whole[0] for alone, whole in turns),
        cpu_ratio=median(alone[2] / whole[1] for alone, whole in turns),
        **{part: median(shares[part] for _, (_, _, shares) in turns) for part in PARTS},
    )


def main() -> None:
    """Print a table; with --json, write the same numbers to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual number of files")
    parser.add_argument("--only", nargs="*", type=Modality, choices=list(Modality), default=list(COUNTS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    settings = load_settings(model=given.model)
    model = OmniBind.load(given.model, settings)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {given.rounds} rounds")
    names = ("files", "contents", "alone/s", "index/s", "ratio", "CPU ratio", *PARTS)
    print(f"{'modality':<12}" + "".join(f"{name:>10}" for name in names))
    rows = {}
    for modality in given.only:
        row = measure(model, settings, modality, max(1, round(COUNTS[modality] * given.scale)), given.rounds)
        rows[modality.value] = {name: round(number, 3) for name, number in asdict(row).items()}
        cells = [f"{row.files:>10}{row.contents:>10}{row.alone:>10.1f}{row.indexed:>10.1f}"]
        cells += [f"{share:>10.2f}" for share in (row.ratio, row.cpu_ratio)]
        cells += [f"{getattr(row, part):>10.0%}" for part in PARTS]
        print(f"{modality:<12}" + "".join(cells), flush=True)
    if given.json:
        given.json.write_text(
            json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], **rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
