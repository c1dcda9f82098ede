"""Presentations (pptx): the words of every slide in the order of the shapes, then its notes."""

from collections.abc import Iterator

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.texts.package import Package
from omnisearch.media.texts.paragraphs import Vocabulary, lines
from omnisearch.media.texts.parts import Part
from omnisearch.media.texts.xml_events import Start, without
from omnisearch.types import Page

_NAMES = Vocabulary(
    words=frozenset({"t"}),
    paragraphs=frozenset({"p"}),
    rows=frozenset({"tr"}),
    cells=frozenset({"tc"}),
    signs={"br": "\n"},
)
# A second form of the same drawing, and fields such as the number of the slide.
_SKIPPED = ("Fallback", "fld")


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the slides of a presentation in the order in which they are shown, or only the one that is asked for.

    Raises:
        MediaError: as `Package` does; bad_slice, if there is no such slide.
    """
    package = Package(source.file)
    related = package.relations(package.main)
    shown = [
        related[event.related()].target
        for event in package.events(package.main)
        if isinstance(event, Start) and event.name == "sldId" and event.related() in related
    ]
    numbers = range(1, len(shown) + 1)
    if isinstance(source.slice, Page):
        if source.slice.number not in numbers:
            raise MediaError(Reason.BAD_SLICE, f"@{source.slice} is outside of {len(shown)} slides")
        numbers = range(source.slice.number, source.slice.number + 1)
    for number in numbers:
        yield Part(f"slide {number}", _words(package, shown[number - 1]))


def _words(package: Package, slide: str) -> Iterator[str]:
    for name in (slide, *package.related(slide, "diagramData", "chart", "notesSlide")):
        yield from lines(without(package.events(name), _SKIPPED), _NAMES)
