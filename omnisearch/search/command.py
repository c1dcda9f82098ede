"""`omnisearch search`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_rows
from omnisearch.errors import UsageError
from omnisearch.types import Modality

COLUMNS = ("relevance", "score", "modality", "at", "file", "snippet")


def search(
    terms: Annotated[list[str], typer.Argument(metavar="TERM [+|- TERM]...", show_default=False)],
    within: Annotated[str | None, typer.Option("--in", help="Modalities to answer in, comma separated.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=1000, help="How many hits.")] = 10,
    include_self: Annotated[bool, typer.Option(help="Let a query file that is indexed be its own hit.")] = False,
    explain: Annotated[bool, typer.Option(help="Show each term's combining factors.")] = False,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Find anything by anything: text, ./files and id:ITEMS, added (+) and subtracted (-), each with a weight (0.5:).

    omnisearch search "a dog" + ./bark.wav - 0.5:"puppy" --in point_cloud,image -k 5
    """
    from omnisearch.config import load_settings
    from omnisearch.query import Query
    from omnisearch.search.engine import Engine
    from omnisearch.search.grammar import parse
    from omnisearch.search.hit_json import hit_json

    parsed = parse(terms)
    for term in parsed.terms:
        if isinstance(term.source, str) and os.path.isfile(term.source):  # noqa: PTH113 - Path raises where a text is long
            err.print(f"note: {term.source!r} is searched as text; write ./{term.source} for the file", markup=False)
    query = Query(parsed, parse_modalities(within), limit, include_self, explain)
    settings = load_settings(data_dir=data_dir, model=model, store=store, device=device)
    with Engine.open(settings) as engine:
        answer = engine.search(query)
    rows = [hit_json(hit) for hit in answer.hits]
    shown = choose_format(output)
    write_rows([_for_table(row) for row in rows] if shown is Format.TABLE else rows, COLUMNS, shown)


def parse_modalities(text: str | None) -> tuple[Modality, ...]:
    """Read a comma separated list of modalities; none means all.

    Raises:
        UsageError: one of them is not a modality; names it and lists them all.
    """
    if text is None:
        return tuple(Modality)
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Modality)]
    if unknown or not names:
        raise UsageError(f"--in {text}: {', '.join(unknown) or 'nothing'} is not one of {', '.join(Modality)}")
    return tuple(Modality(name) for name in names)


def _for_table(hit: dict[str, Any]) -> dict[str, Any]:
    segment = hit["segment"]
    path = Path(hit["path"])
    return {
        **hit,
        "at": "" if segment is None else f"{_place(segment['start'])}-{_place(segment['end'])}",
        "file": str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path),
    }


def _place(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
