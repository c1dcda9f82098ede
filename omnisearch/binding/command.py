"""`omnisearch models import`: the models that the paper's authors published, made ours."""

from pathlib import Path
from typing import Annotated

import typer

from omnisearch.console import err
from omnisearch.spaces.command import app

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
