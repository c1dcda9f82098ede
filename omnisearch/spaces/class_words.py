"""A space without training: the classes that a classifier recognises, as text embeddings of their names.

Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings" (ConSE, ICLR 2014), eq. 2: an
input is the sum of its classes' text embeddings, weighted by their probabilities.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from omnisearch.errors import WeightsError
from omnisearch.spaces.declaration import digest
from omnisearch.spaces.towers import TOWERS, TowerReader, unit
from omnisearch.spaces.weights import tensors
from omnisearch.spaces.weights.spec import WeightSpec, resolve
from omnisearch.types import Floats, Modality


class ClassWords(TowerReader):
    """Embeds an input as the weighted sum of the embeddings of class names; a text as its own text embedding.

    A family defines the file of class names (`names`, `classes` of them), the sentences in which they are embedded
    (`prompts`), the weights of the classes (`shares`), and the parameters of these weights (`summing`).
    """

    names: ClassVar[WeightSpec]
    classes: ClassVar[int]
    prompts: ClassVar[tuple[str, ...]]
    summing: ClassVar[str]

    def shares(self, features: Tensor) -> Tensor:
        """Return the weight of each class for each input: (n, width) -> (n, classes), of any scale."""
        raise NotImplementedError

    def read_names(self, path: Path) -> Sequence[str]:
        """Read the class names from a file."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """A string that identifies the towers, the class names and the weighting."""
        towers = [TOWERS[name].fingerprint for name in self.spec.towers.values()]
        return digest(self.spec.name, *towers, str(self.names.sha256), *self.prompts, self.summing)

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, dim), float32 with unit rows.

        Raises:
            ModelMissingError: a weight file is not on this machine.
        """
        if modality is Modality.TEXT:
            return unit(features)
        with torch.inference_mode():
            return unit((self.shares(torch.from_numpy(features)) @ self._meanings).numpy())

    @cached_property
    def _meanings(self) -> Tensor:
        """The text embeddings of the classes, (classes, dim); computed once, and stored beside the weights."""
        path = self._settings.weights_dir / f"{self.spec.name}-classes-{self.fingerprint}.safetensors"
        if not path.is_file():
            tensors.write({"meanings": torch.from_numpy(self._embed_classes())}, path)
        return tensors.read_some(path, ("meanings",))[0]

    def _embed_classes(self) -> Floats:
        path = resolve(self.names, self._settings)
        names = self.read_names(path)
        if len(names) != self.classes:
            raise WeightsError(f"{path} is not a list of {self.classes} class names")
        tower = self.tower(Modality.TEXT)
        sums = sum(unit(tower.features([prompt.format(name) for name in names])) for prompt in self.prompts)
        return unit(np.asarray(sums))


def likeliest(logits: Tensor, top: int, temperature: float) -> Tensor:
    """Return the softmax over the `top` likeliest classes, and zero for the others: (n, classes)."""
    best = logits.topk(top, dim=1)
    shares = torch.softmax(best.values / temperature, dim=1)
    return torch.zeros_like(logits).scatter_(1, best.indices, shares)
