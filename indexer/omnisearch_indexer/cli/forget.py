"""`omnisearch forget`."""

from omnisearch.cli import options
from omnisearch.cli.console import write_report


def forget(
    paths: options.Paths,
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
    write_report(report, report.fields(), output)
