"""Books (epub): the documents of the book in reading order. The table of contents names the chapters."""

import posixpath
from collections.abc import Iterator, Mapping
from io import BytesIO
from urllib.parse import unquote

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive
from omnisearch.media.file import Source
from omnisearch.media.texts.encoding import blocks, find_encoding
from omnisearch.media.texts.html import html_words
from omnisearch.media.texts.parts import Part, part_name
from omnisearch.media.texts.xml_events import End, Event, Start, xml_events

MAX_FILES = 20_000
_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml")


def parts(source: Source, notes: list[str]) -> Iterator[Part]:
    """Yield the documents of a book. One without an entry in the table of contents continues the chapter before it.

    Raises:
        MediaError: as `Archive` does; needs_password, if every document is encrypted.
    """
    archive = Archive(source.file, MAX_FILES)
    root = next((e.get("full-path") for e in _starts(archive, _CONTAINER, "rootfile")), "")
    book = _Book(archive, root)
    encrypted = {_path(event.get("URI")) for event in _starts(archive, _ENCRYPTION, "CipherReference")}
    readable = [name for name in book.documents if name not in encrypted]
    if book.documents and not readable:
        raise MediaError(Reason.NEEDS_PASSWORD, "epub")
    if len(readable) < len(book.documents):
        notes.append(f"partly read: {len(book.documents) - len(readable):,} documents of the book are encrypted")
    chapter, chapters = "", book.chapters()
    for name in readable:
        chapter = chapters.get(name, chapter)
        yield Part(chapter, _words(archive, name))


def find_cover(archive: Archive) -> str:
    """The name of the picture that a book declares as its cover, in the form of EPUB 3 or 2; empty without one."""
    root = next((e.get("full-path") for e in _starts(archive, _CONTAINER, "rootfile")), "")
    items, declared = dict[str, str](), ""
    for event in xml_events(archive.blocks(root)) if root in archive else ():
        if isinstance(event, Start) and event.name == "item":
            items[event.get("id")] = _path(event.get("href"), posixpath.dirname(root))
            if "cover-image" in event.get("properties").split():
                return items[event.get("id")]
        elif isinstance(event, Start) and event.name == "meta" and event.get("name") == "cover":
            declared = event.get("content")
    return items.get(declared, "")


class _Book:
    """The package document of a book: its `documents` in reading order, and its table of contents."""

    def __init__(self, archive: Archive, root: str) -> None:
        self._archive = archive
        files, spine, self._contents = dict[str, str](), list[str](), ""
        folder = posixpath.dirname(root)
        for event in xml_events(archive.blocks(root)):
            if not isinstance(event, Start):
                continue
            if event.name == "item":
                name = _path(event.get("href"), folder)
                if event.get("media-type") in _PAGES:
                    files[event.get("id")] = name
                is_contents = "nav" in event.get("properties").split()
                if is_contents or (event.get("media-type") == "application/x-dtbncx+xml" and not self._contents):
                    self._contents = name
            elif event.name == "itemref":
                spine.append(event.get("idref"))
        self.documents = list(dict.fromkeys(files[key] for key in spine if files.get(key, "") in archive))

    def chapters(self) -> Mapping[str, str]:
        """The names of the chapters by the document in which they begin."""
        found: dict[str, str] = {}
        if self._contents not in self._archive:
            return found
        try:
            for name, title in _entries(xml_events(self._archive.blocks(self._contents)), self._contents):
                if title and name in self.documents and name not in found:
                    found[name] = part_name(f"chapter {len(found) + 1}:", title)
        except MediaError as error:
            if error.reason is Reason.TOO_LARGE:
                raise
        return found


def _entries(events: Iterator[Event], place: str) -> Iterator[tuple[str, str]]:
    """Yield the document and the title of each entry of a table of contents, in the form of EPUB 3 (nav) or 2 (ncx)."""
    name, title, inside = "", list[str](), False
    for event in events:
        if isinstance(event, str):
            if inside:
                title.append(event)
        elif event.name in ("a", "text"):
            inside = isinstance(event, Start)
            if isinstance(event, Start):
                name = _path(event.get("href"), posixpath.dirname(place))
                title.clear()
            elif event.name == "a":
                yield name, "".join(title).strip()
        elif isinstance(event, Start) and event.name == "content":
            yield _path(event.get("src"), posixpath.dirname(place)), "".join(title).strip()
        elif event == End("nav"):  # what follows are lists of pages and landmarks
            return


def _words(archive: Archive, name: str) -> Iterator[str]:
    file = BytesIO(archive.read(name) or b"")
    yield from html_words(blocks(file, find_encoding(file, declares=True).codec), with_title=False)


def _starts(archive: Archive, file: str, name: str) -> Iterator[Start]:
    if file in archive:
        for event in xml_events(archive.blocks(file)):
            if isinstance(event, Start) and event.name == name:
                yield event


def _path(link: str, folder: str = "") -> str:
    """The name of the file that a link leads to."""
    return posixpath.normpath(posixpath.join("/", folder, unquote(link.partition("#")[0]))).lstrip("/")
