"""Read the icon sets that iconify publishes as npm packages: one JSON file of SVG bodies by name."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Draft, Workshop
from omnisearch_training.datasets.fetch_package import Package, Registry
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import WORDNET, load_wordnet


def iconify(style: str, version: str) -> Package:
    """Name the package of an icon set."""
    return Package(Registry.NPM, f"@iconify-json/{style}", version)


def icons_of(package: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the SVG of every icon of an unpacked set; withdrawn icons are left out."""
    icons = json.loads((package / "icons.json").read_text(encoding="utf-8"))
    for name, drawing in icons["icons"].items():
        if not drawing.get("hidden"):
            yield name, _svg(drawing, icons)


def named_things(workshop: Workshop, sets: Sequence[Package]) -> Iterator[Draft]:
    """Draw the icons whose whole name is a noun for a visible thing: `alarm-clock`, not `arrow-down` or `file-plus`."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    drawings: list[tuple[str, Draft]] = []
    for package in sets:
        style = package.name.split("/")[1]
        for icon, svg in icons_of(workshop.packages[package.name]):
            name = icon.replace("-", " ")
            meaning, explained = nouns.meaning(name), nouns.explain(name)
            if meaning is None or explained is None or name not in map(str.lower, meaning.words):
                continue
            files = {Modality.IMAGE: workshop.out / f"{icon}.{style}.png"}
            drawings.append((svg, Draft(f"{icon}.{style}", name, files, (explained,))))
    drawn = rasterise((svg, draft.files[Modality.IMAGE]) for svg, draft in drawings)
    yield from (draft for (_, draft), good in zip(drawings, drawn, strict=True) if good)


def _svg(drawing: dict[str, Any], icons: dict[str, Any]) -> str:
    width = drawing.get("width", icons.get("width", 16))
    height = drawing.get("height", icons.get("height", 16))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{height}" viewBox="{drawing.get("left", 0)} {drawing.get("top", 0)} {width} {height}">'
        f"{drawing['body']}</svg>"
    )
