"""A tower made of two functions: one maps contents to network inputs, the other maps inputs to rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.spaces.device import choose, dtype
from omnisearch.spaces.nn.int8 import quantize
from omnisearch.spaces.weights import tensors
from omnisearch.spaces.weights.spec import WeightSpec, resolve
from omnisearch.types import Content, Floats

Prepare: TypeAlias = Callable[[Sequence[Content]], tuple[Tensor, ...]]


class Pipeline:
    """Embeds contents: float32 (n, width), not normalised.

    `prepare` maps contents to inputs, one row each; `run` applies the network, which already has its weights and is
    moved to the settings' device here. Floating-point inputs are converted to the network's type.
    """

    def __init__(
        self,
        name: str,
        width: int,
        fingerprint: str,
        settings: Settings,
        network: nn.Module,
        prepare: Prepare,
        run: Callable[..., Tensor],
        batch: int,
    ) -> None:
        self.name, self.width, self.fingerprint = name, width, fingerprint
        self._device, self._dtype = choose(settings), dtype(settings)
        if settings.precision == "int8":
            quantize(network)
        self.network = network.eval().to(self._device)
        self._prepare, self._run, self._batch = prepare, run, batch

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width); row i depends on content i alone."""
        result = np.zeros((len(contents), self.width), np.float32)
        for start in range(0, len(contents), self._batch):
            inputs = self._prepare(contents[start : start + self._batch])
            result[start : start + self._batch] = self._rows(inputs).float().cpu().numpy()
        return result

    @torch.inference_mode()
    def _rows(self, inputs: tuple[Tensor, ...]) -> Tensor:
        placed = (each.to(self._device, self._dtype if each.is_floating_point() else None) for each in inputs)
        return self._run(self.network, *placed)


@dataclass(frozen=True)
class Loader:
    """Builds a tower from its file; `TowerSpec.target` names an instance of it.

    `build` returns the network without weights; `prepare` returns, for given settings, the function that makes inputs.
    """

    name: str
    width: int
    weights: WeightSpec
    build: Callable[[], nn.Module]
    name_in_file: Callable[[str], str | tensors.TensorPart | None]
    prepare: Callable[[Settings], Prepare]
    run: Callable[..., Tensor]
    batch: int
    constants: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)

    def load(self, settings: Settings, fingerprint: str) -> Pipeline:
        """Read this tower from this machine; other contents of its file are not read.

        Raises:
            ModelMissingError: a file is not here.
            WeightsError: a file does not fit; names every tensor that is missing or of another shape.
            NotReadyError: a package that runs the network is not installed.
        """
        path = resolve(self.weights, settings)
        prepare = self.prepare(settings)
        with torch.device("meta"):
            network = self.build()
        tensors.adopt(network, path, self.name_in_file, dtype(settings), self.constants)
        return Pipeline(self.name, self.width, fingerprint, settings, network, prepare, self.run, self.batch)
