"""`omnisearch repair`."""

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_object, write_rows
from omnisearch.errors import INTERRUPTED, SOME_FAILED


def repair(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Find and repair damage in the index: vectors from embeddings, embeddings from files.

    Run it when `omnisearch doctor` or a message says so. It changes nothing in an index without damage. Searches
    continue during a repair. Exits with 3 if some files could not be read again, and lists them.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.repair import repair_index

    report = repair_index(
        load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    )
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    elif report.not_repaired:
        rows = ({"reason": reason, "path": path} for path, reason in report.not_repaired)
        write_rows(rows, ("reason", "path"), chosen)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.not_repaired:
        raise typer.Exit(SOME_FAILED)
