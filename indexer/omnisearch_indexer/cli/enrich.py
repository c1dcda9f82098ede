"""`omnisearch enrich`."""

from omnisearch.cli import options
from omnisearch.cli.console import err, write_report
from omnisearch.errors import INTERRUPTED, SOME_FAILED


def enrich(
    read: options.Read = None,
    workers: options.Workers = None,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
) -> None:
    """Read the text in pictures and scanned pages, and the speech in sound and video, of what is indexed without it.

    Nothing else is read or encoded again. Without --read, and unless the setting `read` says more, the level is fast.
    Searches find what was read so far. An interrupted run exits with 130, and the next one continues it.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.enrich import enrich_index

    settings = load_settings(
        data_dir=data_dir,
        collection=collection,
        model=model,
        store=store,
        device=device,
        workers=workers,
        read=read,
        max_memory=max_memory,
    )
    if read is None and settings.read == "none":
        settings = settings.model_copy(update={"read": "fast"})
    with Bar("reading text", "items") as bar:
        report = enrich_index(settings, meter=bar)
    write_report(report, report.fields(), output)
    if report.interrupted:
        raise SystemExit(INTERRUPTED)
    if report.failed:
        err.print("`omnisearch errors --all` names the files that were read in part", markup=False, soft_wrap=True)
        raise SystemExit(SOME_FAILED)
