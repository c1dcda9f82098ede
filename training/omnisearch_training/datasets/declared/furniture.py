"""Furniture of Sweet Home 3D: textured models with names, categories and icons.

The Scopia catalogue is for evaluation only: its models are in the test split whole.
"""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import clean_title, with_keywords
from omnisearch_training.datasets.fetch_package import Package, Registry
from omnisearch_training.datasets.wordnet import WORDNET, load_wordnet

FURNITURE = Package(Registry.DEBIAN, "sweethome3d-furniture")
_HELD_OUT = "Scopia"
_NOT_A_TAG = {"Blend Swap"}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Unpack every catalogue; a model's icon is its image."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    shelves = workshop.packages[FURNITURE.name] / "usr/share/sweethome3d/furniture"
    for archive in sorted(shelves.glob("*.sh3f")):
        catalogue = _unpack(archive, workshop.out / archive.stem)
        for number, entry in sorted(_entries(catalogue / "PluginFurnitureCatalog.properties").items()):
            name = clean_title(entry["name"])
            tags = [tag.strip() for tag in entry.get("tags", "").split(",")]
            keywords = [entry.get("category", ""), *(tag for tag in tags if tag not in _NOT_A_TAG)]
            files = {
                Modality.POINT_CLOUD: catalogue / entry["model"].lstrip("/"),
                Modality.IMAGE: catalogue / entry["icon"].lstrip("/"),
            }
            if not all(path.is_file() for path in files.values()):
                continue
            meaning = nouns.explain(name)
            details = (*with_keywords(name, keywords), *([meaning] if meaning else ()))
            yield Draft(f"{archive.stem}/{number}", name, files, details, held_out=archive.stem == _HELD_OUT)


def _unpack(archive: Path, folder: Path) -> Path:
    if not folder.is_dir():
        partial = folder.with_name(folder.name + ".partial")
        with zipfile.ZipFile(archive) as catalogue:
            catalogue.extractall(partial)
        partial.rename(folder)
    return folder


def _entries(properties: Path) -> Mapping[int, dict[str, str]]:
    r"""Read `key#number=value` lines into one dictionary per number. Java writes Latin-1 with \u escapes."""
    entries: dict[int, dict[str, str]] = {}
    for line in properties.read_text(encoding="latin-1").splitlines():
        left, equals, value = line.partition("=")
        key, hash_sign, number = left.partition("#")
        if equals and hash_sign and number.isdigit():
            entries.setdefault(int(number), {})[key] = _unescape(value.strip())
    return entries


def _unescape(value: str) -> str:
    return value.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\u" in value else value


DECLARATION = Declaration(
    name="furniture",
    about="furniture, doors, lamps, plants and people in 3D, with icons; the Scopia catalogue is test only",
    modalities=(Modality.POINT_CLOUD, Modality.IMAGE),
    packages=(FURNITURE, WORDNET),
    licence="CC-BY-3.0 (Scopia, Kator Legaz, Reallusion, Blend Swap CC-BY), CC0 (Blend Swap CC-0)",
    expected=820,
    read=read,
)
