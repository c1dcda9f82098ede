"""OmniBind: frozen spaces, and the fusion that binds them into one. NumPy in, NumPy out."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray

from omnisearch.binding import checkpoint, cut_rows, installed
from omnisearch.binding.config import FixedConfig, ModelConfig, RelevanceConfig, space_widths
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.sample_calibration import SampleCalibration, find_or_make
from omnisearch.binding.space_run import SpaceRun
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.samples import VERSION
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import FILES, load_space
from omnisearch.spaces.towers import unit
from omnisearch.spaces.weights import licences
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats, Modality, Role, SpaceEmbeddings

# The name of the share of an embedding that belongs to no space: the subtracted mean of its modality.
CENTRING = "centring"

SpaceLoader = Callable[[str, Settings], Space]


class OmniBind:
    """A bound model. The towers of a modality are loaded when it is first used.

    `encode` is `bind` after `encode_spaces`. The two are separate because their costs differ by orders of
    magnitude: the embeddings of the frozen spaces can be stored, and a newly trained fusion applied to them.

    `share` is the sum of combining factors for which `encode` runs towers; 1 is exact. See
    `omnisearch.binding.tower_skipping`. `dim` is the width of its vectors: the first numbers of an embedding, scaled to
    unit length. Centring and the spaces keep the full width. The parts of a video are cut before they are added, so
    each keeps its weight.
    """

    def __init__(
        self,
        fusion: Fusion,
        spaces: Mapping[str, Space],
        fingerprint: str,
        background: Mapping[Modality, Floats],
        share: float = 1.0,
        dim: int | None = None,
    ) -> None:
        self.spaces, self.fingerprint = dict(spaces), fingerprint
        self.dim = dim or fusion.config.dim
        cut = self.dim < fusion.config.dim
        self.background = {modality: self._cut(rows) if cut else rows for modality, rows in background.items()}
        self.share = share
        self._fusion = fusion.fold()
        self._run = SpaceRun(self._fusion, self.spaces)

    @classmethod
    def load(cls, name: str, settings: Settings, load: SpaceLoader = load_space, meter: Meter = SILENT) -> "OmniBind":
        """Load a shipped or installed model by name, or any model by folder; uses no network.

        It loads no tower, except for a model without stored calibration, the first time: see
        `omnisearch.binding.sample_calibration`. `meter` receives the progress of that, in samples.

        Raises:
            ModelMissingError: there is no such model, it names an unknown space, or a model without stored calibration
                has none of its weights on this machine.
            CheckpointError: its files are inconsistent.
            SettingsError: its embeddings cannot be cut to the width `dim` of the settings.
        """
        folder = installed.find(name, settings)
        stored = checkpoint.read(folder)
        spaces = {space: load(space, settings) for space in stored.config.projectors}
        dims = {space: loaded.spec.dim for space, loaded in spaces.items()}
        space_widths(stored.config, dims)
        licences.check(stored.config.name, [space.spec for space in spaces.values()], settings)
        dim = cut_rows.chosen_dim(stored.config, settings)
        cut = [f"parts cut to {dim}"] if dim != stored.config.dim else []
        whole = [stored.digest, *(s.fingerprint for s in spaces.values())]
        if stored.config.calibration == "samples":
            whole.append(f"samples {VERSION}")
        fusion = checkpoint.build(stored, dims, folder)
        model = cls(fusion, spaces, _digest(*whole, *cut), stored.background, settings.share, dim)
        if stored.config.calibration == "samples":
            model._calibrate(_digest(*whole), settings, meter)
        return model

    def _calibrate(self, key: str, settings: Settings, meter: Meter) -> None:
        """Take the means, the background and the relevance from the stored calibration, which is made if necessary.

        It has the full width, whatever the width of this model. It covers the modalities whose weight files are on this
        machine, and is made again when there are more: a service for texts and sounds needs no image tower.
        """
        pulled = tuple(part for part in self.config.branches if self._is_pulled(part, settings))
        parts = pulled or tuple(self.config.branches)  # if nothing is here, the first tower says what to pull

        def make() -> SampleCalibration:
            from omnisearch.binding.calibrate_with_samples import calibrate_with_samples

            return calibrate_with_samples(self._fusion, self.encode_spaces, meter, parts)

        found = find_or_make(self.config, parts, _digest(key, *parts), settings, make)
        found.apply(self._fusion)
        self.background = {modality: self._cut(rows) for modality, rows in found.background.items()}

    def _is_pulled(self, part: Modality, settings: Settings) -> bool:
        """Whether the weight files of all towers of a modality are on this machine."""
        try:
            for space in self.config.spaces(part):
                for name in self.spaces[space].spec.weights.get(part, ()):
                    resolve(FILES[name], settings)
        except ModelMissingError:
            return False
        return True

    @property
    def config(self) -> ModelConfig:
        """The model's configuration."""
        return self._fusion.config

    @property
    def name(self) -> str:
        """The model's name."""
        return self.config.name

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the model embeds."""
        return self.config.modalities

    def varied(self, routers: Mapping[Modality, FixedConfig], centred: Sequence[Modality]) -> "OmniBind":
        """Return a baseline: the same projectors, fixed factors for some parts, and only the parts `centred` centred.

        It reads the same space embeddings, but it is another model and cannot search an index of this one.
        """
        name = f"{self.fingerprint} varied {sorted(routers.items())} {sorted(centred)}"
        fusion = self._fusion.varied(routers, centred)
        return OmniBind(fusion, self.spaces, blake3(name.encode()).hexdigest(), {}, dim=self.dim)

    def rerouted(self, name: str, routers: Mapping[Modality, torch.nn.Module]) -> "OmniBind":
        """Return a baseline with other routers for some parts; `name` tells it from others of the same model."""
        fusion = self._fusion.rerouted(routers)
        return OmniBind(fusion, self.spaces, _digest(self.fingerprint, "rerouted", name), {}, dim=self.dim)

    def relevance(self, modality: Modality, query: Modality | None = None) -> RelevanceConfig:
        """Return the calibration of a modality's scores for queries of the modality `query`, or for any if None."""
        anyhow = self.config.relevance.get(modality, RelevanceConfig())
        return self.config.relevance_by_query.get(query, {}).get(modality, anyhow) if query else anyhow

    def encode(self, modality: Modality, contents: Sequence[Content], role: Role) -> Floats:
        """Embed n contents of one modality: float32 (n, dim), unit rows. Runs the towers that `share` requires.

        `role` says whether the contents ask or are searched: a text tower with prompts embeds both differently.
        """
        return self.bind(modality, self.encode_spaces(modality, contents, role, self.share))

    def encode_spaces(
        self, modality: Modality, contents: Sequence[Content], role: Role, share: float | None = None
    ) -> SpaceEmbeddings:
        """Run the frozen spaces on n contents in one role: the costly half. Without `share` no tower is skipped.

        A space's embedding of a video is the mean direction of its frames' embeddings (the paper has no formula
        for video), and separately the embedding of the sound track, a zero row if there is none. A space that reads
        videos gives a third one, of frames and sound together. With `share`, spaces that were skipped are zero
        rows too: pass such embeddings to `bind`, and do not store them.
        """
        self._check(modality)
        return self._run(modality, contents, role, share)

    def bind(self, modality: Modality, embeddings: SpaceEmbeddings) -> Floats:
        """Project, weight and add the space embeddings: float32 (n, dim), unit rows. The cheap half."""
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        total: Floats | None = None
        for part, weight in parts.items():
            rows = self._run.tensors(part, embeddings)
            with torch.inference_mode():
                fused = self._fusion(part, rows).numpy()
            fused[_absent(rows)] = 0
            fused = weight * (self._cut(fused) if self.dim < self.config.dim else fused)
            total = fused if total is None else total + fused
        assert total is not None
        return unit(total)

    def factors(self, modality: Modality, embeddings: SpaceEmbeddings) -> dict[str, Floats]:
        """Explain `bind`: the combining factor of every branch for each of n inputs, {"part:branch": (n,)}.

        For one part they sum to one; those of a video are scaled by the part's share.
        """
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        found: dict[str, Floats] = {}
        for part, weight in parts.items():
            with torch.inference_mode():
                factors = self._fusion.factors(part, self._run.tensors(part, embeddings)).numpy()
            for i, branch in enumerate(self.config.branches[part]):
                _add(found, f"{part}:{branch.name}", np.float32(weight) * factors[:, i])
        return found

    def decompose(self, modality: Modality, embeddings: SpaceEmbeddings) -> dict[str, Floats]:
        """Explain `bind`: its summands, {"part:branch": (n, dim)}, and "part:centring" for each centred part.

        The rows add up to those of `bind`: a branch's is its projected space times its combining factor, divided by
        the norms; the centring's is the subtracted mean.
        """
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        found: dict[str, Floats] = {}
        for part, weight in parts.items():
            rows = self._run.tensors(part, embeddings)
            with torch.inference_mode():
                split = self._fusion.decompose(part, rows).numpy()[..., : self.dim]  # (n, branches + 1, dim)
            split[_absent(rows)] = 0
            length = np.linalg.norm(split.sum(axis=1), axis=1)[:, None, None]
            split = np.float32(weight) * split / length.clip(min=1e-30)
            for i, branch in enumerate(self.config.branches[part]):
                _add(found, f"{part}:{branch.name}", split[:, i])
            if part in self.config.centred:
                found[f"{part}:{CENTRING}"] = split[:, -1]
        length = np.linalg.norm(np.sum(list(found.values()), axis=0), axis=1, keepdims=True)
        return {name: rows / length for name, rows in found.items()}

    def _cut(self, rows: Floats) -> Floats:
        """Return the first `dim` numbers of rows (n, full width) as unit rows (n, dim)."""
        return unit(rows[:, : self.dim])

    def stored_widths(self, space: str, part: Modality) -> list[int]:
        """Return the widths of a space's rows of a part from which this model can bind, in ascending order."""
        widths = [self.spaces[space].spec.dim]
        if cut_rows.is_exact(self.config, part):
            widths += [width for width in self.config.widths if width >= self.dim]
        return sorted(widths)

    def towers(self, part: Modality) -> dict[str, str]:
        """The tower that each space of a part reads."""
        return self._run.towers(part)

    def skip(self, part: Modality, embeddings: SpaceEmbeddings, share: float) -> SpaceEmbeddings:
        """Return what `encode_spaces` returns with `share`, computed from complete embeddings; runs no towers."""
        return self._run.skip(part, embeddings, share)

    def _check(self, modality: Modality) -> None:
        if modality not in self.modalities:
            raise UsageError(f"model {self.name} does not embed {modality}; it embeds {', '.join(self.modalities)}")


def _add(found: dict[str, Floats], name: str, rows: Floats) -> None:
    """Add rows to those of the same name: branches of the same spaces share one."""
    found[name] = found[name] + rows if name in found else rows


def _absent(rows: Mapping[str, torch.Tensor]) -> NDArray[np.bool_]:
    """Return which of n inputs lack a part: all their rows are zero."""
    absent: NDArray[np.bool_] = (~torch.stack([each.any(dim=1) for each in rows.values()]).any(dim=0)).numpy()
    return absent


def _digest(*parts: str) -> str:
    return blake3("\n".join(parts).encode()).hexdigest()
