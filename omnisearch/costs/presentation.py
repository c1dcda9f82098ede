"""Estimates and constants as words: the rows of tables, for the command line and for docs."""

from collections.abc import Iterator, Mapping

from omnisearch.costs.constants import Constant
from omnisearch.costs.estimate import HOURS, Estimate
from omnisearch.wording import byte_size


def rows(found: Estimate) -> Iterator[dict[str, str]]:
    """Yield a row for each figure of an estimate, with a note on what it covers."""
    yield _row("points", f"{found.points:,.0f}", "segments of the files")
    yield _row("processor time", duration(found.processors), "decoding, encoding, the rest of the run, the engine")
    yield _row("time", duration(found.seconds), f"of a first run; it waits for the {found.limit}")
    yield _row("memory, run", size(found.head), "the towers, and a note for each file that waits")
    yield _row("memory, server", size(found.server), "the towers, and the cache of points")
    what = f"a Qdrant cluster of {machines(found.nodes)}" if found.nodes else "the embedded engine"
    yield _row("memory, points", size(found.engine), what)
    yield _row("disk, points", size(found.vectors), what)
    yield _row("disk, embeddings", size(found.embeddings), "of each space, so that another binding reads no media")
    yield _row("disk, previews", size(found.previews), "small ones")
    yield _row("disk, manifest", size(found.manifest), "")
    if found.search is not None:
        yield _row(
            "search", f"{1000 * found.search:,.0f} ms", "processor time of an exact search, without the query's towers"
        )
    if found.indexing is not None and found.month is not None:
        yield _row("money, first run", money(found.indexing), "")
        yield _row("money, month", money(found.month), f"one server, the cluster and the disks, {HOURS} hours")


def constant_rows(used: Mapping[str, Constant]) -> Iterator[dict[str, str]]:
    """Yield a row for each constant: its value, what it is, and where it comes from."""
    for name, each in used.items():
        yield {
            "constant": name,
            "value": f"{each.value:,.3g} {each.unit}" if each.value < 1e5 else f"{each.value:,.0f} {each.unit}",
            "about": each.about,
            "origin": each.origin,
        }


def duration(seconds: float) -> str:
    """Format a time in the unit that fits it."""
    for unit, length in (("years", 365 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{_digits(seconds / length)} {unit}"
    return f"{_digits(seconds)} s"


def size(count: float) -> str:
    """Format a number of bytes."""
    return byte_size(round(count))


def money(dollars: float) -> str:
    """Format an amount of US dollars."""
    return f"{_digits(dollars)} USD"


def machines(count: int) -> str:
    """Format a number of machines."""
    return "1 machine" if count == 1 else f"{count:,} machines"


def _row(what: str, value: str, about: str) -> dict[str, str]:
    return {"what": what, "estimate": value, "about": about}


def _digits(number: float) -> str:
    """Format a number with two digits: an estimate has no more."""
    return f"{float(f'{number:.2g}'):,.12g}"
