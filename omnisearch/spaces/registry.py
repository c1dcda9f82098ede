"""The spaces that are declared: adding one is adding it here, and a file if it is of a new family."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Protocol

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces import files
from omnisearch.spaces.base import Space, SpaceSpec
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights import WeightSpec
from omnisearch.types import Modality


@dataclass(frozen=True)
class _Family:
    """The class of a space, `module:Class`, and the files it reads besides its towers'."""

    target: str
    extra: tuple[WeightSpec, ...] = ()


def _space(
    name: str, dim: int, towers: Mapping[Modality, str], tags: set[str], licence: str, family: _Family, summary: str
) -> tuple[SpaceSpec, _Family]:
    weights = {}
    for modality, tower in towers.items():
        own = family.extra if modality is not Modality.TEXT else ()
        weights[modality] = tuple(spec.name for spec in (*TOWERS[tower].weights, *own))
    return SpaceSpec(name, dim, towers, frozenset(tags), licence, weights, summary), family


def _specialist(
    name: str,
    towers: Mapping[Modality, str],
    tag: str,
    licence: str,
    summary: str,
    target: str = "omnisearch.spaces.specialist:Specialist",
) -> tuple[SpaceSpec, _Family]:
    family = _Family(target, (files.head(name),))
    return _space(name, 384, {Modality.TEXT: "minilm", **towers}, {tag}, licence, family, summary)


# The towers that look at pictures: an object is looked at from all around.
_SEEN = {Modality.IMAGE: "efficientnet", Modality.POINT_CLOUD: "views"}

_DECLARED = (
    _space(
        "photo",
        384,
        {Modality.TEXT: "minilm", **_SEEN},
        {"vision"},
        "Apache-2.0",
        # The table of class names is embedded by the text tower.
        _Family("omnisearch.spaces.photo:Photo", (files.IMAGENET_NAMES, files.MINILM, files.MINILM_TOKENIZER)),
        "what an ImageNet classifier sees, in the words of its classes",
    ),
    _specialist("drawing", _SEEN, "vision", "Apache-2.0", "captioned drawings, and objects as pictures"),
    _specialist("sound", {Modality.AUDIO: "aisfx"}, "audio", "CC-BY-4.0", "named sounds"),
    _specialist("timbre", {Modality.AUDIO: "musicnn"}, "audio", "ISC", "named sounds, heard by a network of music"),
    _specialist("object", {Modality.POINT_CLOUD: "views"}, "shape", "Apache-2.0", "named 3D objects"),
    _specialist(
        "shape",
        {Modality.POINT_CLOUD: "points"},
        "shape",
        "Apache-2.0",
        "3D objects by their points alone",
        "omnisearch.spaces.shape:Shape",
    ),
    _space(
        "hashed",
        256,
        {m: f"hashed_{m}" for m in (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD)},
        {"audio", "vision", "shape"},
        "Apache-2.0",
        _Family("omnisearch.spaces.hashed:Hashed"),
        "plain properties as hashed words, without weights: for tests and trying out",
    ),
)
SPACES: Mapping[str, SpaceSpec] = {spec.name: spec for spec, _ in _DECLARED}
_FAMILIES: Mapping[str, _Family] = {spec.name: family for spec, family in _DECLARED}
FILES: Mapping[str, WeightSpec] = {
    spec.name: spec
    for spec in (
        *(weights for tower in TOWERS.values() for weights in tower.weights),
        *(weights for family in _FAMILIES.values() for weights in family.extra),
    )
}


class _Maker(Protocol):
    def __call__(self, spec: SpaceSpec, settings: Settings) -> Space: ...


def load_space(name: str, settings: Settings) -> Space:
    """Return a declared space. No weights are read until a tower or a projection is asked for.

    Raises:
        UsageError: no space has that name; suggests the nearest.
    """
    if name not in SPACES:
        raise UsageError(f"no space is called {name!r}{suggest(name, SPACES)} (there are {', '.join(SPACES)})")
    module, _, member = _FAMILIES[name].target.partition(":")
    make: _Maker = getattr(import_module(module), member)
    return make(SPACES[name], settings)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a did-you-mean for a name that is not known, or nothing."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def readers(file: str) -> tuple[str, ...]:
    """Return the spaces that read a weight file."""
    return tuple(name for name in SPACES if file in {spec.name for spec in files_of((name,))})


def files_of(names: tuple[str, ...]) -> tuple[WeightSpec, ...]:
    """Return the weight files that these spaces read, each once."""
    wanted = {weights: None for name in names for group in SPACES[name].weights.values() for weights in group}
    return tuple(FILES[weights] for weights in wanted)
