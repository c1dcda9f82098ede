"""Draw the pictures of the documents from results in JSON: python bench/figures.py [FOLDER]

recall.svg       recall@10 by direction, from training/runs/mini.json, which `omnisearch eval` writes
router_load.svg  the mean combining factors by language and by dataset, from the same file
growth.svg       how runs grow with the number of files, from bench/growth.json, which bench/growth.py writes
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnisearch_training.model_report.figures import Lines, draw_groups, draw_lines, draw_stacks
from omnisearch_training.model_report.pictures import directions, router_loads

ROOT = Path(__file__).parent.parent
LEAST = 100  # queries; directions with fewer are too noisy to draw
# The lines of each panel, and the columns of bench/growth.py that they show.
GROWTH = {
    "processor time, s": {"first run": "first_cpu", "run without changes": "unchanged_cpu", "find": "find_cpu"},
    "MiB": {
        "memory, first run": "first_peak_mib",
        "memory, engine": "engine_peak_mib",
        "memory, run without changes": "unchanged_peak_mib",
        "index": "index_mib",
    },
}


def growth(rows: list[Mapping[str, float]]) -> dict[str, Lines]:
    """Return the lines of each panel; not every row has every column."""
    ordered = sorted(rows, key=lambda row: row["files"])
    return {
        title: {
            name: [(row["files"], row[column]) for row in ordered if row.get(column, 0) > 0]
            for name, column in columns.items()
        }
        for title, columns in GROWTH.items()
    }


def draw(folder: Path) -> None:
    """Draw all pictures."""
    evaluation = _read("training/runs/mini.json")
    evaluation["results"] = [row for row in evaluation["results"] if row["queries"] >= LEAST]
    draw_groups(folder / "recall.svg", {"": directions(evaluation)}, "recall@10, %")
    draw_stacks(folder / "router_load.svg", router_loads(evaluation), "mean combining factor")
    draw_lines(folder / "growth.svg", growth(_read("bench/growth.json")["rows"]), "files")


def _read(name: str) -> Any:
    return json.loads((ROOT / name).read_text("utf-8"))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
