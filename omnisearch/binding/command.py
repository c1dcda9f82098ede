"""`omnisearch models import` makes ours of the models that the paper's authors published; `plan` tells their cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch import options
from omnisearch.console import err
from omnisearch.spaces.command import app

if TYPE_CHECKING:
    from omnisearch.binding.plan import Step

Released = Annotated[
    Path, typer.Argument(help="The authors' base.pt, large.pt or full.pt.", exists=True, dir_okay=False)
]
Out = Annotated[Path, typer.Option("--out", help="The folder of the model, which must hold none yet.")]


@app.command("import")
def import_model(path: Released, out: Out) -> None:
    """Make a model of a file that OmniBind's authors released: projectors and routers, in our own format.

    Which of the three it is shows in its tensors. Nothing in the file is run. Name the folder as `model` to use it.
    """
    from omnisearch.binding.official_checkpoint import import_file

    made = import_file(path, out)
    for name in made.extra:
        err.print(f"left out: {name} is in no published model", markup=False)
    err.print(f"{made.config.name} is in {out}; its licence: {made.config.licence}", markup=False)


@app.command()
def plan(
    model: Annotated[
        str | None, typer.Argument(help="omnibind-base, -large or -full, a shipped model, or the folder of one.")
    ] = None,
    output: options.Output = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
) -> None:
    """Show which towers each modality of a model loads, where, in which order, and what they take; needs no weights.

    omnisearch models plan omnibind-large --device cuda --max-memory 24GB
    """
    from omnisearch.binding import plan as plans
    from omnisearch.config import load_settings
    from omnisearch.console import write_rows
    from omnisearch.spaces import licences
    from omnisearch.spaces.registry import SPACES

    settings = load_settings(device=device, max_memory=max_memory)
    config = plans.find_config(model or settings.model)
    steps = plans.plan(config, settings)
    licences.check(config.name, [SPACES[space] for space in config.projectors], settings)
    columns = ("modality", "tower", "for", "runs", "memory", "held")
    write_rows([_row(step) for step in steps], columns, output)
    for line in (*plans.summary(steps, settings), f"projectors and routers: {plans.size(plans.binding_size(config))}"):
        err.print(line, markup=False)


def _row(step: "Step") -> "dict[str, Any]":
    from omnisearch.binding.plan import size

    return {
        "modality": step.modality,
        "tower": step.tower,
        "for": " ".join(step.spaces),
        "spaces": list(step.spaces),
        "runs": f"{step.device} {step.precision}",
        "device": step.device,
        "precision": step.precision,
        "parameters": step.parameters,
        "bytes": step.size,
        "memory": size(step.size) if step.fits else f"{size(step.size)}: does not fit",
        "fits": step.fits,
        "held_bytes": step.held,
        "held": size(step.held),
        "dropped": list(step.dropped),
    }
