"""What a lower precision of the text tower costs: cosine to fp32, speed and recall.

    python bench/precision.py --precision int8 gcompris furniture

Runs over declared datasets (all that are fetched where none is named): their names are embedded in fp32 and in the
precision, everything else stays. Needs the weights (`omnisearch models pull`).
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.cli.console import Format, write_rows
from omnisearch.config import Settings, load_settings
from omnisearch.spaces.towers import load_tower
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.datasets.fetch import datasets_dir
from omnisearch_training.datasets.load import open_data
from omnisearch_training.evaluate.recall import Side, answer, encode
from omnisearch_training.stages.features import Features

TOWER, TEXT = "minilm", Modality.TEXT
ROUNDS = 3


def features(texts: Sequence[str], settings: Settings) -> tuple[Floats, float]:
    """Return the tower's rows of texts, and texts a second in the fastest round."""
    tower = load_tower(TOWER, settings)
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        rows = tower.features(list(texts))
        took.append(time.perf_counter() - start)
    return rows, len(texts) / min(took)


def embeddings(model: OmniBind, side: Side, rows: Floats) -> SpaceEmbeddings:
    """Return the embeddings of a side in which the spaces over the tower read these rows."""
    read = [name for name in model.config.spaces(TEXT) if model.spaces[name].spec.towers[TEXT] == TOWER]
    return {**side.embeddings, **{(name, TEXT): model.spaces[name].project(TEXT, rows) for name in read}}


def main() -> None:
    """Print a table: cosines of the bound texts to those in fp32, and recall@10 of texts by what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="declared datasets; none: all that are fetched")
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--split", default="test")
    parser.add_argument("--cache", type=Path, default=datasets_dir())
    parser.add_argument("--format", type=Format, default=None)
    arguments = parser.parse_args()
    settings = load_settings(model="mini", device="cpu", precision="fp32")
    model = OmniBind.load(settings.model, settings)
    records = [record for each in open_data(arguments.data, arguments.split).values() for record in each]
    wanted = [m for m in model.modalities if m is not Modality.VIDEO]
    sides = encode(model, Features(arguments.cache / "features", settings), records, wanted)
    texts = [row.key for row in sides[TEXT].rows]
    exact: Floats | None = None
    table = []
    for precision in ("fp32", arguments.precision):
        rows, speed = features(texts, settings.model_copy(update={"precision": precision}))
        side = Side(sides[TEXT].rows, embeddings(model, sides[TEXT], rows))
        bound = model.bind(TEXT, side.embeddings)
        exact = bound if exact is None else exact
        cosines = (bound * exact).sum(axis=1)
        row = {
            "precision": precision,
            "texts/s": speed,
            "cosine": float(cosines.mean()),
            "lowest": float(cosines.min()),
        }
        found = answer(model, records, {**sides, TEXT: side})
        for target in wanted[1:]:
            recalls = [r.recall().at[10] for q, r in found.items() if q.query == TEXT and q.target is target]
            row[f"R@10 {target}"] = float(np.mean(recalls)) if recalls else float("nan")
        table.append(row)
    write_rows(table, tuple(table[0]), arguments.format)


if __name__ == "__main__":
    main()
