"""OmniBind: frozen spaces, and the fusion that makes one space of them. NumPy in, NumPy out."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from blake3 import blake3

from omnisearch.binding import checkpoint
from omnisearch.binding.config import FixedConfig, ModelConfig, RelevanceConfig, space_widths
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.towers import unit
from omnisearch.types import Clip, Content, Floats, Modality, SpaceEmbeddings

# What is no space's share of an embedding: the mean of its modality, taken out.
CENTRING = "centring"

SpaceLoader = Callable[[str, Settings], Space]


class OmniBind:
    """A bound model. Towers load one modality at a time, when it is first asked for.

    `encode` is `bind` after `encode_spaces`. The halves stand alone because their costs differ by orders of
    magnitude: the embeddings of the frozen spaces can be kept, and a newly trained fusion applied to them.
    """

    def __init__(
        self, fusion: Fusion, spaces: Mapping[str, Space], fingerprint: str, background: Mapping[Modality, Floats]
    ) -> None:
        self.spaces, self.fingerprint, self.background = dict(spaces), fingerprint, dict(background)
        self._fusion = fusion.fold()

    @classmethod
    def load(cls, name: str, settings: Settings, load: SpaceLoader = load_space) -> "OmniBind":
        """Load a shipped model by name or any model by folder; reads no tower and never the network.

        Raises:
            ModelMissingError: there is no such model, or it names a space we do not know.
            CheckpointError: its files do not fit together.
        """
        folder = checkpoint.find(name)
        stored = checkpoint.read(folder)
        spaces = {space: load(space, settings) for space in stored.config.projectors}
        dims = {space: loaded.spec.dim for space, loaded in spaces.items()}
        space_widths(stored.config, dims)
        digest = blake3("\n".join([stored.digest, *(s.fingerprint for s in spaces.values())]).encode())
        return cls(checkpoint.build(stored, dims, folder), spaces, digest.hexdigest(), stored.background)

    @property
    def config(self) -> ModelConfig:
        """The model's configuration."""
        return self._fusion.config

    @property
    def name(self) -> str:
        """The model's name."""
        return self.config.name

    @property
    def dim(self) -> int:
        """Width of the shared space."""
        return self.config.dim

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What the model embeds."""
        return self.config.modalities

    def varied(self, routers: Mapping[Modality, FixedConfig], centred: Sequence[Modality]) -> "OmniBind":
        """Return the same projectors with hand-set factors for some parts and only `centred` ones centred: a baseline.

        It reads the same space embeddings, but it is another model, so an index of this one is not its own.
        """
        name = f"{self.fingerprint} varied {sorted(routers.items())} {sorted(centred)}"
        fusion = self._fusion.varied(routers, centred)
        return OmniBind(fusion, self.spaces, blake3(name.encode()).hexdigest(), {})

    def relevance(self, modality: Modality) -> RelevanceConfig:
        """How scores of hits of a modality turn into relevance."""
        return self.config.relevance.get(modality, RelevanceConfig())

    def encode(self, modality: Modality, contents: Sequence[Content]) -> Floats:
        """Embed n contents of one modality: float32 (n, dim), unit rows."""
        return self.bind(modality, self.encode_spaces(modality, contents))

    def encode_spaces(self, modality: Modality, contents: Sequence[Content]) -> SpaceEmbeddings:
        """Run the frozen spaces on n contents: the costly half.

        A space's embedding of a video is the mean direction of its frames' embeddings (the paper has no formula
        for video), and beside it that of the sound track, a zero row where there is none.
        """
        self._check(modality)
        if modality is not Modality.VIDEO:
            return self._run(modality, contents)
        clips = [content for content in contents if isinstance(content, Clip)]
        found: dict[tuple[str, Modality], Floats] = {}
        if Modality.IMAGE in self.config.video:
            starts = np.cumsum([0, *(len(clip.frames) for clip in clips[:-1])])
            for key, rows in self._run(Modality.IMAGE, [frame for clip in clips for frame in clip.frames]).items():
                found[key] = unit(np.add.reduceat(rows, starts, axis=0))
        if Modality.AUDIO in self.config.video:
            sounds = {i: clip.sound for i, clip in enumerate(clips) if clip.sound is not None}
            heard = self._run(Modality.AUDIO, list(sounds.values()))
            for key, rows in heard.items():
                found[key] = np.zeros((len(clips), rows.shape[1]), np.float32)
                found[key][list(sounds)] = rows
        return found

    def bind(self, modality: Modality, embeddings: SpaceEmbeddings) -> Floats:
        """Project, weigh and add what the spaces gave: float32 (n, dim), unit rows. The cheap half."""
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        total: Floats | None = None
        for part, weight in parts.items():
            rows = self._tensors(part, embeddings)
            with torch.inference_mode():
                fused = self._fusion(part, rows).numpy()
            fused[(rows[self.config.spaces(part)[0]] == 0).all(dim=1).numpy()] = 0  # the input has no such part
            total = weight * fused if total is None else total + weight * fused
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
                factors = self._fusion.factors(part, self._tensors(part, embeddings)).numpy()
            for i, branch in enumerate(self.config.branches[part]):
                found[f"{part}:{branch.name}"] = np.float32(weight) * factors[:, i]
        return found

    def decompose(self, modality: Modality, embeddings: SpaceEmbeddings) -> dict[str, Floats]:
        """Explain `bind`: what it adds up, {"part:branch": (n, dim)}, and "part:centring" for each centred part.

        The rows add up to those of `bind`: a branch's is its projected space times its combining factor, over the
        lengths that were divided by; the centring's is the mean that was taken out.
        """
        self._check(modality)
        parts = self.config.video if modality is Modality.VIDEO else {modality: 1.0}
        found: dict[str, Floats] = {}
        for part, weight in parts.items():
            rows = self._tensors(part, embeddings)
            with torch.inference_mode():
                split = np.float32(weight) * self._fusion.decompose(part, rows).numpy()
            split[(rows[self.config.spaces(part)[0]] == 0).all(dim=1).numpy()] = 0  # the input has no such part
            names = [branch.name for branch in self.config.branches[part]]
            found |= {f"{part}:{name}": split[:, i] for i, name in enumerate(names)}
            if part in self.config.centred:
                found[f"{part}:{CENTRING}"] = split[:, -1]
        length = np.linalg.norm(np.sum(list(found.values()), axis=0), axis=1, keepdims=True)
        return {name: rows / length for name, rows in found.items()}

    def _tensors(self, part: Modality, embeddings: SpaceEmbeddings) -> dict[str, torch.Tensor]:
        return {space: torch.from_numpy(embeddings[space, part]) for space in self.config.spaces(part)}

    def _run(self, part: Modality, contents: Sequence[Content]) -> dict[tuple[str, Modality], Floats]:
        features: dict[str, Floats] = {}
        found: dict[tuple[str, Modality], Floats] = {}
        for name in self.config.spaces(part):
            space = self.spaces[name]
            if not contents:
                found[name, part] = np.zeros((0, space.spec.dim), np.float32)
                continue
            tower = space.spec.towers[part]
            if tower not in features:  # spaces that share a tower share its result
                features[tower] = space.tower(part).features(contents)
            found[name, part] = space.project(part, features[tower])
        return found

    def _check(self, modality: Modality) -> None:
        if modality not in self.modalities:
            raise UsageError(f"model {self.name} does not embed {modality}; it embeds {', '.join(self.modalities)}")
