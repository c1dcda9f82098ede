"""The layouts of files that several benchmarks share: listings of captions, and files that share a stem."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import item
from omnisearch_training.datasets import Record


def read_json(path: Path) -> Any:
    """Read a file in JSON, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        ValueError: it is not JSON; names the file.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table in CSV, whose first line has the names of the columns.

    Raises:
        ValueError: it is not CSV in UTF-8; names the file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a table in CSV and UTF-8: {error}") from None


def files_by_stem(folder: Path) -> Mapping[str, Path]:
    """Return the files of a folder by their names without suffix, in the order of these names."""
    return {path.stem: path for path in sorted(folder.iterdir())}


def karpathy(listing: Path, images: Path) -> Iterator[Record]:
    """Read the test split of one of Karpathy's listings; its images are in `images`, or in the folder each names."""
    for row in read_json(listing)["images"]:
        if row["split"] == "test":
            captions = [sentence["raw"].strip() for sentence in row["sentences"]]
            yield item(row["filename"], captions, {Modality.IMAGE: images / row.get("filepath", "") / row["filename"]})


def same_stems(sounds: Path, frames: Path) -> Iterator[Record]:
    """Pair the sounds and the pictures that share a stem; what has no partner is left out."""
    pictures = files_by_stem(frames)
    for stem, sound in files_by_stem(sounds).items():
        if stem in pictures:
            yield item(stem, [stem], {Modality.AUDIO: sound, Modality.IMAGE: pictures[stem]})
