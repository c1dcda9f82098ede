"""`omnisearch locate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch import options
from omnisearch.console import Format, choose_format, err, write_rows
from omnisearch.errors import UsageError
from omnisearch.paths import show_path

if TYPE_CHECKING:
    from omnisearch.search.locate import Place

COLUMNS = ("relevance", "score", "at")


def locate(
    words: Annotated[list[str], typer.Argument(metavar="TERM [+|- TERM]... FILE", show_default=False)],
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
    from omnisearch.search.calibration import nothing_matches
    from omnisearch.search.grammar import parse
    from omnisearch.search.locate import Locator

    if len(words) < 2:
        raise UsageError("say what to look for and in which file: omnisearch locate TERM [+|- TERM]... FILE")
    settings = load_settings(model=model, device=device)
    path = Path(words[-1]).expanduser()
    with Locator(OmniBind.load(settings.model, settings), settings) as locator:
        found = locator.locate(parse(words[:-1]), path, limit)
    err.print(f"looked at {found.windows} windows of {path.name}", markup=False)
    if nothing_matches(place.relevance for place in found.places):
        err.print("nothing matches: these places only stand out the least badly", markup=False)
    shown = choose_format(output)
    rows = [place_json(place, path) for place in found.places if place.relevance >= min_relevance]
    write_rows([{**row, "at": _shown(row)} for row in rows] if shown is Format.TABLE else rows, COLUMNS, shown)


def place_json(place: "Place", path: Path) -> dict[str, Any]:
    """Return a place as JSON: the file's `segment` or `region`, and how it is written as a `slice` of a term."""
    from omnisearch.types import Region, Segment

    at = place.at
    return {
        "path": show_path(str(path)),
        "segment": {"start": at.start, "end": at.end, "unit": at.unit} if isinstance(at, Segment) else None,
        "region": {"x": at.x, "y": at.y, "width": at.width, "height": at.height} if isinstance(at, Region) else None,
        "slice": None if place.slice is None else str(place.slice),
        "score": round(place.score, 6),
        "relevance": round(place.relevance, 4),
    }


def _shown(row: dict[str, Any]) -> str:
    return row["slice"] or f"{row['segment']['start']:.0f}-{row['segment']['end']:.0f} {row['segment']['unit']}"
