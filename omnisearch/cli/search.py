"""`omnisearch search`."""

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_paths0, write_rows
from omnisearch.cli.parameters import Argument, Option
from omnisearch.cli.query_lines import read_query_lines
from omnisearch.errors import UsageError
from omnisearch.query.query import Group, Sort
from omnisearch.types import Modality

if TYPE_CHECKING:
    from omnisearch.config import Settings
    from omnisearch.query.expressions import Term
    from omnisearch.query.query import Query

COLUMNS = ("relevance", "score", "modality", "at", "file", "snippet")


def search(
    terms: Annotated[list[str] | None, Argument(metavar="TERM [+|-|AND|OR|THEN TERM]...", show_default=False)] = None,
    within: Annotated[str | None, Option("--in", help="Modalities of the hits, comma separated; default: all.")] = None,
    limit: Annotated[int, Option("--limit", "-k", min=1, max=1000, help="Number of hits.")] = 10,
    where: Annotated[
        list[str] | None,
        Option(help="Condition on every hit: path:photos/**, size>1MB, taken:2023-07, place:Lisbon; repeatable."),
    ] = None,
    area: Annotated[
        str | None, Option(help="Only items in an area of the map: its corners, as -0.5,0;0.5,0;0,0.75.")
    ] = None,
    sort: Annotated[
        Sort, Option(help="Order of the hits; dates and names order only relevant items, the last date first.")
    ] = "relevance",
    group: Annotated[
        Group,
        Option(
            metavar="modality|day",
            show_default=False,
            help="Return LIMIT hits of each modality, in turn; or put hits of a day together.",
        ),
    ] = "",
    lanes: Annotated[bool, Option("--lanes", hidden=True)] = False,
    quota: Annotated[
        list[str] | None,
        Option(help="Least and most hits of a modality: image:2-5, audio:1-, text:-3; repeatable."),
    ] = None,
    fold: Annotated[bool, Option(help="Fold near-duplicates under the best hit.")] = True,
    segments: Annotated[int, Option(min=1, max=100, help="Number of best segments per hit.")] = 3,
    like: Annotated[list[str] | None, Option(help="Id of an item that hits should resemble; repeatable.")] = None,
    unlike: Annotated[list[str] | None, Option(help="Id of an item that hits should not resemble; repeatable.")] = None,
    cursor: Annotated[str, Option(help="`next_cursor` of the previous page.")] = "",
    include_self: Annotated[bool, Option(help="Allow a query file as its own hit.")] = False,
    min_relevance: Annotated[float, Option(min=0, max=1, help="Omit hits of lower relevance.")] = 0.0,
    words: Annotated[bool, Option(help="Match words in names, labels and texts too.")] = True,
    hybrid: Annotated[bool, Option("--hybrid", hidden=True)] = False,
    explain: Annotated[bool, Option(help="Show the contribution of each term and each space.")] = False,
    batch: Annotated[
        str | None, Option(metavar="FILE", help="Answer one query per line, as JSON lines; - reads stdin.")
    ] = None,
    output: options.Output = None,
    print0: options.Print0 = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    share: options.Share = None,
    server: options.Server = None,
    use_server: options.UseServer = True,
) -> None:
    """Search with text, ./files and id:ITEMS, added (+) and subtracted (-), each with an optional weight (0.5:).

    omnisearch search "a dog" + ./bark.wav - 0.5:"puppy" --in point_cloud,image -k 5

    AND, OR, NOT, THEN and ( ) combine the relevance of terms. ./talk.mp3@12.5-15, ./street.jpg@x,y,w,h and
    ./paper.pdf@p3 are parts of files.
    """
    from omnisearch.cli.served import ask, load_asking_settings, search_served
    from omnisearch.query.area import parse_area
    from omnisearch.query.condition_parser import parse_conditions
    from omnisearch.query.grammar import parse
    from omnisearch.query.query import Quota, SearchOptions

    if bool(terms) == (batch is not None):
        raise UsageError("give either a query or a file of queries with --batch")
    _check_renamed(lanes, hybrid)
    if print0 and batch is not None:
        raise UsageError("--print0 writes the paths of one query; --batch writes JSON lines")
    chosen = SearchOptions(
        modalities=parse_modalities(within),
        limit=limit,
        where=parse_conditions(where or ()),
        area=parse_area(area or ""),
        sort=sort,
        group=group,
        quotas=tuple(Quota.parse(text) for text in quota or ()),
        fold=fold,
        segments=segments,
        like=tuple(item.removeprefix("id:") for item in like or ()),
        unlike=tuple(item.removeprefix("id:") for item in unlike or ()),
        cursor=cursor,
        include_self=include_self,
        min_relevance=min_relevance,
        words=words,
        explain=explain,
    )

    def read(words: list[str]) -> "Query":
        query = chosen.query(parse(words))
        _check_files(query.terms)
        return query

    asked = [(terms or [], read(terms or []))] if batch is None else read_query_lines(batch, read)
    queries = [query for _, query in asked]
    settings = load_asking_settings(
        server, data_dir=data_dir, collection=collection, model=model, store=store, device=device, share=share
    )
    answers = ask(settings, use_server, lambda found: search_served(found, queries), lambda: _search(settings, queries))
    found = [answer["hits"] for answer in answers]
    if batch is not None:
        lines = [{"query": shlex.join(words), "hits": rows} for (words, _), rows in zip(asked, found, strict=True)]
        write_rows(lines, (), Format.JSONL)
        return
    if not found[0] and queries[0].has_cut:
        err.print("nothing matches; without --sort and --group day, the closest items are shown", markup=False)
    elif not found[0]:
        err.print("nothing was found", markup=False)
    elif answers[0]["nothing_matches"]:
        err.print("nothing matches; these are the closest items", markup=False)
    if missing := sum("missing" in hit for hit in found[0]):
        way_out = "mount their disk, or run `omnisearch index PATH...` to update the index"
        err.print(f"{missing} of these files are missing: {way_out}", markup=False, soft_wrap=True)
    _write(found[0], output, print0, explain, sort in ("taken", "modified") or group == "day")
    if (following := answers[0]["next_cursor"]) is not None:
        err.print(f"more with --cursor {following}", markup=False, soft_wrap=True)


