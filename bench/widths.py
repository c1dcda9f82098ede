"""What a smaller width saves on the disk: python bench/widths.py --points 20000

Fills an embedded index of random vectors for each width of `everyday`, and the store of space embeddings, which are cut
to the same width. Needs no weights.
"""

import argparse
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from omnisearch.binding.installed import find_config
from omnisearch.config import load_settings
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Segment

BATCH = 4096


def size(folder: Path) -> float:
    """Return the megabytes that the files of a folder take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def point(n: int, dim: int) -> Point:
    """Return a picture with a random vector."""
    item = f"{n:032x}"
    payload = Payload(item_id=item, modality=Modality.IMAGE, path=f"/bench/{n}.png", segment=Segment())
    vector = np.random.default_rng(n).normal(size=dim).astype(np.float32)
    return Point(point_id(item, payload.segment), vector / np.linalg.norm(vector), payload)


def index(count: int, dim: int) -> float:
    """Return the size of an index of `count` vectors."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        settings = load_settings(data_dir=Path(place))
        with closing(open_store(settings, model="everyday", dim=dim, fingerprint="0" * 12, create=True)) as store:
            for start in range(0, count, BATCH):
                store.upsert([point(n, dim) for n in range(start, min(start + BATCH, count))])
        return size(Path(place))


def embeddings(count: int, dim: int) -> float:
    """Return the size of the stored embeddings of one space, cut to `dim`."""
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        with closing(SpaceEmbeddingStore(Path(place))) as store:
            for start in range(0, count, BATCH):
                keys = [f"{n:032x}" for n in range(start, min(start + BATCH, count))]
                store.put("space@0", Modality.IMAGE, keys, draw.normal(size=(len(keys), dim)).astype(np.float32))
                store.flush()
        return size(Path(place))


def main() -> None:
    """Measure and print a Markdown table, in megabytes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=20_000)
    count = parser.parse_args().points
    config = find_config("everyday", load_settings())
    print("| dim | vectors | space embeddings | together | of the full width |\n|--:|--:|--:|--:|--:|")
    whole = 0.0
    for dim in (config.dim, *config.widths):
        vectors, kept = index(count, dim), embeddings(count, dim)
        whole = whole or vectors + kept
        share = (vectors + kept) / whole
        print(f"| {dim} | {vectors:.0f} MB | {kept:.0f} MB | {vectors + kept:.0f} MB | {share:.0%} |")


if __name__ == "__main__":
    main()
