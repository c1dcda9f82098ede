"""3MF: the objects of a print job, in a zip archive. z is up in it."""

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive, refuse_entities
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.parts import MAX_VERTICES, Y_FROM_Z_UP, MeshPart, check_counts, join
from omnisearch.media.surface import Samples, Triangles

_ROOT = "3D/3dmodel.model"
_DEPTH = 32


@dataclass
class _Object:
    """An object of a model file: its mesh, and the other objects that it contains."""

    vertices: list[float] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)
    color: Any = None
    components: list[tuple[str | None, str, Any]] = field(default_factory=list)


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:  # noqa: ARG001
    """Read all objects that the job builds, also those in other model files of the archive.

    Raises:
        MediaError: as `Archive`, `refuse_entities` and `join` do; damaged if the XML is broken.
    """
    job = _Job(Archive(source.file))
    return join(job.parts())


class _Job:
    """The model files of an archive. Each is parsed when one of its objects is first referenced."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._models: dict[str, _Model] = {}
        self._parts: list[MeshPart] = []
        self._placed = 0

    def parts(self) -> list[MeshPart]:
        root = next((name for name in self._archive.names if name.lower().endswith(_ROOT.lower())), _ROOT)
        items = self._model(root).items
        if not items:  # the job builds nothing: read all objects
            items = [(None, number, np.eye(4)) for number in self._model(root).objects]
        for path, number, matrix in items:
            self._add(path or root, number, Y_FROM_Z_UP @ matrix, 0)
        return self._parts

    def _add(self, path: str, number: str, matrix: Any, depth: int) -> None:
        found = self._model(path).objects.get(number)
        if found is None or depth > _DEPTH:
            raise MediaError(Reason.DAMAGED, f"3mf: object {number} does not exist or is nested too deep")
        self._placed += 1  # objects without a mesh count too: they can refer to each other many times
        check_counts(self._placed, 1)
        if found.faces:
            vertices = np.array(found.vertices).reshape(-1, 3)
            self._parts.append(MeshPart(vertices, np.array(found.faces).reshape(-1, 3), matrix, colors=found.color))
            check_counts(len(self._parts), sum(len(part.vertices) for part in self._parts))
        for below, other, placed in found.components:
            self._add(below or path, other, matrix @ placed, depth + 1)

    def _model(self, path: str) -> "_Model":
        path = path.lstrip("/")
        if path not in self._models:
            data = self._archive.read(path)
            if data is None:
                raise MediaError(Reason.DAMAGED, f"3mf: it lacks its file {path}")
            self._models[path] = _Model(refuse_entities(data))
        return self._models[path]


class _Model:
    """One model file: its `objects` by number, and the `items` that it builds: (path, object number, matrix)."""

    def __init__(self, xml: bytes) -> None:
        self.objects: dict[str, _Object] = {}
        self.items: list[tuple[str | None, str, Any]] = []
        self._colors: dict[tuple[str, int], Any] = {}
        self._group, self._count = "", 0
        self._object = _Object()
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        try:
            parser.Parse(xml, True)
        except expat.ExpatError as error:
            raise MediaError(Reason.DAMAGED, f"3mf: its XML is broken in line {error.lineno}") from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        read = _READERS.get(tag.rpartition(":")[2])
        if read is not None:
            read(self, attributes)

    def _vertex(self, a: dict[str, str]) -> None:
        self._object.vertices += (float(a["x"]), float(a["y"]), float(a["z"]))
        if len(self._object.vertices) > 3 * MAX_VERTICES:
            check_counts(1, MAX_VERTICES + 1)

    def _triangle(self, a: dict[str, str]) -> None:
        self._object.faces += (int(a["v1"]), int(a["v2"]), int(a["v3"]))
        if len(self._object.faces) > 6 * MAX_VERTICES:
            check_counts(1, 1, 2 * MAX_VERTICES + 1)

    def _start_object(self, a: dict[str, str]) -> None:
        self._object = self.objects[a["id"]] = _Object()
        if "pid" in a:
            self._object.color = self._colors.get((a["pid"], int(a.get("pindex", 0))))

    def _component(self, a: dict[str, str]) -> None:
        self._object.components.append((_path(a), a["objectid"], _matrix(a)))

    def _item(self, a: dict[str, str]) -> None:
        self.items.append((_path(a), a["objectid"], _matrix(a)))

    def _color_group(self, a: dict[str, str]) -> None:
        self._group, self._count = a["id"], 0

    def _color(self, a: dict[str, str]) -> None:
        written = a.get("displaycolor", a.get("color", ""))[:9].lstrip("#")
        if len(written) in (6, 8):
            rgba = [*bytes.fromhex(written), 255][:4]
            self._colors[self._group, self._count] = np.array(rgba, np.float32) / 255
        self._count += 1


_READERS = {
    "vertex": _Model._vertex,
    "triangle": _Model._triangle,
    "object": _Model._start_object,
    "component": _Model._component,
    "item": _Model._item,
    "basematerials": _Model._color_group,
    "colorgroup": _Model._color_group,
    "base": _Model._color,
    "color": _Model._color,
}


def _path(attributes: dict[str, str]) -> str | None:
    """The model file of an object, an attribute of the production extension under any prefix."""
    return next((value for name, value in attributes.items() if name.rpartition(":")[2] == "path"), None)


def _matrix(attributes: dict[str, str]) -> Any:
    """The transform of an item: 12 numbers, rows of a matrix for row vectors."""
    matrix = np.eye(4)
    if "transform" in attributes:
        matrix[:3] = np.array(attributes["transform"].split(), np.float64).reshape(4, 3).T
    return matrix
