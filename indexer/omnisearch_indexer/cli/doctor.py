"""`omnisearch doctor`."""

from dataclasses import asdict

from omnisearch.cli import options
from omnisearch.cli.console import write_rows


def doctor(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Check the machine, the model and the quality of searches, and measure recall and latency on the index.

    The recall is measured against an exact search, which reads every vector once. `omnisearch verify` checks the data.
    Exits with 1 if something is broken, and with 4 if there is no index, if weights are missing, or if the index
    belongs to another model.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.doctor import Doctor

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    findings = list(Doctor(settings).findings())
    rows = [{name: value for name, value in asdict(each).items() if name != "exit_code"} for each in findings]
    write_rows(rows, ("check", "state", "value", "way_out"), output)
    codes = {each.exit_code for each in findings} - {0}
    if codes:
        raise SystemExit(min(codes))
