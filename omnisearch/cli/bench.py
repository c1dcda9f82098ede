"""`omnisearch bench`: estimate what an index will cost."""

from dataclasses import asdict
from typing import Annotated

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, refuse_paths, write_object, write_rows
from omnisearch.cli.typer_app import CommandGroup

app = CommandGroup(help="Estimate what an index costs.", no_args_is_help=True)

MODEL = "mini"  # the constants were measured with it


@app.callback()
def _group() -> None:
    """Keep the name `plan`: typer drops the name of a command that is alone in its app."""


@app.command()
def plan(
    items: Annotated[float, typer.Option(help="Number of files, such as 5e6.", metavar="N", min=1, max=1e12)],
    mix: Annotated[str, typer.Option(help="Kinds of files: photos, documents, sounds, films or mixed.")] = "photos",
    hardware: Annotated[str, typer.Option(help="Machine: laptop, cloud or cloud-gpu.")] = "laptop",
    machines: Annotated[int, typer.Option(help="Machines that index together, by --engine ray.", min=1)] = 1,
    quantization: Annotated[
        str | None, typer.Option(help="Quantization of a Qdrant server: none, int8 or binary; default: the setting.")
    ] = None,
    output: options.Output = None,
) -> None:
    """Estimate the time, memory, disk and money of an index, from constants that were measured or are assumed.

    The second table has the constants and where each comes from. Above a million points, the estimate is for a Qdrant
    cluster. The media themselves are not counted.

    omnisearch bench plan --items 5e6 --mix photos --hardware cloud --machines 4
    """
    from omnisearch.binding.installed import find_config
    from omnisearch.config import load_settings
    from omnisearch.costs import constants, presentation
    from omnisearch.costs.declarations import find_hardware, find_mix
    from omnisearch.costs.estimate import estimate

    refuse_paths(output)
    settings = load_settings(model=MODEL, store_quantization=quantization)
    known, machine, codes = constants.load(), find_hardware(hardware), settings.store_quantization
    dim = find_config(MODEL, settings).dim
    found = estimate(items, find_mix(mix), machine, dim, known, machines, codes)
    chosen = choose_format(output)
    if chosen is not Format.TABLE:
        used = {name: asdict(each) for name, each in known.used.items()}
        asked = {"items": items, "mix": mix, "hardware": hardware, "machines": machines, "quantization": codes}
        fields = {**asked, "model": MODEL, "estimate": {**asdict(found), "disk": found.disk}, "constants": used}
        write_object(fields, chosen)
        return
    write_rows(presentation.rows(found), ("what", "estimate", "about"), chosen)
    write_rows(presentation.constant_rows(known.used), ("constant", "value", "about", "origin"), chosen)
    fit = found.head + found.engine * (not found.nodes)
    if fit > machine.memory_gb * 1e9:
        err.print(f"{machine.about} has too little memory for a run, which takes {presentation.size(fit)}")
