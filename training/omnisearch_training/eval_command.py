"""`omnisearch eval`: how well a bound model finds one kind of media by another."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_rows
from omnisearch.errors import UsageError
from omnisearch.types import Modality

SPLITS = ("train", "valid", "test")
COLUMNS = ("variant", "direction", "truth", "queries", "targets", "R@1", "R@5", "R@10", "R@10 95 %", "chance@10")
SEED = 0


def evaluate(
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET|PATH]...", help="Declared datasets, folders or manifests; none: all fetched."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="train, valid or test. Default: test of declared datasets, all of your own.")
    ] = None,
    modality: Annotated[list[Modality] | None, typer.Option("--modality", "-m", help="Only these; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole report there, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write its tables there, as Markdown.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Where the towers' features are kept; default: with the datasets.")
    ] = None,
    output: options.Output = None,
    model: options.Model = None,
    device: options.Device = None,
) -> None:
    """Measure recall in every direction that has ground truth, beside each space alone and plain averaging.

    omnisearch eval gcompris furniture --out report.json
    """
    if split is not None:
        check_split(split)
    from omnisearch.binding.model import OmniBind
    from omnisearch.config import load_settings
    from omnisearch_training import report as reports
    from omnisearch_training.composed import evaluate_composed
    from omnisearch_training.evaluate import encode
    from omnisearch_training.evaluate import evaluate as measure
    from omnisearch_training.features import Features
    from omnisearch_training.fetch import datasets_dir
    from omnisearch_training.opening import open_data

    settings = load_settings(model=model, device=device)
    bound = OmniBind.load(settings.model, settings)
    wanted = [m for m in bound.modalities if not modality or m in modality]
    datasets = open_data(data or [], split)
    records = [record for each in datasets.values() for record in each]
    features = Features((cache or datasets_dir()) / "features", settings)
    sides = encode(bound, features, records, wanted)
    results = measure(bound, records, sides, SEED) + evaluate_composed(bound, features, records, sides, SEED)
    if not results:
        raise UsageError("nothing to compare: no two modalities that the model embeds show the same thing here")
    report = reports.make_report(settings, bound, datasets, sides, results, SEED)
    err.print(f"model {bound.name} on {', '.join(f'{len(side.rows)} {m}' for m, side in sides.items())}")
    write_report(report, reports.markdown(report), out, markdown, output)


def check_split(split: str) -> None:
    """Refuse what is no split.

    Raises:
        UsageError: it is not one of SPLITS.
    """
    if split not in SPLITS:
        raise UsageError(f"--split {split} is not one of {', '.join(SPLITS)}")


def write_report(
    report: dict[str, Any], tables: str, out: Path | None, markdown: Path | None, output: Format | None
) -> None:
    """Write a report as JSON to `out`, its tables to `markdown`, and its results to stdout."""
    from omnisearch_training.report import table_row

    if out is not None:
        out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text(tables, encoding="utf-8")
    shown = choose_format(output)
    rows = [table_row(row) for row in report["results"]] if shown is Format.TABLE else report["results"]
    write_rows(rows, COLUMNS, shown)
