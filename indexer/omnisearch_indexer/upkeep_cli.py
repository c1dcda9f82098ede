"""The commands that maintain an index: verify, compact, export, import, snapshot, and its duplicates."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows


def verify(
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="Read N random files and compare their content, too.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Read every file and compare its content, too.")] = False,
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
        raise typer.Exit(1)


def compact(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Free the disk space of deleted and replaced points, unused embeddings and old previews.

    Searches continue. The points are written again, which needs as much free space as they take. Shows the bytes before
    and after.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.compact import compact_index

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    with Bar("compacting", "points") as bar:
        report = compact_index(settings, bar)
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    else:
        write_rows(report.rows(), ("part", "before", "after"), Format.TABLE)


def duplicates(
    within: Annotated[
        str | None, typer.Option("--in", help="Modalities of the files, comma separated; default: all.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Condition on every file: path:photos/**, size>1MB, taken:2023-07; repeatable."),
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
        way_out = "mount their disk, or run `omnisearch index` to update the index"
        err.print(f"{found.missing:,} of these files are missing: {way_out}", markup=False, soft_wrap=True)


class RowFormat(StrEnum):
    """The format of exported rows."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def export(
    target: Annotated[
        Path, typer.Argument(metavar="OUT", show_default=False, parser=options.parse_path, help="The new file.")
    ],
    row_format: Annotated[
        RowFormat | None, typer.Option("--format", help="By default parquet if OUT ends in .parquet, else jsonl.")
    ] = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Also write vectors and embeddings, which `omnisearch import` needs.")
    ] = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Write a row per segment to a file: path, segment, labels, metadata, texts, and with --vectors its vectors."""
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.export import export_points

    settings = load_settings(data_dir=data_dir, collection=collection, store=store)
    named = RowFormat.PARQUET if target.suffix == ".parquet" else RowFormat.JSONL
    with Bar("exporting", "points") as bar:
        count = export_points(settings, target, (row_format or named).value, vectors, bar)
    err.print(f"{count:,} rows are in {target}", markup=False, soft_wrap=True)


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, parser=options.parse_path, help="An exported file.")
    ],
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Make an index from a file of `omnisearch export --vectors`, where there is none yet. Opens no indexed file.

    Every row is checked, and every vector is compared with the one that its embeddings give.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.import_rows import import_points

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    with Bar("importing", "bytes") as bar:
        items, points = import_points(source, settings, bar)
    err.print(
        f"{points:,} points of {items:,} items are in {settings.index_dir}; `omnisearch index PATH...` compares their "
        f"files",
        markup=False,
        soft_wrap=True,
    )


snapshot = typer.Typer(help="Copy an index into a folder that can be checked, and restore it.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(metavar="DIR", show_default=False, parser=options.parse_path)]
COLUMNS = ("name", "created", "collection", "model", "items", "points", "bytes", "problem")


@snapshot.command()
def create(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            show_default=False,
            parser=options.parse_path,
            help="The new folder; by default one below `snapshots` in the data directory.",
        ),
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
    err.print(f"{index.points:,} points of {index.items:,} items are in {place}", markup=False, soft_wrap=True)
    _write({"path": str(place), **summary(index)}, output)


@snapshot.command("ls")
def list_(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            show_default=False,
            parser=options.parse_path,
            help="The folder that holds snapshots; by default `snapshots` in the data directory.",
        ),
    ] = None,
    output: options.Output = None,
    data_dir: options.DataDir = None,
) -> None:
    """List the snapshots in a folder, with what is wrong with one that cannot be restored. Compares no hashes."""
    from omnisearch.config import load_settings
    from omnisearch_indexer.snapshot import FOLDER, list_snapshots

    write_rows(list_snapshots(folder or load_settings(data_dir=data_dir).data_dir / FOLDER), COLUMNS, output)


@snapshot.command("verify")
def check(folder: Folder, output: options.Output = None) -> None:
    """Compare every file of a snapshot with its hash. Exits with 2 if one differs."""
    from omnisearch_indexer.snapshot import check_snapshot, summary

    index = check_snapshot(folder)
    err.print(f"{len(index.files):,} files match their hashes", markup=False)
    _write({"path": str(folder), **summary(index)}, output)


@snapshot.command()
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
    err.print(
        f"{index.points:,} points of {index.items:,} items are in {settings.index_dir}: `omnisearch verify` compares "
        f"them with the files",
        markup=False,
        soft_wrap=True,
    )
    _write({"path": str(settings.index_dir), **summary(index)}, output)


def _write(fields: Mapping[str, Any], output: Format | None) -> None:
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(fields, chosen)
