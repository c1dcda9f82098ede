"""The training loop. A killed run resumes from its checkpoint and gives the same result as an uninterrupted one."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from omnisearch.durable import written_aside
from omnisearch.errors import CheckpointError

EVERY = 100
Report = Callable[[int, int, float], None]


def fit(
    module: nn.Module,
    loss: Callable[[int], Tensor],
    steps: int,
    rate: float,
    identity: str,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> None:
    """Train a module in place with Adam and a cosine schedule from `rate` to 0.

    loss(step) may depend only on the module and the step number: use `draw(seed, step)` for random numbers. `identity`
    describes everything else that the result depends on. report(step, steps, loss) is called after every step.

    Raises:
        CheckpointError: the checkpoint is damaged or of another identity.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=rate)
    start = 0 if checkpoint is None or not checkpoint.exists() else _restore(checkpoint, module, optimiser, identity)
    for step in range(start, steps):
        optimiser.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        value = loss(step)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if checkpoint is not None and ((step + 1) % EVERY == 0 or step + 1 == steps):
            _save(checkpoint, module, optimiser, identity, step + 1)
        if report is not None:
            report(step + 1, steps, value.item())


def draw(seed: int, *place: int) -> np.random.Generator:
    """Return a generator for one position (epoch, step ...) of a run, independent of earlier draws."""
    return np.random.default_rng([seed, *place])


def batch_of(rows: int, batch: int, step: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Choose the rows of a step: every epoch shuffles all rows, and its incomplete last batch is left out."""
    size = min(batch, rows)
    epoch, place = divmod(step, rows // size)
    return draw(seed, 0, epoch).permutation(rows)[place * size : (place + 1) * size]


def _save(path: Path, module: nn.Module, optimiser: torch.optim.Adam, identity: str, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"module.{name}": value.contiguous() for name, value in module.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{name}": value.contiguous() for name, value in state.items()}
    with written_aside(path) as aside:
        save_file(tensors, aside, {"identity": identity, "step": str(step)})


def _restore(path: Path, module: nn.Module, optimiser: torch.optim.Adam, identity: str) -> int:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot resume from {path}: {error}; delete it to train again") from None
    if metadata.get("identity") != identity:
        raise CheckpointError(f"{path} belongs to another recipe, seed or data; delete it to train again")
    module.load_state_dict({name[7:]: value for name, value in tensors.items() if name.startswith("module.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, i, key = name.split(".")
            state.setdefault(int(i), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return int(metadata["step"])
