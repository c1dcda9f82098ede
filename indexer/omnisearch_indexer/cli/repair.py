"""`omnisearch repair`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows
from omnisearch.errors import INTERRUPTED, SOME_FAILED

if TYPE_CHECKING:
    from omnisearch.config import Settings


def repair(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Find and repair damage in the index: vectors from embeddings, embeddings from files.

    Run it when `omnisearch verify` or a message says so. It changes nothing in an index without damage. Searches
    continue during a repair. Exits with 3 if some files could not be read again, and lists them.
    """
    from omnisearch.config import load_settings

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    repair_and_report(settings, output)


def repair_and_report(settings: "Settings", output: Format | None, rebound: Mapping[str, Any] | None = None) -> None:
    """Repair an index and report it; after a rebinding, read only the files that it lost, and report both."""
    from omnisearch.cli.progress_bar import Bar
    from omnisearch_indexer.repair import repair_index

    with Bar("reading again" if rebound else "repairing", "bytes") as bar:
        report = repair_index(settings, bar, marked_only=rebound is not None)
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    fields = report.fields()
    if rebound is not None:
        read = {name: fields[name] for name in ("read_again", "not_repaired", "interrupted")}
        fields = {**rebound, "seconds": round(rebound["seconds"] + report.seconds, 3), **read}
    if chosen in (Format.JSON, Format.JSONL):
        write_object(fields, chosen)
    elif report.not_repaired:
        rows = ({"reason": reason, "path": path} for path, reason in report.not_repaired)
        write_rows(rows, ("reason", "path"), chosen)
    if report.interrupted:
        raise SystemExit(INTERRUPTED)
    if report.not_repaired:
        raise SystemExit(SOME_FAILED)
