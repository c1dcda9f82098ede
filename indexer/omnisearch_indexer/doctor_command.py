"""`omnisearch doctor`."""

from dataclasses import asdict

import typer

from omnisearch import options
from omnisearch.console import write_rows

COLUMNS = ("check", "state", "value", "way_out")


def doctor(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Check the installation and the index, and measure recall and latency on it.

    Compares every embedding with its checksum, and every point of the engine with the manifest and with the vector
    that its embeddings give. Measures the recall of the search against an exact one. Both read every vector once.
    Exits with 1 if something is broken, and with 4 if there is no index, if weights are missing, or if the index
    belongs to another model.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.doctor import Doctor

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    findings = list(Doctor(settings).findings())
    rows = [{name: value for name, value in asdict(each).items() if name != "exit_code"} for each in findings]
    write_rows(rows, COLUMNS, output)
    codes = {each.exit_code for each in findings} - {0}
    if codes:
        raise typer.Exit(min(codes))
