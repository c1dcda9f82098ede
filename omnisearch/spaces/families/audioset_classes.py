"""A space of sounds without training: what an AudioSet classifier hears, in the words of its classes."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from omnisearch.spaces.class_words import ClassWords, likeliest
from omnisearch.spaces.families.yamnet import EMBEDDED, EVENTS
from omnisearch.spaces.weights import files

TEMPERATURE = 2.0  # every class has a probability of its own; at 1, those that are above all others ("Music") hide them
TOP = 100


class Event(ClassWords):
    """Sounds in the words of AudioSet's classes, as many of them as YAMNet knows."""

    names, classes = files.AUDIOSET_NAMES, EVENTS
    prompts = ("{}", "the sound of {}.", "a recording of {}.")
    summing = f"{TEMPERATURE} {TOP}"

    def shares(self, features: Tensor) -> Tensor:
        """Return the shares of the likeliest classes, from their mean probabilities."""
        return likeliest(features[:, EMBEDDED:].double().logit(1e-6).float(), TOP, TEMPERATURE)

    def read_names(self, path: Path) -> Sequence[str]:
        """Read the last column of a table."""
        with path.open(encoding="utf-8", newline="") as file:
            return [row["display_name"] for row in csv.DictReader(file)]
