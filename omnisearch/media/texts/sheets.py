"""Workbooks (xlsx): the rows of every sheet with values as they are shown, formulas by their last results."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from omnisearch.media.file import Source
from omnisearch.media.texts.number_formats import BUILT_IN_DATES, EPOCH_1900, EPOCH_1904, is_date, written_date
from omnisearch.media.texts.package import Package
from omnisearch.media.texts.paragraphs import CELL
from omnisearch.media.texts.parts import Part, part_name
from omnisearch.media.texts.xml_events import End, Event, Start, without

_BOOLEANS = {"0": "FALSE", "1": "TRUE"}
# Of a cell: its formula. Of a string: its pronunciation.
_SKIPPED = ("f", "rPh")


class _Strings:
    """The strings that cells share, as one text and the end of each."""

    def __init__(self, strings: Iterable[str]) -> None:
        text, self._ends = [], array("Q", [0])
        for string in strings:
            text.append(string)
            self._ends.append(self._ends[-1] + len(string))
        self._text = "".join(text)

    def __getitem__(self, number: int) -> str:
        return self._text[self._ends[number] : self._ends[number + 1]]

    def __len__(self) -> int:
        return len(self._ends) - 1


@dataclass(frozen=True)
class _Book:
    """What all sheets share: strings, the cell styles that show dates, and the day that dates count from."""

    strings: _Strings
    date_styles: frozenset[str]
    epoch: int


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the sheets of a workbook in their order. Each begins with its name.

    Raises:
        MediaError: as `Package` does.
    """
    package = Package(source.file)
    related = package.relations(package.main)
    epoch, sheets = EPOCH_1900, list[tuple[str, str]]()
    for event in package.events(package.main):
        if isinstance(event, Start) and event.name == "workbookPr" and event.get("date1904") in ("1", "true"):
            epoch = EPOCH_1904
        elif isinstance(event, Start) and event.name == "sheet" and (found := related.get(event.related())):
            sheets += [(event.get("name"), found.target)] if found.kind == "worksheet" else []
    book = _Book(_Strings(_shared_strings(package)), frozenset(_date_styles(package)), epoch)
    for name, file in sheets:
        yield Part(part_name("sheet", name), titled(name, _rows(package.events(file), book)))


def titled(name: str, rows: Iterable[str]) -> Iterator[str]:
    """Yield the rows of a sheet after its name; nothing if it has no rows."""
    for number, row in enumerate(rows):
        if number == 0:
            yield f"{name}\n"
        yield row


def _shared_strings(package: Package) -> Iterator[str]:
    for name in package.related(package.main, "sharedStrings"):
        yield from _texts(package.events(name), "si")


def _texts(events: Iterable[Event], item: str) -> Iterator[str]:
    """The text of each element `item`, which may be in several runs."""
    text, inside = list[str](), False
    for event in without(events, _SKIPPED):
        if isinstance(event, str):
            if inside:
                text.append(event)
        elif event.name == "t":
            inside = isinstance(event, Start)
        elif event.name == item and isinstance(event, End):
            yield "".join(text)
            text.clear()


def _date_styles(package: Package) -> Iterator[str]:
    """The numbers of the cell styles whose number format shows a date or a time."""
    formats, count, inside = dict[str, str](), 0, False
    for name in package.related(package.main, "styles"):
        for event in package.events(name):
            if event == End("cellXfs"):
                inside = False
            elif not isinstance(event, Start):
                continue
            elif event.name == "numFmt":
                formats[event.get("numFmtId")] = event.get("formatCode")
            elif event.name == "cellXfs":
                inside = True
            elif event.name == "xf" and inside:
                number = event.get("numFmtId")
                if is_date(formats[number]) if number in formats else number in BUILT_IN_DATES:
                    yield str(count)
                count += 1


def _rows(events: Iterable[Event], book: _Book) -> Iterator[str]:
    cells, text = list[str](), list[str]()
    cell, inside = Start("c"), False
    for event in without(events, _SKIPPED):
        if isinstance(event, str):
            if inside:
                text.append(event)
        elif event.name in ("v", "t"):
            inside = isinstance(event, Start)
        elif isinstance(event, Start):
            if event.name == "c":
                cell = event
                text.clear()
        elif event.name == "c" and text:
            cells.append(_shown("".join(text), cell, book))
        elif event.name == "row" and (row := _joined(cells)):
            cells.clear()
            yield row


def _joined(cells: Sequence[str]) -> str:
    shown = [" ".join(cell.split()) for cell in cells]
    return CELL.join(filter(None, shown)) + "\n" if any(shown) else ""


def _shown(value: str, cell: Start, book: _Book) -> str:
    """The value of a cell as it is shown; nothing for an error and for a string that does not exist."""
    kind = cell.get("t")
    if kind == "s":
        number = int(value) if value.isdecimal() and len(value) < 10 else -1
        return book.strings[number] if 0 <= number < len(book.strings) else ""
    if kind in ("str", "inlineStr"):
        return value
    if kind in ("b", "e"):
        return _BOOLEANS.get(value, "")
    if kind == "d":
        return value
    try:
        number_value = float(value)
    except ValueError:
        return value
    if cell.get("s") in book.date_styles and (date := written_date(number_value, book.epoch)):
        return date
    return f"{number_value:.15g}"
