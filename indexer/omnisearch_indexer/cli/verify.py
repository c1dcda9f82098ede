"""`omnisearch verify`."""

from dataclasses import asdict
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows
from omnisearch.cli.parameters import Option


def verify(
    sample: Annotated[int, Option(min=0, metavar="N", help="Read N random files and compare their content, too.")] = 0,
    full: Annotated[bool, Option("--full", help="Read every file and compare its content, too.")] = False,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Compare the manifest, the engine, the embeddings and the files of the index with each other. Changes nothing.

    Counts and ids are compared both ways, embeddings with their checksums, the facts of points with the manifest, and
    vectors with those that their embeddings give. Each finding names what to do. Exits with 1 if data are lost
    or wrong.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.verify import verify_index

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    with Bar("reading files", "bytes") as bar:
        report = verify_index(settings, None if full else sample, bar)
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    elif chosen is Format.PATHS:
        write_rows(({"path": path} for one in report.findings for path in one.paths), ("path",), chosen)
    elif report.findings:
        write_rows(map(asdict, report.findings), ("check", "state", "value", "way_out"), chosen)
    if report.damaged:
        raise SystemExit(1)
