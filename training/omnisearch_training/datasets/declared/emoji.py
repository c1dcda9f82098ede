"""Emoji: the same few thousand concepts in six sets of drawings."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords
from omnisearch_training.datasets.fetch_package import Package, Registry
from omnisearch_training.datasets.iconify import iconify, icons_of
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import WORDNET, WordNet, load_wordnet

SETS = (
    iconify("noto", "1.2.9"),
    iconify("twemoji", "1.2.5"),
    iconify("openmoji", "1.2.29"),
    iconify("fluent-emoji-flat", "1.2.6"),
    iconify("fluent-emoji", "1.2.7"),
    iconify("emojione", "1.2.3"),
)
NAMES = Package(Registry.NPM, "emojibase-data", "17.0.0")

# Variants of one person by skin and sex, and signs that are letters rather than pictures.
_NOISE = re.compile(
    r"skin-tone|^flag-|-flag$|^keycap|-o-clock|-thirty$|^regional-indicator|-button$|-low$|^tag-|^input-|^japanese-|"
    r"-(dark|light|medium)$|^[a-z0-9]$|medium-(dark|light)|^(wo)?men-with-bunny-ears|symbol-letter"
)
_COMPONENTS_GROUP = 2
_FLAGS_GROUP = 9


def icon_of(label: str) -> str:
    """Return the name that an icon of a set has: the English label in lower case with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def is_drawn(row: Mapping[str, Any]) -> bool:
    """Return whether an emoji of emojibase is a picture of one concept: no flag, no component, no variant."""
    return row.get("group") not in (_COMPONENTS_GROUP, _FLAGS_GROUP) and not _NOISE.search(icon_of(row["label"]))


def read(workshop: Workshop) -> Iterator[Draft]:
    """Draw every emoji of every set that has an English name."""
    keywords = _keywords(workshop.packages[NAMES.name])
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    drawings: list[tuple[str, Draft]] = []
    for package in SETS:
        style = package.name.split("/")[1]
        for icon, svg in icons_of(workshop.packages[package.name]):
            if icon in keywords:
                picture = workshop.out / f"{icon}.{style}.png"
                drawings.append((svg, _draft(icon, style, picture, keywords[icon], nouns)))
    drawn = rasterise((svg, draft.files[Modality.IMAGE]) for svg, draft in drawings)
    yield from (draft for (_, draft), good in zip(drawings, drawn, strict=True) if good)


def _draft(icon: str, style: str, picture: Path, tags: list[str], nouns: WordNet) -> Draft:
    name = icon.replace("-", " ")
    meaning = nouns.explain(name)
    details = (*with_keywords(name, tags), *([meaning] if meaning else ()))
    return Draft(f"{icon}.{style}", name, {Modality.IMAGE: picture}, details)


def _keywords(package: Path) -> dict[str, list[str]]:
    """Keywords by the name that an icon has."""
    rows: list[dict[str, Any]] = json.loads((package / "en/data.json").read_text(encoding="utf-8"))
    return {icon_of(row["label"]): row.get("tags", []) for row in rows if is_drawn(row)}


DECLARATION = Declaration(
    name="emoji",
    about="emoji of six sets, with names and keywords",
    modalities=(Modality.IMAGE,),
    packages=(*SETS, NAMES, WORDNET),
    licence="Apache-2.0 (noto), CC-BY-4.0 (twemoji, emojione), CC-BY-SA-4.0 (openmoji), MIT (fluent)",
    expected=8395,
    read=read,
)
