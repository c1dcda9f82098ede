"""`omnisearch locate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_rows
from omnisearch.cli.parameters import Argument, Option
from omnisearch.errors import UsageError
from omnisearch.paths import show_path

if TYPE_CHECKING:
    from omnisearch.config import Settings
    from omnisearch.query.expressions import Expression

COLUMNS = ("relevance", "score", "at")
USAGE = "TERM [+|-|AND|OR|THEN TERM]... FILE"


def locate(
    words: Annotated[list[str], Argument(metavar=USAGE, show_default=False)],
    limit: Annotated[int, Option("--limit", "-k", min=1, max=1000, help="How many places.")] = 5,
    min_relevance: Annotated[float, Option(min=0, max=1, help="Omit results of lower relevance.")] = 0.0,
    output: options.Output = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    server: options.Server = None,
    use_server: options.UseServer = True,
) -> None:
    """Find the parts of a sound, a video, a text or a picture that match a query.

    omnisearch locate "a dog barking" ./walk.mp4

    The value of `slice` can follow the @ of a term: `./walk.mp4@12-16`. The file need not be indexed.
    If there is an index, terms can be id:ITEMS, and relevance is calibrated with it.
    """
    from omnisearch.cli.served import ask, load_asking_settings
    from omnisearch.client.light import post
    from omnisearch.client.query_json import locate_body
    from omnisearch.query.grammar import check_file, parse, parse_path

    if len(words) < 2:
        raise UsageError(f"give a query and a file: omnisearch locate {USAGE}")
    settings = load_asking_settings(
        server, data_dir=data_dir, collection=collection, model=model, store=store, device=device
    )
    query, path = parse(words[:-1]), parse_path(words[-1])
    for file in (*(term.source for term in query.terms), path):
        if isinstance(file, Path):
            check_file(file)
    name = show_path(str(path))
    found = ask(
        settings,
        use_server,
        lambda running: post(running, "v1/locate", locate_body(query, path, limit, min_relevance, name)),
        lambda: _locate(settings, query, path, limit, min_relevance),
    )
    windows = "1 window" if found["windows"] == 1 else f"{found['windows']} windows"
    err.print(f"searched {windows} of {show_path(path.name)}", markup=False)
    rows = found["places"]
    if not rows:
        err.print("nothing was found", markup=False)
    elif found["nothing_matches"]:
        err.print("nothing matches; these are the closest places", markup=False)
    shown = choose_format(output)
    columns = COLUMNS if len(query.leaves) == 1 else (*COLUMNS, "parts")
    if any("text" in row for row in rows):
        columns = (*columns, "text")
    write_rows([_for_table(row) for row in rows] if shown is Format.TABLE else rows, columns, shown)


def _locate(settings: "Settings", query: "Expression", path: Path, limit: int, least: float) -> dict[str, Any]:
    """Locate in this process, and return the same object as a server."""
    from omnisearch.media.pool import DecoderPool
    from omnisearch.search.index import opened_or_bare
    from omnisearch.search.locate.locate import Locator
    from omnisearch.search.locate.location_json import location_json
    from omnisearch.search.plan.embed import Embedder

    name = show_path(str(path))
    with (
        opened_or_bare(settings) as index,
        DecoderPool(settings, workers=1) as files,
        Locator(Embedder(files), settings) as locator,
    ):
        found = locator.locate(index, query, path, limit, name=name)
    return {
        "windows": found.windows,
        "nothing_matches": found.nothing_matches,
        "places": [location_json(place, name) for place in found.places if place.relevance >= least],
    }


def _for_table(row: dict[str, Any]) -> dict[str, Any]:
    parts = (f"{part['query']} {part['relevance']:.3f} {part['score']:.3f} {_at(part)}" for part in row["parts"])
    return {**row, "at": _at(row), "parts": "; ".join(parts)}


def _at(place: dict[str, Any]) -> str:
    if place["slice"]:
        return str(place["slice"])
    span = place["segment"]
    named = f"{span['part']}, " if "part" in span else ""
    return f"{named}{span['start']:.0f}-{span['end']:.0f} {span['unit']}"