def _check_renamed(lanes: bool, hybrid: bool) -> None:
    """Refuse options of earlier versions."""
    if lanes:
        raise UsageError("--lanes has a new name: write --group modality")
    if hybrid:
        raise UsageError("--hybrid has a new name: write --words, which is on by default")


def _search(settings: "Settings", queries: "Sequence[Query]") -> list[dict[str, Any]]:
    """Answer queries in this process, and return the same objects as a server."""
    from omnisearch.stores.catalog import describe_store

    describe_store(settings)  # raises without an index, before torch and the model are loaded
    from omnisearch.search.engine import Engine
    from omnisearch.search.present.hit_json import hit_json

    with Engine.open(settings) as engine:
        answers = engine.search_many(queries)
    return [
        {
            "hits": [hit_json(hit) for hit in answer.hits],
            "nothing_matches": answer.nothing_matches,
            "next_cursor": answer.next_cursor,
        }
        for answer in answers
    ]


def _write(rows: list[dict[str, Any]], output: Format | None, print0: bool, explain: bool, dated: bool) -> None:
    if print0:
        write_paths0(rows)
        return
    shown = choose_format(output)
    columns = (*(("date",) if dated else ()), *COLUMNS, *(("matched by",) if explain else ()))
    write_rows([_for_table(row) for row in rows] if shown is Format.TABLE else rows, columns, shown)


def _check_files(terms: Iterable["Term"]) -> None:
    from omnisearch.query.grammar import check_file

    for term in terms:
        if isinstance(term.source, str) and os.path.isfile(term.source):  # noqa: PTH113 - Path raises where a text is long
            err.print(f"note: {term.source!r} is searched as text; write ./{term.source} for the file", markup=False)
        if isinstance(term.source, Path):
            check_file(term.source)


def parse_modalities(text: str | None) -> tuple[Modality, ...]:
    """Parse a comma separated list of modalities; None means all.

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
    shown = str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    folded = len(hit["duplicates"])
    return {
        **hit,
        "date": _date(hit),
        "at": "" if segment is None else _at(segment),
        "file": shown + (" (missing)" if hit.get("missing") else "") + (f" (+{folded} similar)" if folded else ""),
        "snippet": _matched_text(hit) or hit["snippet"],
        "matched by": "; ".join(_gave(match) for match in hit["matched_by"]),
    }


def _date(hit: dict[str, Any]) -> str:
    from omnisearch.query.dates import local_day

    if (group := hit.get("group", ""))[:1].isdigit():  # a day, not a modality
        return str(group)
    return str(local_day(hit["mtime"] if hit["taken"] is None else hit["taken"]) or "")


def _matched_text(hit: dict[str, Any]) -> str:
    """Return the text that matched a hit with its field; a name is in another column."""
    found = next((match for match in hit["matched_by"] if match.get("field") not in (None, "name", "path")), None)
    return f"{found['field']}: {found['text']}" if found else ""


def _gave(match: dict[str, Any]) -> str:
    spaces = ", ".join(f"{space} {given:.3f}" for space, given in match.get("spaces", {}).items())
    return f"{match['term']} {match['contribution']:.3f}" + (f" ({spaces})" if spaces else "")


def _at(segment: dict[str, Any]) -> str:
    """A span as a cell of a table: the name of its part, or its bounds."""
    return segment.get("part") or f"{_place(segment['start'])}-{_place(segment['end'])}"


def _place(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
