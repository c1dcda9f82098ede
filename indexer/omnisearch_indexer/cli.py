"""The commands that write an index or report on it."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_paths0, write_rows
from omnisearch.errors import INTERRUPTED, SOME_FAILED, UsageError

if TYPE_CHECKING:
    from omnisearch.config import Settings
    from omnisearch_indexer.engine import OpenEngine
    from omnisearch_indexer.report import Report


class Engine(StrEnum):
    """Where the files of a run are read."""

    LOCAL = "local"
    RAY = "ray"


def index(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", show_default=False, parser=options.parse_path)],
    workers: Annotated[int | None, typer.Option(help="Number of files to read at the same time.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Number of contents in a batch of the encoder.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Read failed files again.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove files that are left out or not found, even if all of PATH is missing or empty.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what a run would do with each file; open and write nothing."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and index what changes, until interrupted.")
    ] = False,
    poll: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            show_default=False,
            help="With --watch, compare all files every SECONDS instead of waiting for file system events.",
        ),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Index files and folders whose name begins with a dot.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Index only files that match a pattern as in .gitignore; repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out files and folders that match a pattern; repeatable."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag for every file at and below PATH..., now and later; repeatable.")
    ] = None,
    meta: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label with a key, likewise.")] = None,
    relabel: Annotated[bool, typer.Option("--relabel", help="First remove the earlier labels of PATH....")] = False,
    gps: Annotated[
        bool | None,
        typer.Option(
            "--gps/--no-gps",
            show_default=False,
            help="Keep places and positions, or leave them out; later runs do the same.",
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="Read the files on this machine, or on a Ray cluster: see docs/scale.md.")
    ] = Engine.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Address of the Ray cluster, such as auto; without it RAY_ADDRESS, or this machine alone.",
        ),
    ] = None,
    read: options.Read = None,
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

    Files of a PATH or file system that is missing, empty or not mounted stay in the index unless --prune is given, and
    so do indexed files that --include and --exclude leave out. Each run chooses its own; .omnisearchignore holds for
    every run.

    With --watch the command then waits for changes. Other commands can search and write meanwhile.

    Exits with 3 if some files cannot be indexed (see `omnisearch errors`) or stay in the index although they were not
    found, and with 130 if it was interrupted; a watch that is interrupted while it waits exits as its last run did.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.dry_run import dry_run_files
    from omnisearch_indexer.globs import parse_globs
    from omnisearch_indexer.path_labels import parse_labels
    from omnisearch_indexer.session import index_files

    settings = load_settings(
        data_dir=data_dir,
        collection=collection,
        model=model,
        store=store,
        device=device,
        workers=workers,
        batch_size=batch_size,
        read=read,
        max_memory=max_memory,
        license=license,
        gps=gps,
    )
    if poll is not None and not watch:
        raise UsageError("--poll needs --watch")
    if watch and dry_run:
        raise UsageError("--dry-run lists what one run would do: leave out --watch")
    labels, globs = parse_labels(tag or (), meta or ()), parse_globs(include or (), exclude or ())
    if dry_run:
        found = dry_run_files(paths, settings, retry_failed, hidden, prune, globs)
        write_rows((file.fields() for file in found.files), ("change", "path", "note"), output)
        _show_report(found.report, None)
        _exit(found.report)
        return
    open_engine = _open_engine(engine, address, settings)
    first = (retry_failed, labels, relabel, prune)
    with (
        Bar("calibrating", "samples") as load_bar,
        Bar("indexing", "bytes", after=load_bar) as bar,
        Bar("reading text", "items", after=bar) as read_bar,
    ):
        if watch:
            from omnisearch_indexer.watch import WatchOptions
            from omnisearch_indexer.watch_session import watch_files  # which imports torch

            def show(report: "Report") -> None:
                read_bar.stop()
                _show_report(report, output, f"{datetime.now():%H:%M:%S} ")

            watched = WatchOptions(hidden, globs, poll, open_engine)
            report = watch_files(
                paths, settings, watched, show, _warn, *first, meter=bar, read_meter=read_bar, load_meter=load_bar
            )
        else:
            report = index_files(
                paths,
                settings,
                retry_failed,
                hidden,
                labels,
                relabel,
                prune,
                meter=bar,
                read_meter=read_bar,
                globs=globs,
                open_engine=open_engine,
                load_meter=load_bar,
            )
    if not watch:
        _show_report(report, output)
        _hint(report, settings)
    _exit(report)


def _show_report(report: "Report", output: Format | None, time: str = "") -> None:
    err.print(f"{time}{report}", markup=False, soft_wrap=True)
    for place in report.kept:
        _warn(f"{place}: {place.way_out}")
    if output in (Format.JSON, Format.JSONL):
        write_object(report.fields(), output)
        sys.stdout.flush()


def _hint(report: "Report", settings: "Settings") -> None:
    if report.unread and settings.read == "none":
        what = f"{report.unread:,} pictures, sounds and videos"
        err.print(f"the text and the speech in {what} were not read: `omnisearch enrich` reads them", markup=False)
    if report.failed and not report.interrupted:
        err.print("`omnisearch errors` names the files that failed", markup=False)


def _warn(message: str) -> None:
    err.print(message, markup=False, soft_wrap=True, style="yellow")


def _exit(report: "Report") -> None:
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if not report.complete:
        raise typer.Exit(SOME_FAILED)


def _open_engine(engine: Engine, address: str | None, settings: "Settings") -> "OpenEngine | None":
    from functools import partial

    if engine is Engine.RAY:
        from omnisearch_indexer.ray.engine import ray_engine  # which imports torch

        if settings.read != "none":
            raise UsageError("--engine ray reads no text or speech: give --read none, then run `omnisearch enrich`")
        return partial(ray_engine, address=address)
    if address is not None:
        raise UsageError(f"--address {address} needs --engine ray")
    return None


def enrich(
    read: options.Read = None,
    workers: Annotated[int | None, typer.Option(help="Number of files to decode at the same time.")] = None,
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
    err.print(str(report), markup=False, soft_wrap=True)
    chosen = choose_format(output)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(report.fields(), chosen)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed:
        err.print("`omnisearch errors --all` names the files that were read in part", markup=False)
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
    """Show what is indexed: files, segments, metadata, failures by reason, model, store and sizes.

    Says if the model was replaced by another version since. Loads no model.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.status import find_outdated, read_status

    settings = load_settings(data_dir=data_dir, collection=collection)
    fields = read_status(settings.index_dir)
    outdated = find_outdated(settings.index_dir, settings)
    if outdated:
        err.print(outdated, markup=False, soft_wrap=True, style="yellow")
    chosen = choose_format(output)
    if chosen is Format.TABLE:
        write_rows(
            [{"what": name, "value": _plain(value)} for name, value in fields.items()], ("what", "value"), chosen
        )
    else:
        write_object(fields | {"outdated": bool(outdated)}, chosen)


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

    Run it when `omnisearch verify` or a message says so. It changes nothing in an index without damage. Searches
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
        raise typer.Exit(min(codes))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
