"""Draw what the routers of mini give to each space: python bench/router_load.py

Reads training/runs/mini.json, which `omnisearch eval` writes, and draws docs/images/router_load.svg: on the left the
mean combining factors of a text's branches by the language of the text, on the right those of sounds and 3D by dataset.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

ROOT = Path(__file__).parent.parent
Bars = Mapping[str, Mapping[str, float]]  # the factors of branches by the label of a bar


def by_language(report: Mapping[str, Any]) -> Bars:
    """Return the mean factors of the text branches by language, over the names of pictures."""
    rows = [row for row in report["languages"] if row["target"] == "image"]
    ordered = sorted(rows, key=lambda row: (row["language"] != "en", row["language"]))
    return {row["language"]: {name.split(":")[1]: each for name, each in row["factors"].items()} for row in ordered}


def by_dataset(report: Mapping[str, Any], modalities: Sequence[str]) -> Bars:
    """Return the mean factors of the branches of some modalities by dataset."""
    rows = [row for row in report["factors"] if row["modality"] in modalities]
    return {f"{row['modality']}: {row['dataset']}": row["mean"] for row in rows}


def draw(axes: Axes, bars: Bars, title: str) -> None:
    """Draw one stacked bar for each label."""
    names = list(dict.fromkeys(name for each in bars.values() for name in each))
    labels = list(bars)[::-1]
    start = [0.0] * len(labels)
    for name in names:
        lengths = [bars[label].get(name, 0.0) for label in labels]
        axes.barh(labels, lengths, left=start, label=name)
        start = [a + b for a, b in zip(start, lengths, strict=True)]
    axes.set(title=title, xlim=(0, 1), xlabel="mean combining factor")
    axes.tick_params(axis="y", labelsize=7)
    axes.margins(y=0.01)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, fontsize=8)


def main() -> None:
    """Draw both halves."""
    mpl.rcParams.update({"svg.hashsalt": "router load", "svg.fonttype": "none"})  # equal files, and text as text
    report = json.loads((ROOT / "training" / "runs" / "mini.json").read_text("utf-8"))
    figure, (left, right) = plt.subplots(ncols=2, figsize=(11, 6), layout="constrained")
    draw(left, by_language(report), "text, by language")
    draw(right, by_dataset(report, ("audio", "point_cloud")), "sounds and 3D, by dataset")
    figure.savefig(ROOT / "docs" / "images" / "router_load.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
