"""What a lower precision of the text tower costs: cosine to fp32, speed and recall.

    python bench/precision.py --precision int8 gcompris furniture

Runs over declared datasets (all that are fetched where none is named): their names are embedded in fp32 and in the
precision, everything else stays. Needs the weights (`omnisearch models pull`).
"""

import time
from collections.abc import Sequence

import numpy as np
from sides import make_parser, open_sides

from omnisearch.binding.model import OmniBind
from omnisearch.cli.console import write_rows
from omnisearch.config import Settings, load_settings
from omnisearch.spaces.towers import load_tower
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.evaluate.recall import Side, answer

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
    parser = make_parser(__doc__)
    parser.add_argument("--precision", default="int8")
    arguments = parser.parse_args()
    settings = load_settings(model="mini", device="cpu", precision="fp32")
    model = OmniBind.load(settings.model, settings)
    records, sides = open_sides(model, settings, arguments)
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
        for target in (m for m in sides if m is not TEXT):
            recalls = [r.recall().at[10] for q, r in found.items() if q.query == TEXT and q.target is target]
            row[f"R@10 {target}"] = float(np.mean(recalls)) if recalls else float("nan")
        table.append(row)
    write_rows(table, tuple(table[0]), arguments.format)


if __name__ == "__main__":
    main()
