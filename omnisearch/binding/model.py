"""OmniBind: frozen spaces, and the fusion that binds them into one. NumPy in, NumPy out."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray

from omnisearch.binding import checkpoint, installed, tower_skipping
from omnisearch.binding.config import FixedConfig, ModelConfig, RelevanceConfig, space_widths
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.sample_calibration import SampleCalibration, find_or_make
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, SettingsError, UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.samples import VERSION
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import FILES, load_space
from omnisearch.spaces.towers import prompted, unit
from omnisearch.spaces.weights import licences
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Clip, Content, Floats, Modality, Role, SpaceEmbeddings

# The name of the share of an embedding that belongs to no space: the subtracted mean of its modality.
CENTRING = "centring"

SpaceLoader = Callable[[str, Settings], Space]


class OmniBind:
    """A bound model. The towers of a modality are loaded when it is first used.

    `encode` is `bind` after `encode_spaces`. The two are separate because their costs differ by orders of
    magnitude: the embeddings of the frozen spaces can be stored, and a newly trained fusion applied to them.

    `share` is the sum of combining factors for which `encode` runs towers; 1 is exact. See
    `omnisearch.binding.tower_skipping`. `dim` is the width of its vectors: the first numbers of an embedding, scaled to
    unit length. Centring and space embeddings keep the full width, so another width needs no tower.
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
        dim = _width(stored.config, settings)
        cut = [f"dim {dim}"] if dim != stored.config.dim else []
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
        if modality is not Modality.VIDEO:
            return self._run(modality, contents, role, share)
        clips = [content for content in contents if isinstance(content, Clip)]
        found: dict[tuple[str, Modality], Floats] = {}
        if Modality.IMAGE in self.config.video:
            starts = np.cumsum([0, *(len(clip.frames) for clip in clips[:-1])])
            frames = [frame for clip in clips for frame in clip.frames]
            for key, rows in self._run(Modality.IMAGE, frames, role, share).items():
                found[key] = unit(np.add.reduceat(rows, starts, axis=0))
        if Modality.AUDIO in self.config.video:
            sounds = {i: clip.sound for i, clip in enumerate(clips) if clip.sound is not None}
            heard = self._run(Modality.AUDIO, list(sounds.values()), role, share)
            for key, rows in heard.items():
                found[key] = np.zeros((len(clips), rows.shape[1]), np.float32)
                found[key][list(sounds)] = rows
        if Modality.VIDEO in self.config.video:
            found |= self._run(Modality.VIDEO, clips, role, share)
        return found

    def bind(self, modality: Modality, embeddings: SpaceEmbeddings) -> Floats:
        """Project, weight and add the space embeddings: float32 (n, dim), unit rows. The cheap half."""
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        total: Floats | None = None
        for part, weight in parts.items():
            rows = self._tensors(part, embeddings)
            with torch.inference_mode():
                fused = self._fusion(part, rows).numpy()
            fused[_absent(rows)] = 0
            total = weight * fused if total is None else total + weight * fused
        assert total is not None
        return self._cut(total)

    def factors(self, modality: Modality, embeddings: SpaceEmbeddings) -> dict[str, Floats]:
        """Explain `bind`: the combining factor of every branch for each of n inputs, {"part:branch": (n,)}.

        For one part they sum to one; those of a video are scaled by the part's share.
        """
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        found: dict[str, Floats] = {}
        for part, weight in parts.items():
            with torch.inference_mode():
                factors = self._fusion.factors(part, self._tensors(part, embeddings)).numpy()
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
            rows = self._tensors(part, embeddings)
            with torch.inference_mode():
                split = np.float32(weight) * self._fusion.decompose(part, rows).numpy()
            split[_absent(rows)] = 0
            for i, branch in enumerate(self.config.branches[part]):
                _add(found, f"{part}:{branch.name}", split[:, i])
            if part in self.config.centred:
                found[f"{part}:{CENTRING}"] = split[:, -1]
        found = {name: rows[:, : self.dim] for name, rows in found.items()}
        length = np.linalg.norm(np.sum(list(found.values()), axis=0), axis=1, keepdims=True)
        return {name: rows / length for name, rows in found.items()}

    def _cut(self, rows: Floats) -> Floats:
        """Return the first `dim` numbers of rows (n, full width) as unit rows (n, dim)."""
        return unit(rows[:, : self.dim])

    def _tensors(self, part: Modality, embeddings: SpaceEmbeddings) -> dict[str, torch.Tensor]:
        return {space: torch.from_numpy(embeddings[space, part]) for space in self.config.spaces(part)}

    def towers(self, part: Modality) -> dict[str, str]:
        """The tower that each space of a part reads."""
        return {space: self.spaces[space].spec.towers[part] for space in self.config.spaces(part)}

    def skip(self, part: Modality, embeddings: SpaceEmbeddings, share: float) -> SpaceEmbeddings:
        """Return what `encode_spaces` returns with `share`, computed from complete embeddings; runs no towers."""
        return tower_skipping.without(embeddings, part, self.towers(part), self._needed(part, embeddings, share))

    def _run(
        self, part: Modality, contents: Sequence[Content], role: Role, share: float | None
    ) -> dict[tuple[str, Modality], Floats]:
        dims = {space: self.spaces[space].spec.dim for space in self.config.spaces(part)}
        found = {(space, part): np.zeros((len(contents), dim), np.float32) for space, dim in dims.items()}
        everyone = np.ones(len(contents), np.bool_)
        first = self.towers(part).values() if share is None else self._paid(part)
        self._fill(found, part, contents, role, dict.fromkeys(first, everyone))
        if share is not None:
            self._fill(found, part, contents, role, self._needed(part, found, share))
        return found

    def _paid(self, part: Modality) -> set[str]:
        """The towers that always run: those of the spaces that the router reads."""
        towers = self.towers(part)
        return {towers[space] for space in self.config.reads(part)}

    def _needed(self, part: Modality, embeddings: SpaceEmbeddings, share: float) -> dict[str, NDArray[np.bool_]]:
        with torch.inference_mode():
            factors = self._fusion.routed(part, self._tensors(part, embeddings)).numpy()
        return tower_skipping.needed(self.config, part, self.towers(part), self._paid(part), factors, share)

    def _fill(
        self,
        found: dict[tuple[str, Modality], Floats],
        part: Modality,
        contents: Sequence[Content],
        role: Role,
        run: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        """Run towers on the selected contents, and write the rows of every space that reads them to `found`."""
        for tower, rows in run.items():
            if not rows.any():
                continue
            readers = [name for name, read in self.towers(part).items() if read == tower]  # one pass for all of them
            some: Sequence[Content] = [content for content, wanted in zip(contents, rows, strict=True) if wanted]
            if part is Modality.TEXT:
                some = prompted(tower, some, role)
            features = self.spaces[readers[0]].tower(part).features(some)
            for name in readers:
                found[name, part][rows] = self.spaces[name].project(part, features)

    def _check(self, modality: Modality) -> None:
        if modality not in self.modalities:
            raise UsageError(f"model {self.name} does not embed {modality}; it embeds {', '.join(self.modalities)}")


def _width(config: ModelConfig, settings: Settings) -> int:
    """Return the width of the settings, or the full width of the model.

    Raises:
        SettingsError: the model's embeddings cannot be cut to it.
    """
    widths = (config.dim, *config.widths)
    if settings.dim is None or settings.dim in widths:
        return settings.dim or config.dim
    allowed = ", ".join(map(str, widths))
    raise SettingsError(f"setting dim = {settings.dim}: the vectors of {config.name} can have {allowed} dimensions")


def _add(found: dict[str, Floats], name: str, rows: Floats) -> None:
    """Add rows to those of the same name: branches of the same spaces share one."""
    found[name] = found[name] + rows if name in found else rows


def _absent(rows: Mapping[str, torch.Tensor]) -> NDArray[np.bool_]:
    """Return which of n inputs lack a part: all their rows are zero."""
    absent: NDArray[np.bool_] = (~torch.stack([each.any(dim=1) for each in rows.values()]).any(dim=0)).numpy()
    return absent


def _digest(*parts: str) -> str:
    return blake3("\n".join(parts).encode()).hexdigest()
