"""`omnisearch errors`."""

from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import write_paths0, write_rows
from omnisearch.cli.parameters import Option


def errors(
    every: Annotated[
        bool, Option("--all", help="Also list files of unsupported formats and files that were read in part.")
    ] = False,
    output: options.Output = None,
    print0: options.Print0 = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
) -> None:
    """List the files that are not indexed, each with the reason, the refused value and what to do."""
    from omnisearch.config import load_settings
    from omnisearch_indexer.status import read_failures

    failures = read_failures(load_settings(data_dir=data_dir, collection=collection), every)
    if print0:
        write_paths0(failures)
    else:
        write_rows(failures, ("path", "message"), output)
