"""Options of measurements over declared datasets, and the datasets as a model embeds them."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from omnisearch.binding.model import OmniBind
from omnisearch.cli.console import Format
from omnisearch.config import Settings
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.fetch import datasets_dir
from omnisearch_training.datasets.load import open_data
from omnisearch_training.evaluate.recall import Side, encode
from omnisearch_training.stages.features import Features


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the datasets, their split, the cache of features and the format of the table."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="declared datasets; none: all that are fetched")
    parser.add_argument("--split", default="test")
    parser.add_argument("--cache", type=Path, default=datasets_dir())
    parser.add_argument("--format", type=Format, default=None)
    return parser


def open_sides(
    model: OmniBind, settings: Settings, arguments: argparse.Namespace
) -> tuple[list[Record], Mapping[Modality, Side]]:
    """Open the datasets that the arguments name, and embed their items of all modalities but video."""
    records = [record for each in open_data(arguments.data, arguments.split).values() for record in each]
    wanted = [m for m in model.modalities if m is not Modality.VIDEO]
    return records, encode(model, Features(arguments.cache / "features", settings), records, wanted)
