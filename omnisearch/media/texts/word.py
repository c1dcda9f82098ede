"""Word documents (docx): paragraphs and tables in their order, then notes. A chapter begins with a "Heading 1"."""

from collections.abc import Iterator

from omnisearch.media.file import Source
from omnisearch.media.texts.package import Package
from omnisearch.media.texts.paragraphs import Paragraph, Vocabulary, lines, marked
from omnisearch.media.texts.parts import NamedBlock, Part, part_name, split_by_name
from omnisearch.media.texts.xml_events import Start, without

NAMES = Vocabulary(
    words=frozenset({"t"}),
    paragraphs=frozenset({"p"}),
    rows=frozenset({"tr"}),
    cells=frozenset({"tc"}),
    signs={"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"},
)
# A second form of the same drawing, and text that was moved elsewhere.
_SKIPPED = ("Fallback", "moveFrom", "pPrChange", "rPrChange", "tabs")
_HEADING = "heading 1"
_NOTES = ("footnotes", "endnotes", "comments")


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the chapters of a document, then its footnotes, endnotes and comments.

    Raises:
        MediaError: as `Package` does.
    """
    package = Package(source.file)
    yield from split_by_name(_body(package))
    for kind in _NOTES:
        for name in package.related(package.main, kind):
            yield Part(kind, lines(without(package.events(name), _SKIPPED), NAMES))


def _body(package: Package) -> Iterator[NamedBlock]:
    headings = _heading_styles(package)
    paragraph, chapters, name = Paragraph(), 0, ""
    for event in marked(without(package.events(package.main), _SKIPPED), NAMES, paragraph):
        if isinstance(event, Start) and event.name == "pStyle":
            paragraph.style = event.get("val")
        elif event is None:
            is_heading = paragraph.style in headings
            text = paragraph.take()
            if is_heading and text:
                chapters += 1
                name = part_name(f"chapter {chapters}:", text)
            if text:
                yield name, text


def _heading_styles(package: Package) -> set[str]:
    """The ids of the styles of chapter titles. Word stores the name "heading 1" in every language."""
    found, style = set(), ""
    for name in package.related(package.main, "styles"):
        for event in package.events(name):
            if isinstance(event, Start) and event.name == "style":
                style = event.get("styleId")
            elif isinstance(event, Start) and event.name == "name" and event.get("val").lower() == _HEADING:
                found.add(style)
    return found
