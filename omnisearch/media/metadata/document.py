"""Properties of documents: PDF, office files, and messages."""

from collections.abc import Mapping
from email.parser import BytesHeaderParser
from email.policy import default
from itertools import islice
from typing import Any, BinaryIO

from omnisearch.media.archive import BLOCK, Archive
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.metadata.moments import local_time
from omnisearch.media.metadata.xml_values import MAX_BYTES, xml_values
from omnisearch.media.texts.package import MAX_FILES
from omnisearch.media.texts.pdf import open_pdf

_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://schemas.openxmlformats.org/package/2006/metadata/core-properties": "cp",
    "urn:oasis:names:tc:opendocument:xmlns:meta:1.0": "meta",
    "http://www.idpf.org/2007/opf": "opf",
}
# Of Word, PowerPoint and Excel; of OpenDocument. In EPUB, it is the file whose name ends in .opf.
_PROPERTIES = ("docProps/core.xml", "meta.xml")


def read_document(source: Source, kind: Kind) -> Mapping[str, Any]:
    """Return the fields of the properties of a document."""
    source.file.seek(0)
    if kind.format == "pdf":
        return _pdf(open_pdf(source.file))
    if kind.format == "eml":
        return _message(source.file.read(MAX_BYTES))
    if source.file.read(4) == b"PK\3\4":
        return _office(source.file)
    return {}


def _pdf(reader: Any) -> Mapping[str, Any]:
    info = reader.metadata or {}
    return {
        "time": local_time(_text(info.get("/CreationDate"))),
        "title": _text(info.get("/Title")),
        "caption": _text(info.get("/Subject")),
        "keywords": _split(_text(info.get("/Keywords"))),
        "artist": _text(info.get("/Author")),
        "language": _text(reader.root_object.get("/Lang")),
    }


def _office(file: BinaryIO) -> Mapping[str, Any]:
    archive = Archive(file, MAX_FILES)
    name = next((name for name in archive.names if name in _PROPERTIES or name.endswith(".opf")), None)
    if name is None:
        return {}
    blocks = islice(archive.blocks(name), MAX_BYTES // BLOCK + 1)  # `xml_values` refuses what is longer
    values = xml_values(b"".join(blocks), _PREFIXES)

    def first(*names: str) -> str:
        return next((values[name][0] for name in names if values.get(name)), "")

    return {
        "time": local_time(first("dcterms:created", "meta:creation-date", "dc:date")),
        "title": first("dc:title"),
        "caption": first("dc:description"),
        "keywords": [*_split(first("cp:keywords")), *values.get("meta:keyword", ()), *values.get("dc:subject", ())],
        "artist": first("dc:creator", "meta:initial-creator"),
        "language": first("dc:language"),
    }


def _message(head: bytes) -> Mapping[str, Any]:
    message = BytesHeaderParser(policy=default).parsebytes(head)
    sent = message["date"]
    return {
        "time": sent.datetime.replace(microsecond=0).isoformat() if sent is not None and sent.datetime else "",
        "title": str(message["subject"] or ""),
        "artist": str(message["from"] or ""),
    }


def _text(value: Any) -> str:
    return str(value) if value is not None else ""


def _split(text: str) -> list[str]:
    return text.replace(";", ",").split(",")
