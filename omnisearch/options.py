"""The flags that several commands share, spelled once."""

from pathlib import Path
from typing import Annotated

import typer

from omnisearch.console import Format

DataDir = Annotated[Path | None, typer.Option(help="Where index, embeddings and previews live.", show_default=False)]
Model = Annotated[str | None, typer.Option(help="A shipped bound model by name, or the folder of one.")]
Store = Annotated[str | None, typer.Option(help="URL of a Qdrant server instead of the embedded engine.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.")]
Output = Annotated[Format | None, typer.Option("--format", help="Table on a terminal, else JSON lines.")]
