"""The texts in an XML document, by the names of their elements and attributes."""

from collections import defaultdict
from collections.abc import Mapping
from xml.parsers import expat

MAX_BYTES = 4 << 20
_MAX_DEPTH = 64
_MAX_VALUES = 1000  # of one name
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def xml_values(data: bytes, prefixes: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Return the texts of the elements and attributes in some namespaces, by `prefix:name`, in order.

    `prefixes` maps the namespaces to their prefixes. The text of an element of RDF, such as an entry of a list, belongs
    to the element around it.

    Raises:
        ValueError: the document is too large, declares a document type, is nested too deep, or is not XML.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"an XML document of {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    found: dict[str, list[str]] = defaultdict(list)
    path: list[str] = []  # the names of the open elements; "" for those of RDF
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text, parser.buffer_size = True, 1 << 16  # a longer text comes in several parts

    def prefixed(name: str) -> str:
        space, _, local = name.rpartition(" ")
        return "" if space == _RDF else f"{prefixes.get(space, '?')}:{local}"

    def add(name: str, text: str) -> None:
        if name[:1] not in {"", "?"} and len(found[name]) < _MAX_VALUES and text.strip():
            found[name].append(text.strip())

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if len(path) >= _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_DEPTH} nested elements")
        path.append(prefixed(name))
        for attribute, text in attributes.items():
            add(prefixed(attribute), text)

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = lambda text: add(next((name for name in reversed(path) if name), ""), text)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {error}") from None
    return found
