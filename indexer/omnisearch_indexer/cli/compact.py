"""`omnisearch compact`."""

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows


def compact(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Free the disk space of deleted and replaced points, unused embeddings and old previews.

    Searches continue. The points are written again, which needs as much free space as they take. Shows the bytes before
    and after.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.compact import compact_index

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    with Bar("compacting", "points") as bar:
        report = compact_index(settings, bar)
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    else:
        write_rows(report.rows(), ("part", "before", "after"), Format.TABLE)
