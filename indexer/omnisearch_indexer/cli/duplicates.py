"""`omnisearch duplicates`."""

from dataclasses import asdict
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows
from omnisearch.cli.parameters import Option


def duplicates(
    within: Annotated[
        str | None, Option("--in", help="Modalities of the files, comma separated; default: all.")
    ] = None,
    where: Annotated[
        list[str] | None,
        Option(help="Condition on every file: path:photos/**, size>1MB, taken:2023-07; repeatable."),
    ] = None,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """List groups of files with the same content or almost the same, and what could go. Deletes nothing.

    Exact copies are found in every modality; pictures, sounds, films and 3D models that were resized, encoded or
    exported again, too. The largest file of a group is kept, of equal ones the oldest; every other file that could go
    is a duplicate of that file itself. --format paths writes only the files that could go. Opens no indexed file.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.cli.search import parse_modalities
    from omnisearch.config import load_settings
    from omnisearch.query.condition_parser import parse_conditions
    from omnisearch_indexer.duplicates import find_duplicates

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    modalities, conditions = parse_modalities(within), parse_conditions(where or ())
    with Bar("comparing", "items") as bar:
        found = find_duplicates(settings, modalities, conditions, bar)
    chosen = choose_format(output)
    if chosen is Format.JSON:
        write_object(found.fields(), chosen)
    elif chosen is Format.JSONL:
        write_rows(map(asdict, found.groups), (), chosen)
    elif chosen is Format.PATHS:
        write_rows(({"path": f.path} for group in found.groups for f in group.files if f.could_go), (), chosen)
    elif found.groups:
        write_rows(found.rows(), ("group", "modality", "kind", "file", "bytes", "cosine", "path"), chosen)
    err.print(str(found), markup=False, soft_wrap=True)
    if found.missing:
        way_out = "mount their disk, or run `omnisearch index PATH...` to update the index"
        err.print(f"{found.missing:,} of these files are missing: {way_out}", markup=False, soft_wrap=True)
