"""The folder of a bound model: model.json, model.safetensors, and a background sample for calibration.

model.json              ModelConfig
model.safetensors       projectors, routers and means (nothing of the frozen spaces)
background.safetensors  per modality (n, dim): unrelated items as the model embeds them; optional
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from blake3 import blake3
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from omnisearch.binding.config import ModelConfig, parse_config
from omnisearch.binding.fusion import Fusion
from omnisearch.errors import CheckpointError, ModelMissingError
from omnisearch.types import Floats, Modality

CONFIG, TENSORS, BACKGROUND = "model.json", "model.safetensors", "background.safetensors"
SHIPPED = Path(__file__).parent.parent / "models"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a model's folder holds; `digest` names its content."""

    config: ModelConfig
    tensors: Mapping[str, torch.Tensor]
    background: Mapping[Modality, Floats]
    digest: str


def find(name: str) -> Path:
    """Return the folder of a shipped model by name, or of any model by path.

    Raises:
        ModelMissingError: neither; lists what ships.
    """
    for folder in (SHIPPED / name, Path(name)):
        if (folder / CONFIG).is_file():
            return folder
    shipped = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    raise ModelMissingError(
        f"no model {name!r}: neither a shipped model ({', '.join(shipped) or 'none'}) nor a folder with {CONFIG}"
    )


def read(folder: Path) -> Checkpoint:
    """Read a model's folder.

    Raises:
        CheckpointError: a file is missing, damaged, or has a meaning we do not know; names it.
    """
    try:
        config_bytes = (folder / CONFIG).read_bytes()
        tensor_bytes = (folder / TENSORS).read_bytes()
        extra = folder / BACKGROUND
        background_bytes = extra.read_bytes() if extra.exists() else None
    except OSError as error:
        raise CheckpointError(f"{folder}: {error.strerror}: {error.filename}") from None
    config = parse_config(config_bytes.decode("utf-8", "replace"), folder / CONFIG)
    background = {} if background_bytes is None else _tensors(background_bytes, folder / BACKGROUND)
    return Checkpoint(
        config,
        _tensors(tensor_bytes, folder / TENSORS),
        {Modality(name): rows.float().numpy() for name, rows in background.items()},
        blake3(config_bytes + tensor_bytes).hexdigest(),
    )


def build(checkpoint: Checkpoint, dims: Mapping[str, int], origin: Path) -> Fusion:
    """Make the trainable half and fill it.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape; names every such key.
    """
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
    fusion.load_state_dict(dict(checkpoint.tensors))
    return fusion.eval()


def write(folder: Path, fusion: Fusion, background: Mapping[Modality, Floats] | None = None) -> None:
    """Write a model's folder; `read` then `build` give the same maps back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(fusion.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    save_file({key: value.contiguous() for key, value in fusion.state_dict().items()}, folder / TENSORS)
    if background:
        save_file({str(m): torch.from_numpy(rows).half() for m, rows in background.items()}, folder / BACKGROUND)


def _tensors(data: bytes, origin: Path) -> dict[str, torch.Tensor]:
    try:
        return load_tensors(data)
    except SafetensorError as error:
        raise CheckpointError(f"{origin}: not a safetensors file: {error}") from None
