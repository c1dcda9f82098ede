"""`omnisearch forget`."""

from pathlib import Path
from typing import Annotated

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_object


def forget(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", show_default=False, parser=options.parse_path)],
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Remove a root, a folder or a file from the index, with its labels. No file is deleted, and PATH need not exist.

    Files that still exist are added again when a folder above them is indexed, unless .omnisearchignore lists them.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.forget import forget_paths

    report = forget_paths(paths, load_settings(data_dir=data_dir, collection=collection, store=store))
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
