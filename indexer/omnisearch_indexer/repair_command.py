"""`omnisearch repair`."""

import json
import sys

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_rows
from omnisearch.errors import INTERRUPTED, SOME_FAILED


def repair(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Find what is damaged in the index and make it again: vectors from embeddings, embeddings from files.

    Run it when `omnisearch doctor` or a message says so; it changes nothing where all is right. Searches go on.
    Exits with 3 where some files could not be read again, and names them.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.repair import repair_index

    report = repair_index(load_settings(data_dir=data_dir, model=model, store=store, device=device))
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        indent = 2 if chosen is Format.JSON else None
        sys.stdout.write(json.dumps(report.fields(), ensure_ascii=False, indent=indent) + "\n")
    elif report.left:
        write_rows(({"reason": reason, "path": path} for path, reason in report.left), ("reason", "path"), chosen)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.left:
        raise typer.Exit(SOME_FAILED)
