"""A space of sounds without training: the AudioSet classes of a sound, as text embeddings of their names."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from omnisearch.spaces.class_words import ClassWords, likeliest
from omnisearch.spaces.families.yamnet import EMBEDDED, EVENTS
from omnisearch.spaces.weights import weight_files

TEMPERATURE = 2.0  # probabilities are independent per class; at 1, the most common classes ("Music") hide the others
TOP = 100


class Event(ClassWords):
    """Embeds sounds by the AudioSet classes that YAMNet knows."""

    names, classes = weight_files.AUDIOSET_NAMES, EVENTS
    prompts = ("{}", "the sound of {}.", "a recording of {}.")
    summing = f"{TEMPERATURE} {TOP}"

    def shares(self, features: Tensor) -> Tensor:
        """Return the weights of the likeliest classes, from their mean probabilities."""
        return likeliest(features[:, EMBEDDED:].double().logit(1e-6).float(), TOP, TEMPERATURE)

    def read_names(self, path: Path) -> Sequence[str]:
        """Read the last column of a table."""
        with path.open(encoding="utf-8", newline="") as file:
            return [row["display_name"] for row in csv.DictReader(file)]
