"""`omnisearch store`."""

from typing import Annotated

import typer

from omnisearch.cli import options
from omnisearch.cli.console import write_report
from omnisearch.cli.typer_app import CommandGroup

app = CommandGroup(help="Copy the vectors of an index to another store.", no_args_is_help=True)


@app.command()
def copy(
    to: Annotated[
        str, typer.Option(metavar="STORE", show_default=False, help="The URL of a Qdrant server, or `embedded`.")
    ],
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
) -> None:
    """Copy the points of an index to a Qdrant server, or from a server to the embedded engine, and compare them.

    The source is the present store of the index, and is only read. An interrupted copy continues when the command is
    run again. At the end the index belongs to the new store, which the settings must name. Searches continue meanwhile.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.store_copy import copy_store

    settings = load_settings(data_dir=data_dir, collection=collection)
    with Bar("copying", "points") as copying, Bar("comparing", "points", after=copying) as comparing:
        report = copy_store(settings, to, copying, comparing)
    write_report(report, report.fields(), output)
