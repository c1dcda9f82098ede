"""3D files: one module per library, each with `load(source, kind, notes)`. `load` here finds the module of a kind."""

from importlib import import_module

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.surface import Samples, Triangles

# The library that reads a kind -> the module here that calls it.
_MODULES = {
    "numpy": "arrays",
    "trimesh": "mesh",
    "assimp": "assimp",
    "expat": "threemf",
    "ezdxf": "dxf",
    "laspy": "las",
    "cascadio": "step",
    "usd-core": "usd",
}
_OPTIONAL = {"cascadio", "usd-core"}  # large packages, of the extra `formats`


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read a 3D file: coloured triangles, or bare points if it has no faces. y is up where the format defines it.

    Coordinates are centred and scaled in float64 before they become float32. `notes` receives a note per omitted part.

    Raises:
        MediaError: unsupported_format if the library that reads the kind is not installed, or as it is read.
    """
    try:
        module = import_module(f"{__name__}.{_MODULES[kind.reader]}")
    except ModuleNotFoundError as error:
        if kind.reader not in _OPTIONAL:
            raise
        hint = f"{kind.format} needs {kind.reader}: pip install 'omnisearch[formats]'"
        raise MediaError(Reason.UNSUPPORTED_FORMAT, hint) from error
    loaded: list[Triangles] | Samples = module.load(source, kind, notes)
    return loaded
