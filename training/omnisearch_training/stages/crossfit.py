"""Cross-fitting: out-of-fold networks of a specialist, because its outputs on its own training items are too good.

Stacked generalisation (Wolpert 1992), cross-fitting (Chernozhukov et al. 2018): a model that is
trained on the outputs of a trained space needs them as they are on new items. So one network is trained without each
fold of the concepts, and projects the items of that fold.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from omnisearch.durable import written_aside
from omnisearch.spaces.base import Space
from omnisearch.spaces.trained_space import Specialist
from omnisearch.spaces.weights import weight_files
from omnisearch.spaces.weights.spec import sha256_of
from omnisearch.types import Floats, Modality

# A fold without concepts: training without it is training on everything.
NONE = -1


def fold_of(concept: str, folds: int) -> int:
    """Return the fold of a concept, the same in every dataset and for every specialist; splits do not use it."""
    return int.from_bytes(hashlib.sha256(f"fold of {concept}".encode()).digest()[:8], "big") % folds


@dataclass(frozen=True, eq=False)
class Lessons:
    """The training data of a specialist: features (n, width), the caption embeddings and the concept of each item.

    `teacher` (n, dim) are another space's embeddings of the items, for a specialist that imitates it.
    """

    features: Floats
    captions: Sequence[Floats]
    concepts: Sequence[str]
    teacher: Floats | None = None

    def of(self, kept: NDArray[np.bool_]) -> "Lessons":
        """Return the data of some items."""
        rows = np.flatnonzero(kept).tolist()
        teacher = None if self.teacher is None else self.teacher[rows]
        return Lessons(self.features[rows], [self.captions[i] for i in rows], [self.concepts[i] for i in rows], teacher)

    def digest(self) -> str:
        """Return a hash of the content."""
        found = blake3(repr((tuple(self.concepts), [len(rows) for rows in self.captions])).encode())
        for rows in (self.features, *self.captions, *(() if self.teacher is None else (self.teacher,))):
            found.update(np.ascontiguousarray(rows).tobytes())
        return found.hexdigest()


@dataclass(frozen=True, eq=False)
class CrossFit:
    """A space, and for each fold of the concepts the same space trained without it; no folds for untrained spaces."""

    space: Space
    folds: tuple[Space, ...] = ()

    def without(self, fold: int) -> Space:
        """Return the space that never saw the concepts of a fold."""
        return self.space if fold == NONE or not self.folds else self.folds[fold]

    def project(self, modality: Modality, features: Floats, concepts: Sequence[str]) -> Floats:
        """Map features (n, width) to embeddings (n, dim), each by the space that never saw its concept."""
        if not self.folds:
            return self.space.project(modality, features)
        held = folds_of(concepts, len(self.folds))
        rows = np.empty((len(features), self.space.spec.dim), np.float32)
        for fold in np.unique(held):
            rows[held == fold] = self.folds[fold].project(modality, features[held == fold])
        return rows


def cross_fit(
    space: Specialist,
    lessons: Callable[[int], Lessons],
    train: Callable[[Lessons, Path], None],
    folds: int,
    folder: Path,
    identity: str,
) -> CrossFit:
    """Train a specialist on everything and once without each fold, or read earlier networks from `folder`.

    lessons(fold) returns the data of all items for the network without this fold. train(lessons, path) writes a
    network; `identity` describes everything else that it depends on.
    """
    spaces = []
    for fold in (NONE, *range(folds)):
        given = lessons(fold)
        seen = given.of(folds_of(given.concepts, folds) != fold) if fold != NONE else given
        name = blake3(f"{identity} {seen.digest()}".encode()).hexdigest()[:16]
        path = folder / f"{space.spec.name}-{name}.safetensors"
        if not path.exists():
            train(seen, path)
        spaces.append(space.at(path))
    return CrossFit(spaces[0], tuple(spaces[1:]))


def ship(space: Space) -> None:
    """Copy a specialist's network into the installation, unless an equal file is there."""
    assert isinstance(space, Specialist)
    place = weight_files.head(space.spec.name).packaged
    assert place is not None
    if not place.is_file() or sha256_of(place) != sha256_of(space.path):
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(place) as aside:
            shutil.copyfile(space.path, aside)


def folds_of(concepts: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Return the fold of each concept: (n,)."""
    return np.array([fold_of(concept, folds) for concept in concepts], np.int64)
