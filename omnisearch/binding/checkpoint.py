"""The folder of a bound model: model.json, model.safetensors, and a background sample for calibration.

model.json              ModelConfig
model.safetensors       projectors, routers and means (nothing of the frozen spaces); absent if there are none
background.safetensors  per modality (n, dim): unrelated items as the model embeds them; optional
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from omnisearch.binding import model_files
from omnisearch.binding.config import ModelConfig, parse_config
from omnisearch.binding.folder_names import BACKGROUND, CONFIG, TENSORS
from omnisearch.binding.fusion import Fusion
from omnisearch.errors import CheckpointError
from omnisearch.spaces.weights import tensors
from omnisearch.types import Floats, Modality


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The content of a model's folder. `digest` is a hash of all that its vectors depend on, so not of calibration.

    The tensors are memory-mapped, so processes share gigabytes of heads.
    """

    config: ModelConfig
    tensors: Mapping[str, torch.Tensor]
    background: Mapping[Modality, Floats]
    digest: str


def read(folder: Path) -> Checkpoint:
    """Read a model's folder.

    Raises:
        CheckpointError: a file is missing, damaged, or of an unknown format; names it.
    """
    try:
        config = parse_config((folder / CONFIG).read_bytes().decode("utf-8", "replace"), folder / CONFIG)
        digest = model_files.digest(folder, config)
        background = _tensors(folder / BACKGROUND) if (folder / BACKGROUND).exists() else {}
        trained = _tensors(folder / TENSORS) if config.has_tensors or (folder / TENSORS).exists() else {}
        if config.calibration == "samples":  # `sample_calibration` sets the means
            trained |= {f"means.{part}": torch.zeros(config.dim) for part in config.centred}
    except OSError as error:
        raise CheckpointError(f"{folder}: {error.strerror}: {error.filename}") from None
    samples = {Modality(name): rows.float().numpy() for name, rows in background.items()}
    return Checkpoint(config, trained, samples, digest)


def build(checkpoint: Checkpoint, dims: Mapping[str, int], folder: Path) -> Fusion:
    """Build the trainable half and load its tensors. Reads all of them once, to check that they are finite.

    Raises:
        CheckpointError: a tensor is missing, unknown, of another shape or not finite; names every such key.
    """
    with torch.device("meta"):
        fusion = Fusion(checkpoint.config, dims)
    wanted = fusion.state_dict()
    wrong = [f"missing {key}" for key in wanted if key not in checkpoint.tensors]
    wrong += [f"unknown {key}" for key in checkpoint.tensors if key not in wanted]
    wrong += [
        f"{key} is {tuple(checkpoint.tensors[key].shape)} instead of {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in checkpoint.tensors and checkpoint.tensors[key].shape != value.shape
    ]
    wrong += [f"{key} has numbers that are not finite" for key, rows in checkpoint.tensors.items() if not _finite(rows)]
    if wrong:
        raise CheckpointError(f"{folder / TENSORS}: {'; '.join(wrong)}")
    fusion.load_state_dict(dict(checkpoint.tensors), assign=True)
    return fusion.eval()


def write(folder: Path, fusion: Fusion, background: Mapping[Modality, Floats] | None = None) -> None:
    """Write a model's folder; `read` and then `build` restore the same maps."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(fusion.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    # Replaced, never overwritten: another process may have the file mapped.
    tensors.write(fusion.state_dict(), folder / TENSORS)
    if background:
        tensors.write({str(m): torch.from_numpy(rows).half() for m, rows in background.items()}, folder / BACKGROUND)


def _finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers are finite. `aminmax` keeps NaN, makes no copy, and is 25 times as fast as `isfinite`."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return all(bool(end.isfinite()) for end in torch.aminmax(tensor))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: not a safetensors file: {error}") from None
