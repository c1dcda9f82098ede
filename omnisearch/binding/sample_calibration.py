"""Sample calibration: means, background and relevance of a model without training, from the samples that ship.

It is computed once on each machine and stored beside the weights. The name of its file contains the fingerprint of
the weights and the version of the samples, not a hash of its numbers: these differ in their last digits between
devices.
"""

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open

from omnisearch.binding.config import ModelConfig, RelevanceConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.spaces.weights import tensors
from omnisearch.types import Floats, Modality

_MEAN, _BACKGROUND = "mean.", "background."
_Lines: TypeAlias = dict[Modality, RelevanceConfig]
_LINES: TypeAdapter[tuple[_Lines, dict[Modality, _Lines]]] = TypeAdapter(tuple[_Lines, dict[Modality, _Lines]])


@dataclass(frozen=True, eq=False)
class SampleCalibration:
    """What `ModelConfig.calibration` = "samples" stands for: means (dim,), background (n, dim), and relevance."""

    means: Mapping[Modality, Floats]
    background: Mapping[Modality, Floats]
    relevance: Mapping[Modality, RelevanceConfig]
    relevance_by_query: Mapping[Modality, Mapping[Modality, RelevanceConfig]]

    def apply(self, fusion: Fusion) -> None:
        """Set the means and the relevance of a fusion, in place."""
        for part, mean in self.means.items():
            fusion.means[part].copy_(torch.from_numpy(mean))
        fitted = {"relevance": dict(self.relevance), "relevance_by_query": dict(self.relevance_by_query)}
        fusion.config = fusion.config.model_copy(update=fitted)


def find_or_make(
    config: ModelConfig, parts: Sequence[Modality], key: str, settings: Settings, make: Callable[[], SampleCalibration]
) -> SampleCalibration:
    """Return the stored calibration of the `parts` of a model, whose fingerprint is `key`, or make and store it.

    If several processes need it at the same time, one makes it. A damaged file is replaced. If the folder cannot be
    written, a warning says so, and the calibration is used without being stored.
    """
    path = settings.weights_dir / "calibration" / f"{config.name}-{key[:16]}.safetensors"
    found = _read(path, config, parts)
    if found is not None:
        return found
    with _held(path.with_suffix(".lock")):
        found = _read(path, config, parts) or make()  # another process may have made it meanwhile
        try:
            _write(path, found)
        except (OSError, SafetensorError) as error:
            logging.getLogger(__name__).warning(
                "the calibration of %s cannot be stored in %s (%s), so it is computed again by every process: make the "
                "folder writable, free space on its disk, or set weights_dir to another folder",
                config.name,
                path.parent,
                error,
            )
    return found


def _read(path: Path, config: ModelConfig, parts: Sequence[Modality]) -> SampleCalibration | None:
    """Read a stored calibration; None if there is none, or if it is damaged or does not fit the model."""
    try:
        with safe_open(path, framework="np") as file:
            rows = {key: file.get_tensor(key).astype(np.float32) for key in file.keys()}  # noqa: SIM118 - not a dict
            lines = _LINES.validate_json((file.metadata() or {}).get("relevance", ""))
        kinds = {
            kind: {Modality(key[len(kind) :]): each for key, each in rows.items() if key.startswith(kind)}
            for kind in (_MEAN, _BACKGROUND)
        }
    except (OSError, SafetensorError, TypeError, ValueError):
        return None
    found = SampleCalibration(kinds[_MEAN], kinds[_BACKGROUND], *lines)
    return found if _fits(found, config, parts) else None


def _fits(calibration: SampleCalibration, config: ModelConfig, parts: Sequence[Modality]) -> bool:
    shapes = {mean.shape for mean in calibration.means.values()} | {
        rows.shape[1:] for rows in calibration.background.values()
    }
    finite = all(np.isfinite(each).all() for each in (*calibration.means.values(), *calibration.background.values()))
    centred = set(config.centred)
    return centred & set(parts) <= set(calibration.means) <= centred and shapes <= {(config.dim,)} and finite


def _write(path: Path, calibration: SampleCalibration) -> None:
    rows = {f"{_MEAN}{part}": torch.from_numpy(mean) for part, mean in calibration.means.items()}
    rows |= {f"{_BACKGROUND}{m}": torch.from_numpy(each).half() for m, each in calibration.background.items()}
    lines = _LINES.dump_json(
        (dict(calibration.relevance), {m: dict(each) for m, each in calibration.relevance_by_query.items()})
    )
    tensors.write(rows, path, {"relevance": lines.decode()})


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock file, which other processes wait for, if it can be written."""
    with ExitStack() as stack:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(path.open("w")), fcntl.LOCK_EX)
        yield
