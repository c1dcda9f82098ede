"""What skipping costs and saves: recall, tower work and the cosine to the exact embedding, by the share of the factors.

    python bench/skip.py --model mini gcompris furniture

Runs over declared datasets (all that are fetched where none is named) with what the towers gave before: skipping is
done to whole embeddings, which gives what running fewer towers gives (tests/binding/test_tower_skipping.py). Work
counts the parameters of the towers that run; the towers that a router reads always do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sides import make_parser, open_sides

from omnisearch.binding import tower_skipping
from omnisearch.binding.model import OmniBind
from omnisearch.cli.console import write_rows
from omnisearch.config import load_settings
from omnisearch.spaces.towers import TOWERS, stack
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.recall import Side, answer

SHARES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
COLUMNS = ("modality", "share", "items", "work", "cosine", "lowest", "R@10 to text", "R@10 from text")


def measure(
    model: OmniBind, records: Sequence[Record], sides: Mapping[Modality, Side], modality: Modality, share: float
) -> dict[str, float | int | str]:
    """Skip in one modality alone, and compare with the exact embeddings."""
    side = sides[modality]
    skipped = model.skip(modality, side.embeddings, share)
    parameters = {name: sum(TOWERS[part].parameters for part in stack(name)) for name in TOWERS}
    work = tower_skipping.work(skipped, modality, model.towers(modality), parameters)
    cosine = (model.bind(modality, skipped) * model.bind(modality, side.embeddings)).sum(axis=1)
    rankings = answer(model, records, {**sides, modality: replace(side, embeddings=skipped)})
    row: dict[str, float | int | str] = {
        "modality": modality,
        "share": share,
        "items": len(side.rows),
        "work": float(work.mean()),
        "cosine": float(cosine.mean()),
        "lowest": float(cosine.min()),
    }
    for name, query, target in (("to text", modality, Modality.TEXT), ("from text", Modality.TEXT, modality)):
        found = [r.recall().at[10] for q, r in rankings.items() if q.query == query and q.target is target]
        if found:
            row[f"R@10 {name}"] = float(np.mean(found))
    return row


def main() -> None:
    """Print a table."""
    parser = make_parser(__doc__)
    parser.add_argument("--model", default="mini")
    arguments = parser.parse_args()
    settings = load_settings(model=arguments.model)
    model = OmniBind.load(settings.model, settings)
    records, sides = open_sides(model, settings, arguments)
    rows = [measure(model, records, sides, m, share) for m in sides if m is not Modality.TEXT for share in SHARES]
    write_rows(rows, COLUMNS, arguments.format)


if __name__ == "__main__":
    main()
