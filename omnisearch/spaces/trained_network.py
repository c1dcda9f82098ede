"""The base of the networks of trained spaces: saving and loading their file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from safetensors import safe_open
from torch import nn

from omnisearch.errors import WeightsError
from omnisearch.spaces.text_side import TextSide
from omnisearch.spaces.weights import tensors


class Network(nn.Module):
    """Maps rows of a tower to embeddings: (n, width) -> (n, dim), unit rows; `text` is the space's text side, if any.

    A subclass has a `format`, and its `shape` holds the constructor's arguments.
    """

    format: ClassVar[str]
    width: int
    dim: int

    def __init__(self) -> None:
        super().__init__()
        self.text: TextSide | None = None

    @property
    def shape(self) -> Mapping[str, Any]:
        """The constructor's arguments, as JSON values."""
        raise NotImplementedError

    def save(self, path: Path, notes: Mapping[str, str] | None = None) -> None:
        """Write one safetensors file; `notes` (its training data) are stored in it. Equal networks give equal files."""
        about = {"format": self.format, "shape": self.shape, "notes": notes or {}}
        # One entry, sorted: safetensors writes several in any order.
        tensors.write(self.state_dict(), path, {"network": json.dumps(about, sort_keys=True)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a network that `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is not a network of this kind.
        """
        state = tensors.read(path)
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("network", "{}"))
        if about.get("format") != cls.format:
            raise WeightsError(f"{path} is of format {about.get('format')!r}, not {cls.format!r}")
        network = cls(**about["shape"])
        tensors.fill(network, state, path)
        return network.eval()
