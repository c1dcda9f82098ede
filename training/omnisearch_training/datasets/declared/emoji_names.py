"""The names of emoji in 27 languages: text without media, of the concepts that `emoji` draws, with their splits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.declared.emoji import NAMES, icon_of, is_drawn

ENGLISH = "en"
_REPEATED = {"en-gb"}  # spelt like `en` but for a few words


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield the name of every emoji in every language: the English one first, then the translation."""
    package = workshop.packages[NAMES.name]
    english = {row["hexcode"]: row for row in _rows(package / ENGLISH)}
    for folder in sorted(path.parent for path in package.glob("*/data.json")):
        if folder.name in _REPEATED:
            continue
        for row in _rows(folder):
            known = english.get(row["hexcode"])
            if known is not None and is_drawn(known) and row.get("label"):
                icon = icon_of(known["label"])
                name = icon.replace("-", " ")
                details = () if folder.name == ENGLISH else (row["label"],)
                yield Draft(f"{folder.name}/{icon}", name, {}, details)


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return rows


DECLARATION = Declaration(
    name="emoji_names",
    about="names of emoji in 27 languages; the language is in the id of a record",
    modalities=(Modality.TEXT,),
    packages=(NAMES,),
    licence="MIT (emojibase), Unicode licence (names)",
    expected=41418,
    read=read,
)
