"""Names of collections in the engine, by bound model, and of the alias that names the one in use.

    omni[-<collection>]__<model>__<dim>__<fingerprint, 12 characters>[__v<version>]
    omnisearch[-<collection>]

The name contains everything that a reader checks before it searches, so no second record can disagree with it. The name
of the default collection is left out.
"""

import re
from dataclasses import dataclass, replace

from omnisearch.config import DEFAULT_COLLECTION
from omnisearch.errors import FingerprintError

ALIAS = "omnisearch"
PREFIX = "omni"
DIGITS = 12


@dataclass(frozen=True)
class CollectionName:
    """The name of a collection and its model. `fingerprint` is cut to 12 characters; `version` counts rebuilds."""

    model: str
    dim: int
    fingerprint: str
    version: int = 1
    collection: str = DEFAULT_COLLECTION

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", _plain(self.model)[:64] or "model")
        object.__setattr__(self, "fingerprint", _plain(self.fingerprint)[:DIGITS])

    def __str__(self) -> str:
        name = f"{_of(PREFIX, self.collection)}__{self.model}__{self.dim}__{self.fingerprint}"
        return name if self.version == 1 else f"{name}__v{self.version}"

    @classmethod
    def parse(cls, name: str) -> "CollectionName | None":
        """Parse a name that `str` wrote. Returns None for other names."""
        found = re.fullmatch(rf"{PREFIX}(?:-(.+?))?__([^_]+)__([0-9]+)__([^_]+)(?:__v([0-9]+))?", name)
        if found is None:
            return None
        collection, model, dim, fingerprint, version = found.groups()
        parsed = cls(model, int(dim), fingerprint, int(version or 1), collection or DEFAULT_COLLECTION)
        return parsed if str(parsed) == name else None

    def fits(self, dim: int, fingerprint: str) -> bool:
        """Return whether vectors of this dimension and model belong here. A renamed model does."""
        return (self.dim, self.fingerprint) == (dim, _plain(fingerprint)[:DIGITS])

    def require(self, wanted: "CollectionName") -> None:
        """Check that the vectors of a model belong here.

        Raises:
            FingerprintError: they do not; the message names both models and the way out.
        """
        if self.model == wanted.model and self.dim != wanted.dim:
            raise FingerprintError(
                f"the index was made with dim {self.dim}, not {wanted.dim}: set dim = {self.dim} again, or change its "
                f"width with `omnisearch rebind`, which reads no files"
            )
        if self.fits(wanted.dim, wanted.fingerprint):
            return
        if self.model == wanted.model:  # also where omnisearch was upgraded: the earlier version is not here any more
            raise FingerprintError(
                f"the index was made by another version of model {self.model!r} (fingerprint {self.fingerprint}, not "
                f"{wanted.fingerprint}): bring it up to date with `omnisearch rebind --read`, which reads only files "
                f"that lack an embedding, or index again with another --data-dir"
            )
        raise FingerprintError(
            f"the index was made by model {self.model!r} (fingerprint {self.fingerprint}, {self.dim} dimensions), "
            f"not by {wanted.model!r} (fingerprint {wanted.fingerprint}, {wanted.dim} dimensions): choose that "
            f"model again with --model, apply this one with `omnisearch rebind`, or index again with another "
            f"--data-dir"
        )

    def next(self) -> "CollectionName":
        """Return the name of the next rebuild."""
        return replace(self, version=self.version + 1)


def alias_of(collection: str) -> str:
    """Return the alias of a user's collection."""
    return _of(ALIAS, collection)


def _of(name: str, collection: str) -> str:
    return name if collection == DEFAULT_COLLECTION else f"{name}-{collection}"


def _plain(text: str) -> str:
    """Keep the characters that are safe in folder names and URLs, without the underscore, which is the separator."""
    return re.sub(r"[^0-9A-Za-z.-]+", "-", text).strip("-.")
