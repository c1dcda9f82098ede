"""A space of photographs without training: what a classifier sees, said in the words of its classes.

Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings" (ConSE, ICLR 2014), eq. 2: an
image is the sum of its classes' text embeddings, weighted by their probabilities.
"""

import json
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from omnisearch.errors import WeightsError
from omnisearch.spaces import files, tensors
from omnisearch.spaces.declaration import digest
from omnisearch.spaces.efficientnet import CLASSIFIER
from omnisearch.spaces.towers import TOWERS, TowerReader, unit
from omnisearch.spaces.weights import resolve
from omnisearch.types import Floats, Modality

PROMPTS = ("a photo of a {}.", "a picture of a {}.", "{}")
TEMPERATURE = 2.0  # the classifier is surer of itself on drawings and renderings than it should be
TOP = 100  # classes that count; below them the softmax is noise


class Photo(TowerReader):
    """Images and views of objects as weighted sums of class names; text as the text tower gives it."""

    @property
    def fingerprint(self) -> str:
        """Names the towers, the class names and the way of summing."""
        towers = [TOWERS[name].fingerprint for name in self.spec.towers.values()]
        return digest(self.spec.name, *towers, str(files.IMAGENET_NAMES.sha256), *PROMPTS, f"{TEMPERATURE} {TOP}")

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, 384), float32 with unit rows.

        Raises:
            ModelMissingError: a weight file is not on this machine.
        """
        if modality is Modality.TEXT:
            return unit(features)
        weight, bias = self._classifier
        with torch.inference_mode():
            logits = torch.from_numpy(features) @ weight.T + bias  # (n, 1000)
            best = logits.topk(TOP, dim=1)
            shares = torch.softmax(best.values / TEMPERATURE, dim=1)
            sparse = torch.zeros_like(logits).scatter_(1, best.indices, shares)
            return unit((sparse @ self._meanings).numpy())

    @cached_property
    def _classifier(self) -> tuple[Tensor, Tensor]:
        weight, bias = tensors.read_some(resolve(files.EFFICIENTNET, self._settings), CLASSIFIER)
        return weight, bias

    @cached_property
    def _meanings(self) -> Tensor:
        """The text embeddings of the 1000 classes, (1000, 384); made once, and kept beside the weights."""
        path = self._settings.weights_dir / f"photo-classes-{self.fingerprint}.safetensors"
        if not path.is_file():
            tensors.write({"meanings": torch.from_numpy(self._embed_classes())}, path)
        return tensors.read_some(path, ("meanings",))[0]

    def _embed_classes(self) -> Floats:
        path = resolve(files.IMAGENET_NAMES, self._settings)
        names = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(names, list) or len(names) != 1000:
            raise WeightsError(f"{path} is not a list of 1000 class names")
        tower = self.tower(Modality.TEXT)
        sums = sum(unit(tower.features([prompt.format(name) for name in names])) for prompt in PROMPTS)
        return unit(np.asarray(sums))
