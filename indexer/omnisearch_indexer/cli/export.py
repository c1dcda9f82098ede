"""`omnisearch export`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import err
from omnisearch.cli.parameters import Option


class RowFormat(StrEnum):
    """The format of exported rows."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def export(
    target: Annotated[Path, options.path_argument("OUT", "The new file.")],
    row_format: Annotated[
        RowFormat | None, Option("--format", help="By default parquet if OUT ends in .parquet, else jsonl.")
    ] = None,
    vectors: Annotated[
        bool, Option("--vectors", help="Also write vectors and embeddings, which `omnisearch import` needs.")
    ] = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Write a row per segment to a file: path, segment, labels, metadata, texts, and with --vectors its vectors."""
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.export import export_points

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    named = RowFormat.PARQUET if target.suffix == ".parquet" else RowFormat.JSONL
    with Bar("exporting", "points") as bar:
        count = export_points(settings, target, (row_format or named).value, vectors, bar)
    err.print(f"{count:,} rows are in {target}", markup=False, soft_wrap=True)
