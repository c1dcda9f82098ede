"""The elements and the text of an XML document, read block by block. Entities are refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.parsers import expat

from omnisearch.errors import MediaError, Reason


@dataclass(frozen=True, slots=True)
class Start:
    """The start of an element, by its name without a prefix. `attributes` have their prefixes.

    Prefixes are not resolved: some programs write files that do not define them.
    """

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The value of an attribute by its name without a prefix, or an empty string."""
        return next((value for key, value in self.attributes.items() if _local(key) == name), "")

    def related(self) -> str:
        """The id of a relationship: the attribute `id` that has a prefix."""
        return next((value for key, value in self.attributes.items() if key.endswith(":id")), "")


@dataclass(frozen=True, slots=True)
class End:
    """The end of an element."""

    name: str


Event: TypeAlias = Start | End | str


def xml_events(blocks: Iterable[bytes]) -> Iterator[Event]:
    """Yield the starts and ends of elements, and the text between them, in pieces of any length.

    Raises:
        MediaError: damaged, if it is not XML; unsupported_format, if it defines an entity, which may grow.
    """
    found: list[Event] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: found.append(Start(_local(name), attributes))
    parser.EndElementHandler = lambda name: found.append(End(_local(name)))
    parser.CharacterDataHandler = found.append
    parser.EntityDeclHandler = _refuse
    try:
        for block in blocks:
            parser.Parse(block, False)
            yield from found
            found.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MediaError(Reason.DAMAGED, f"its XML is broken in line {error.lineno}") from None
    yield from found


def without(events: Iterable[Event], names: Iterable[str]) -> Iterator[Event]:
    """Yield the events outside of the elements `names`."""
    skipped, depth = frozenset(names), 0
    for event in events:
        if depth:
            depth += isinstance(event, Start) - isinstance(event, End)
        elif isinstance(event, Start) and event.name in skipped:
            depth = 1
        else:
            yield event


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse(*_: object) -> None:
    raise MediaError(Reason.UNSUPPORTED_FORMAT, "its XML defines entities, which are not supported")
