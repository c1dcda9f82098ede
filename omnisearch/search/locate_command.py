"""`omnisearch locate`."""

from typing import Annotated, Any

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_rows
from omnisearch.errors import UsageError
from omnisearch.paths import show_path

COLUMNS = ("relevance", "score", "at")
USAGE = "TERM [+|-|AND|OR|THEN TERM]... FILE"


def locate(
    words: Annotated[list[str], typer.Argument(metavar=USAGE, show_default=False)],
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=1000, help="How many places.")] = 5,
    min_relevance: Annotated[float, typer.Option(min=0, max=1, help="Leave out what is less relevant.")] = 0.0,
    output: options.Output = None,
    model: options.Model = None,
    device: options.Device = None,
) -> None:
    """Mark when in a sound, a video or a text, or where in a picture, a query matches. Needs no index.

    omnisearch locate "a dog barking" ./walk.mp4

    What is shown after `slice` can be written after the @ of a term: `./walk.mp4@12-16`.
    """
    from omnisearch.binding.model import OmniBind
    from omnisearch.config import load_settings
    from omnisearch.media.pool import DecoderPool
    from omnisearch.search.embed import Embedder
    from omnisearch.search.grammar import parse, parse_path
    from omnisearch.search.index import Unindexed
    from omnisearch.search.locate import Locator
    from omnisearch.search.place_json import place_json

    if len(words) < 2:
        raise UsageError(f"say what to look for and in which file: omnisearch locate {USAGE}")
    settings = load_settings(model=model, device=device)
    query, path = parse(words[:-1]), parse_path(words[-1])
    index = Unindexed(OmniBind.load(settings.model, settings))
    with DecoderPool(settings, workers=1) as files, Locator(Embedder(files), settings) as locator:
        found = locator.locate(index, query, path, limit, name=show_path(str(path)))
    windows = "1 window" if found.windows == 1 else f"{found.windows} windows"
    err.print(f"looked at {windows} of {show_path(path.name)}", markup=False)
    rows = [place_json(p, show_path(str(path))) for p in found.places if p.relevance >= min_relevance]
    if not rows:
        err.print("nothing was found", markup=False)
    elif found.nothing_matches:
        err.print("nothing matches: these places only stand out the least badly", markup=False)
    shown = choose_format(output)
    columns = COLUMNS if len(query.leaves) == 1 else (*COLUMNS, "parts")
    write_rows([_for_table(row) for row in rows] if shown is Format.TABLE else rows, columns, shown)


def _for_table(row: dict[str, Any]) -> dict[str, Any]:
    parts = (f"{part['query']} {part['relevance']:.3f} {part['score']:.3f} {_at(part)}" for part in row["parts"])
    return {**row, "at": _at(row), "parts": "; ".join(parts)}


def _at(place: dict[str, Any]) -> str:
    return place["slice"] or f"{place['segment']['start']:.0f}-{place['segment']['end']:.0f} {place['segment']['unit']}"
