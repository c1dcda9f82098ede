"""`omnisearch rebind`."""

from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import err, write_report
from omnisearch.cli.parameters import Option
from omnisearch.errors import SOME_FAILED
from omnisearch_indexer.cli.repair import repair_and_report


def rebind(
    read: Annotated[bool, Option("--read", help="Then read the files that a space of the model has not read.")] = False,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Apply another bound model to the index, using the stored embeddings of its spaces. Opens no indexed file.

    Searches use the old vectors until all new ones are written. A model with a space that has not read the files is
    refused, unless --read is given: then the files without an embedding in that space are not found until they are
    read, at the end of this command. Exits with 3 if embeddings of some items are lost: `omnisearch repair` reads
    their files again.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.rebind import rebind_index

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    with Bar("rebinding", "points") as bar:
        report = rebind_index(settings, bar, then_read=read)
    if report.lost and read:
        err.print(str(report), markup=False, soft_wrap=True)
        repair_and_report(settings, output, rebound=report.fields())
        return
    write_report(report, report.fields(), output)
    if report.lost:
        raise SystemExit(SOME_FAILED)
