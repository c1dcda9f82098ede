"""The folder of a bound model: model.json, model.safetensors, and a background sample for calibration.

model.json              ModelConfig
model.safetensors       projectors, routers and means (nothing of the frozen spaces); absent if there are none
background.safetensors  per modality (n, dim): unrelated items as the model embeds them; optional
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from blake3 import blake3
from safetensors import SafetensorError
from safetensors.torch import load_file

from omnisearch.binding.config import ModelConfig, parse_config
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model_files import BACKGROUND, CONFIG, TENSORS
from omnisearch.errors import CheckpointError
from omnisearch.spaces.weights import tensors
from omnisearch.types import Floats, Modality

JUDGING = {"relevance", "relevance_by_query"}  # refitting them does not change the vectors of an index


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The content of a model's folder. `digest` is a hash of all that its vectors depend on, so not of calibration.

    The tensors are memory-mapped, so gigabytes of heads are read only when they are used.
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
        shaping = config.model_dump_json(exclude=JUDGING, exclude_defaults=True)
        digest = blake3(shaping.encode())
        if has_file := config.has_tensors or (folder / TENSORS).exists():
            (folder / TENSORS).stat()  # raises an error that names the file, as blake3's does not
            digest.update_mmap(folder / TENSORS)
        background = _tensors(folder / BACKGROUND) if (folder / BACKGROUND).exists() else {}
        trained = _tensors(folder / TENSORS) if has_file else {}
        if config.calibration == "samples":  # `sample_calibration` sets the means
            trained |= {f"means.{part}": torch.zeros(config.dim) for part in config.centred}
    except OSError as error:
        raise CheckpointError(f"{folder}: {error.strerror}: {error.filename}") from None
    samples = {Modality(name): rows.float().numpy() for name, rows in background.items()}
    return Checkpoint(config, trained, samples, digest.hexdigest())


def build(checkpoint: Checkpoint, dims: Mapping[str, int], origin: Path) -> Fusion:
    """Build the trainable half and load its tensors.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape; names every such key.
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
    if wrong:
        raise CheckpointError(f"{origin / TENSORS}: {'; '.join(wrong)}")
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


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: not a safetensors file: {error}") from None
