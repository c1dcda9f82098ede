"""OpenDocument texts, presentations and spreadsheets (odt, odp, ods)."""

from collections.abc import Iterator

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive
from omnisearch.media.file import Source
from omnisearch.media.texts.paragraphs import Paragraph, Vocabulary, marked
from omnisearch.media.texts.parts import NamedBlock, Part, part_name, split_by_name
from omnisearch.media.texts.xml_events import Start, without, xml_events

MAX_FILES = 20_000
_NAMES = Vocabulary(
    words=frozenset({"p", "h"}),
    paragraphs=frozenset({"p", "h"}),
    rows=frozenset({"table-row"}),
    cells=frozenset({"table-cell"}),
    signs={"s": " ", "tab": "\t", "line-break": "\n"},
)
# Deleted text, numbers of notes, who wrote a comment and when, and fields such as the number of the page.
_SKIPPED = (
    *("tracked-changes", "note-citation", "creator", "date", "date-string", "binary-data", "forms"),
    *("page-number", "page-count", "footer", "header", "date-time"),
)
_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the chapters of a text, the slides of a presentation, or the sheets of a spreadsheet.

    Raises:
        MediaError: as `Archive` does; needs_password.
    """
    archive = Archive(source.file, MAX_FILES)
    if _is_encrypted(archive):
        raise MediaError(Reason.NEEDS_PASSWORD, "OpenDocument")
    yield from split_by_name(_blocks(archive))


def _is_encrypted(archive: Archive) -> bool:
    if _MANIFEST not in archive:
        return False
    events = xml_events(archive.blocks(_MANIFEST))
    return any(isinstance(event, Start) and event.name == "encryption-data" for event in events)


def _blocks(archive: Archive) -> Iterator[NamedBlock]:
    paragraph, kind, name, count, title = Paragraph(), "", "", 0, ""
    for event in marked(without(xml_events(archive.blocks(_CONTENT)), _SKIPPED), _NAMES, paragraph):
        if event is None:
            is_chapter = bool(paragraph.style)
            text = paragraph.take()
            if is_chapter and text:
                count += 1
                name = part_name(f"chapter {count}:", text)
            if text:
                yield name, title + text
                title = ""
        elif isinstance(event, Start):
            if event.name == "h" and event.get("outline-level") == "1":
                paragraph.style = "chapter"
            elif event.name in ("body", "text", "presentation", "spreadsheet"):
                kind = event.name
            elif event.name == "page" and kind == "presentation":
                count += 1
                name = f"slide {count}"
            elif event.name == "table" and kind == "spreadsheet":
                title = f"{event.get('name')}\n"
                name = part_name("sheet", event.get("name"))
