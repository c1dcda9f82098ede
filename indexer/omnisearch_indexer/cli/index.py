"""`omnisearch index`."""

import sys
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from omnisearch.cli import options
from omnisearch.cli.console import Format, err, write_object, write_rows
from omnisearch.cli.parameters import Option
from omnisearch.errors import INTERRUPTED, SOME_FAILED, UsageError

if TYPE_CHECKING:
    from omnisearch.config import Settings
    from omnisearch_indexer.executor import OpenExecutor
    from omnisearch_indexer.object_store.address import Place
    from omnisearch_indexer.report import Report


class Engine(StrEnum):
    """Where the files of a run are read."""

    LOCAL = "local"
    RAY = "ray"


def index(
    places: options.Places,
    workers: options.Workers = None,
    batch_size: Annotated[int | None, Option(help="Number of contents in a batch of the encoder.")] = None,
    retry_failed: Annotated[bool, Option("--retry-failed", help="Read failed files again.")] = False,
    prune: Annotated[
        bool,
        Option(
            "--prune",
            help="Remove files that are left out or not found, even if all of PATH is missing or empty.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        Option("--dry-run", help="List what a run would do with each file; open and write nothing."),
    ] = False,
    watch: Annotated[bool, Option("--watch", help="Keep running, and index what changes, until interrupted.")] = False,
    poll: Annotated[
        float | None,
        Option(
            min=1,
            metavar="SECONDS",
            show_default=False,
            help="With --watch, compare all files every SECONDS instead of waiting for file system events.",
        ),
    ] = None,
    hidden: Annotated[bool, Option("--hidden", help="Index files and folders whose name begins with a dot.")] = False,
    include: Annotated[
        list[str] | None,
        Option(metavar="GLOB", help="Index only files that match a pattern as in .gitignore; repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        Option(metavar="GLOB", help="Leave out files and folders that match a pattern; repeatable."),
    ] = None,
    tag: Annotated[
        list[str] | None, Option(help="A tag for every file at and below PATH..., now and later; repeatable.")
    ] = None,
    meta: Annotated[list[str] | None, Option(metavar="KEY=VALUE", help="Label with a key, likewise.")] = None,
    relabel: Annotated[bool, Option("--relabel", help="First remove the earlier labels of PATH....")] = False,
    gps: Annotated[
        bool | None,
        Option(
            "--gps/--no-gps",
            show_default=False,
            help="Keep places and positions, or leave them out; later runs do the same.",
        ),
    ] = None,
    engine: Annotated[
        Engine, Option(help="Read the files on this machine, or on a Ray cluster: see docs/scale.md.")
    ] = Engine.LOCAL,
    address: Annotated[
        str | None,
        Option(
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

    PATH may be the address of objects, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, which are copied first: see
    docs/scale.md.

    Files of a PATH or file system that is missing, empty or not mounted stay in the index unless --prune is given, and
    so do indexed files that --include and --exclude leave out. Each run chooses its own; .omnisearchignore holds for
    every run.

    PATH=TAG also gives that tag to the files of this PATH alone: ~/Pictures=holiday ~/Documents=work,2025.

    With --watch the command then waits for changes. Other commands can search and write meanwhile.

    Exits with 3 if some files cannot be indexed (see `omnisearch errors`) or stay in the index although they were not
    found, and with 130 if it was interrupted; a watch that is interrupted while it waits exits as its last run did.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.globs import parse_globs
    from omnisearch_indexer.labels import parse_labelled_paths, parse_labels
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
    labels = parse_labelled_paths(places, parse_labels(tag or (), meta or ()))
    globs = parse_globs(include or (), exclude or ())
    if dry_run:
        from omnisearch_indexer.dry_run import dry_run_files

        paths = _paths_only(labels, "--dry-run", "run without it; --include and --exclude choose what is copied")
        found = dry_run_files(paths, settings, retry_failed, hidden, prune, globs)
        write_rows((file.fields() for file in found.files), ("change", "path", "note"), output)
        _show_report(found.report, None)
        _exit(found.report)
        return
    open_executor = _open_executor(engine, address, settings)
    first = (retry_failed, labels, relabel, prune)
    with (
        Bar("copying objects", "bytes") as copy_bar,
        Bar("calibrating", "samples", after=copy_bar) as load_bar,
        Bar("indexing", "bytes", after=load_bar) as bar,
        Bar("reading text", "items", after=bar) as read_bar,
    ):
        if watch:
            from omnisearch_indexer.watch import WatchOptions
            from omnisearch_indexer.watch_session import watch_files  # which imports torch

            def show(report: "Report") -> None:
                read_bar.stop()
                _show_report(report, output, f"{datetime.now():%H:%M:%S} ")

            paths = _paths_only(labels, "--watch", "run it again from time to time, such as by cron or a systemd timer")
            watched = WatchOptions(hidden, globs, poll, open_executor)
            report = watch_files(
                paths, settings, watched, show, _warn, *first, meter=bar, read_meter=read_bar, load_meter=load_bar
            )
        else:
            report = index_files(
                list(labels),
                settings,
                retry_failed,
                hidden,
                labels,
                relabel,
                prune,
                meter=bar,
                read_meter=read_bar,
                globs=globs,
                open_executor=open_executor,
                load_meter=load_bar,
                copy_meter=copy_bar,
            )
    if not watch:
        _show_report(report, output)
        _hint(report, settings)
    _exit(report)


def _paths_only(places: Iterable["Place"], option: str, way_out: str) -> list[Path]:
    """Return the places, which must all be paths of this machine."""
    paths: list[Path] = []
    for place in places:
        if not isinstance(place, Path):
            raise UsageError(f"{place}: {option} takes only files and folders of this machine: {way_out}")
        paths.append(place)
    return paths


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
        unread = f"the text and the speech in {what} were not read: `omnisearch enrich` reads them"
        err.print(unread, markup=False, soft_wrap=True)
    if report.failed and not report.interrupted:
        err.print("`omnisearch errors` names the files that failed", markup=False, soft_wrap=True)


def _warn(message: str) -> None:
    err.print(message, markup=False, soft_wrap=True, style="yellow")


def _exit(report: "Report") -> None:
    if report.interrupted:
        raise SystemExit(INTERRUPTED)
    if not report.complete:
        raise SystemExit(SOME_FAILED)


def _open_executor(engine: Engine, address: str | None, settings: "Settings") -> "OpenExecutor | None":
    from functools import partial

    if engine is Engine.RAY:
        from omnisearch_indexer.ray.executor import ray_executor  # which imports torch

        if settings.read != "none":
            raise UsageError("--engine ray reads no text or speech: give --read none, then run `omnisearch enrich`")
        return partial(ray_executor, address=address)
    if address is not None:
        raise UsageError(f"--address {address} needs --engine ray")
    return None
