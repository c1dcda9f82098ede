"""What routers are worth as spaces are added: python bench/planted.py [--seeds 3]

Binds 2 to 14 planted spaces (omnisearch_training.evaluate.planted_spaces) and ranks held-out concepts with equal
factors, with a router by centroids, with trained routers, and with an oracle. Writes bench/planted.json, from which
`make docs` makes the table in docs/training.md, and docs/images/planted.svg.
"""

import argparse
import json
import statistics
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from omnisearch_training.evaluate.planted_spaces import compare_planted

COUNTS = (2, 4, 6, 8, 10, 12, 14)
LINES = {"oracle": "oracle", "centroids": "centroids", "routed": "trained routers", "mean": "equal factors"}
ROOT = Path(__file__).parent.parent


def measure(seeds: int) -> dict[str, list[dict[str, float]]]:
    """Return recall@1 in per cent for each count of spaces: the mean over seeds, and the least and greatest."""
    found: dict[str, dict[int, list[float]]] = {name: {count: [] for count in COUNTS} for name in LINES}
    for seed in range(seeds):
        for result in compare_planted(COUNTS, seed):
            for name in LINES:
                found[name][result.spaces].append(getattr(result, name).recall().at[1])
    return {
        name: [
            {"spaces": count, "mean": statistics.mean(values), "least": min(values), "most": max(values)}
            for count, values in by_count.items()
        ]
        for name, by_count in found.items()
    }


def draw(found: dict[str, list[dict[str, float]]], out: Path) -> None:
    """Draw one line for each way of weighing, with a band from the least to the greatest seed."""
    mpl.rcParams.update({"svg.hashsalt": "planted", "svg.fonttype": "none"})  # equal files, and text as text
    figure, axes = plt.subplots(figsize=(7, 4))
    for name, label in LINES.items():
        rows = found[name]
        (line,) = axes.plot(COUNTS, [row["mean"] for row in rows], marker="o", label=label)
        axes.fill_between(
            COUNTS, [row["least"] for row in rows], [row["most"] for row in rows], alpha=0.2, color=line.get_color()
        )
    axes.set(xlabel="spaces", ylabel="text to image recall@1, %", ylim=(0, 102), xticks=COUNTS)
    axes.legend()
    figure.savefig(out, metadata={"Date": None}, bbox_inches="tight")


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    found = measure(asked.seeds)
    (ROOT / "bench" / "planted.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, ROOT / "docs" / "images" / "planted.svg")


if __name__ == "__main__":
    main()
