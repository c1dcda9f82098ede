"""The run of a model's frozen spaces on contents: the costly half of encoding. Towers may be skipped."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from omnisearch.binding import tower_skipping
from omnisearch.binding.fusion import Fusion
from omnisearch.spaces.base import Space
from omnisearch.spaces.towers import prompted, unit
from omnisearch.types import Clip, Content, Floats, Modality, Role, SpaceEmbeddings


class SpaceRun:
    """Runs the spaces of a fusion, which has the routers that choose the towers."""

    def __init__(self, fusion: Fusion, spaces: Mapping[str, Space]) -> None:
        self._fusion, self._spaces = fusion, spaces

    def __call__(
        self, modality: Modality, contents: Sequence[Content], role: Role, share: float | None
    ) -> SpaceEmbeddings:
        """Run the spaces on n contents of one modality: see `OmniBind.encode_spaces`."""
        if modality is Modality.VIDEO:
            return self._videos([content for content in contents if isinstance(content, Clip)], role, share)
        return self._part(modality, contents, role, share)

    def towers(self, part: Modality) -> dict[str, str]:
        """The tower that each space of a part reads."""
        return {space: self._spaces[space].spec.towers[part] for space in self._fusion.config.spaces(part)}

    def skip(self, part: Modality, embeddings: SpaceEmbeddings, share: float) -> SpaceEmbeddings:
        """Return complete embeddings with zero rows for the towers that would be skipped."""
        return tower_skipping.without(embeddings, part, self.towers(part), self._needed(part, embeddings, share))

    def tensors(self, part: Modality, embeddings: SpaceEmbeddings) -> dict[str, torch.Tensor]:
        """Return the embeddings of the spaces of a part as tensors, by space."""
        return {space: torch.from_numpy(embeddings[space, part]) for space in self._fusion.config.spaces(part)}

    def _videos(self, clips: Sequence[Clip], role: Role, share: float | None) -> SpaceEmbeddings:
        parts = self._fusion.config.video
        found: dict[tuple[str, Modality], Floats] = {}
        if Modality.IMAGE in parts:
            starts = np.cumsum([0, *(len(clip.frames) for clip in clips[:-1])])
            frames = [frame for clip in clips for frame in clip.frames]
            for key, rows in self._part(Modality.IMAGE, frames, role, share).items():
                found[key] = unit(np.add.reduceat(rows, starts, axis=0))
        if Modality.AUDIO in parts:
            sounds = {i: clip.sound for i, clip in enumerate(clips) if clip.sound is not None}
            heard = self._part(Modality.AUDIO, list(sounds.values()), role, share)
            for key, rows in heard.items():
                found[key] = np.zeros((len(clips), rows.shape[1]), np.float32)
                found[key][list(sounds)] = rows
        if Modality.VIDEO in parts:
            found |= self._part(Modality.VIDEO, clips, role, share)
        return found

    def _part(
        self, part: Modality, contents: Sequence[Content], role: Role, share: float | None
    ) -> dict[tuple[str, Modality], Floats]:
        dims = {space: self._spaces[space].spec.dim for space in self._fusion.config.spaces(part)}
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
        return {towers[space] for space in self._fusion.config.reads(part)}

    def _needed(self, part: Modality, embeddings: SpaceEmbeddings, share: float) -> dict[str, NDArray[np.bool_]]:
        with torch.inference_mode():
            factors = self._fusion.routed(part, self.tensors(part, embeddings)).numpy()
        config = self._fusion.config
        return tower_skipping.needed(config, part, self.towers(part), self._paid(part), factors, share)

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
            features = self._spaces[readers[0]].tower(part).features(some)
            for name in readers:
                found[name, part][rows] = self._spaces[name].project(part, features)
