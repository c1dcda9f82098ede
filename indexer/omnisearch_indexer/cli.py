"""The commands that write an index or report on it: index, status, errors, forget, rebind, repair and doctor."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_paths0, write_rows
from omnisearch.errors import INTERRUPTED, SOME_FAILED

if TYPE_CHECKING:
    from omnisearch.config import Settings


def index(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", show_default=False, parser=options.parse_path)],
    workers: Annotated[int | None, typer.Option(help="Number of files to read at the same time.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Number of contents in a batch of the encoder.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Read failed files again.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove files that are not found even if all of PATH is missing or empty.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; open and write nothing.")
    ] = False,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Index files and folders whose name begins with a dot.")
    ] = False,
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag for every file at and below PATH..., now and later; repeatable.")
    ] = None,
    meta: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Metadata, likewise.")] = None,
    relabel: Annotated[
        bool, typer.Option("--relabel", help="First remove the earlier tags and metadata of PATH....")
    ] = False,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    license: options.License = None,  # noqa: A002
) -> None:
    """Bring the index up to date with the files at and below PATH...: new, changed, moved and removed ones.

    Files of a PATH or file system that is missing, empty or not mounted stay in the index unless --prune is given.

    Exits with 3 if some files cannot be indexed (see `omnisearch errors`) or stay in the index although they were not
    found, and with 130 if it was interrupted.
    """
    from omnisearch.cli.model_check import calibrate
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.path_labels import parse_labels
    from omnisearch_indexer.session import index_files, preview_files

    settings = load_settings(
        data_dir=data_dir,
        collection=collection,
        model=model,
        store=store,
        device=device,
        workers=workers,
        batch_size=batch_size,
        max_memory=max_memory,
        license=license,
    )
    labels = parse_labels(tag or (), meta or ())
    if dry_run:
        report = preview_files(paths, settings, retry_failed, hidden, prune)
    else:
        calibrate(settings)
        with Bar("indexing", "bytes") as bar:
            report = index_files(paths, settings, retry_failed, hidden, labels, relabel, prune, meter=bar)
    err.print(str(report), markup=False, soft_wrap=True)
    for place in report.kept:
        err.print(f"{place}: {place.way_out}", markup=False, soft_wrap=True, style="yellow")
    if output in (Format.JSON, Format.JSONL):
        write_object(report.fields(), output)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed and not dry_run:
        err.print("`omnisearch errors` names the files that failed", markup=False)
    if not report.complete:
        raise typer.Exit(SOME_FAILED)


def rebind(
    read: Annotated[
        bool, typer.Option("--read", help="Then read the files that a space of the model has not read.")
    ] = False,
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
    err.print(str(report), markup=False, soft_wrap=True)
    if report.lost and read:
        _repair(settings, output, rebound=report.fields())
        return
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    if report.lost:
        raise typer.Exit(SOME_FAILED)


def status(
    output: options.Output = None, data_dir: options.DataDir = None, collection: options.Collection = None
) -> None:
    """Show what is indexed: files and segments by modality, failures by reason, model, store and sizes."""
    from omnisearch.config import load_settings
    from omnisearch_indexer.status import read_status

    fields = read_status(load_settings(data_dir=data_dir, collection=collection).index_dir)
    chosen = choose_format(output)
    if chosen is Format.TABLE:
        write_rows(
            [{"what": name, "value": _plain(value)} for name, value in fields.items()], ("what", "value"), chosen
        )
    else:
        write_object(fields, chosen)


def errors(
    every: Annotated[
        bool, typer.Option("--all", help="Also list files of unsupported formats and files that were read in part.")
    ] = False,
    output: options.Output = None,
    print0: options.Print0 = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
) -> None:
    """List the files that are not indexed, each with the reason, the refused value and what to do."""
    from omnisearch.config import load_settings
    from omnisearch_indexer.status import read_failures

    failures = read_failures(load_settings(data_dir=data_dir, collection=collection).index_dir, every)
    if print0:
        write_paths0(failures)
    else:
        write_rows(failures, ("path", "message"), output)


def forget(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", show_default=False, parser=options.parse_path)],
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    store: options.Store = None,
) -> None:
    """Remove a root, a folder or a file from the index, with its labels. No file is deleted, and PATH need not exist.

    Files that still exist are added again when a folder above them is indexed, unless .omnisearchignore lists them.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.forget import forget_paths

    report = forget_paths(paths, load_settings(data_dir=data_dir, collection=collection, store=store))
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)


def repair(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Find and repair damage in the index: vectors from embeddings, embeddings from files.

    Run it when `omnisearch doctor` or a message says so. It changes nothing in an index without damage. Searches
    continue during a repair. Exits with 3 if some files could not be read again, and lists them.
    """
    from omnisearch.config import load_settings

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    _repair(settings, output)


def _repair(settings: "Settings", output: Format | None, rebound: Mapping[str, Any] | None = None) -> None:
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
        raise typer.Exit(INTERRUPTED)
    if report.not_repaired:
        raise typer.Exit(SOME_FAILED)


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
    write_rows(rows, ("check", "state", "value", "way_out"), output)
    codes = {each.exit_code for each in findings} - {0}
    if codes:
        raise typer.Exit(min(codes))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
