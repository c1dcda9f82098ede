"""`omnisearch forget`."""

from omnisearch.cli import options
from omnisearch.cli.console import write_report


def forget(
    places: options.Places,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Remove a root, a folder or a file from the index, with its labels. No file is deleted, and PATH need not exist.

    PATH may be an address of objects: then the copies on this machine are deleted, and no object.

    Files that still exist are added again when a folder above them is indexed, unless .omnisearchignore lists them.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.forget import forget_paths
    from omnisearch_indexer.object_store.address import parse_place

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    report = forget_paths([parse_place(text) for text in places], settings)
    write_report(report, report.fields(), output)
