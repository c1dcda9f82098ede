"""A space of photographs without training: the ImageNet classes of an image, as text embeddings of their names."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from torch import Tensor

from omnisearch.spaces.class_words import ClassWords, likeliest
from omnisearch.spaces.families.efficientnet import CLASSIFIER
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve

TEMPERATURE = 2.0  # the classifier is overconfident on drawings and renderings
TOP = 100  # number of classes used; the softmax of the others is noise


class Photo(ClassWords):
    """Embeds images and views of objects by ImageNet's 1000 classes."""

    names, classes = weight_files.IMAGENET_NAMES, 1000
    prompts = ("a photo of a {}.", "a picture of a {}.", "{}")
    summing = f"{TEMPERATURE} {TOP}"

    def shares(self, features: Tensor) -> Tensor:
        """Return the probabilities of the likeliest classes."""
        weight, bias = self._classifier
        return likeliest(features @ weight.T + bias, TOP, TEMPERATURE)

    def read_names(self, path: Path) -> Sequence[str]:
        """Read a JSON list."""
        names = json.loads(path.read_text(encoding="utf-8"))
        return names if isinstance(names, list) else []

    @cached_property
    def _classifier(self) -> tuple[Tensor, Tensor]:
        weight, bias = tensors.read_some(resolve(weight_files.EFFICIENTNET, self._settings), CLASSIFIER)
        return weight, bias
