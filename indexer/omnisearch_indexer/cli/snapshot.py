"""`omnisearch snapshot`."""

from pathlib import Path
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import write_report, write_rows
from omnisearch.cli.typer_app import CommandGroup

app = CommandGroup(help="Copy an index into a folder that can be checked, and restore it.", no_args_is_help=True)
COLUMNS = ("name", "created", "collection", "model", "items", "points", "bytes", "problem")

Folder = Annotated[Path, options.path_argument("DIR")]


@app.command()
def create(
    folder: Annotated[
        Path | None,
        options.path_argument("[DIR]", "The new folder; by default one below `snapshots` in the data directory."),
    ] = None,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Copy the index into a new folder: manifest, points with vectors, embeddings, and a hash of each file.

    It may be taken while the index is searched and while it is updated: a running update pauses for the copy. The
    indexed files themselves and previews are not in it.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.snapshot import create_snapshot, summary

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    with Bar("copying", "points") as bar:
        place, index = create_snapshot(settings, folder, bar)
    shown = f"{index.points:,} points of {index.items:,} items are in {place}"
    write_report(shown, {"path": str(place), **summary(index)}, output)


@app.command("ls")
def list_(
    folder: Annotated[
        Path | None,
        options.path_argument("[DIR]", "The folder of the snapshots; by default `snapshots` in the data directory."),
    ] = None,
    output: options.Output = None,
    data_dir: options.DataDir = None,
) -> None:
    """List the snapshots in a folder, with what is wrong with one that cannot be restored. Compares no hashes."""
    from omnisearch.config import load_settings
    from omnisearch_indexer.snapshot import FOLDER, list_snapshots

    write_rows(list_snapshots(folder or load_settings(data_dir=data_dir).data_dir / FOLDER), COLUMNS, output)


@app.command("verify")
def check(folder: Folder, output: options.Output = None) -> None:
    """Compare every file of a snapshot with its hash. Exits with 2 if one differs."""
    from omnisearch_indexer.snapshot import check_snapshot, summary

    index = check_snapshot(folder)
    write_report(f"{len(index.files):,} files match their hashes", {"path": str(folder), **summary(index)}, output)


@app.command()
def restore(
    folder: Folder,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Make an index from a snapshot, in a data directory or a collection that holds none yet.

    Every file and every row is checked first; nothing in the folder is run. The files that it indexed may be missing.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.restore import restore_snapshot
    from omnisearch_indexer.snapshot import summary

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    with Bar("restoring", "points") as bar:
        index = restore_snapshot(folder, settings, bar)
    place = settings.index_dir
    shown = f"{index.points:,} points of {index.items:,} items are in {place}: "
    shown += "`omnisearch verify` compares them with the files"
    write_report(shown, {"path": str(place), **summary(index)}, output)
