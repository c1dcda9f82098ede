"""The configuration of a bound model: its spaces, their projectors, and the branches and router of each modality."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, model_validator

from omnisearch.errors import CheckpointError
from omnisearch.types import Modality
from omnisearch.wording import first_invalid

PARTS = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO, Modality.POINT_CLOUD)
# What a video consists of: its frames, its sound track, and both as a space reads them that reads videos.
FILM = frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CentringConfig(_Strict):
    """A projector that reads the modalities `centred` less their mean in the space itself.

    The mean of each modality is the modality gap, which a map that was learned from texts alone would mistake for
    meaning (TextME, arXiv 2602.03098).
    """

    centred: tuple[Modality, ...] = ()


class MlpConfig(_CentringConfig):
    """A mixture of `heads` two-layer projectors (OmniBind, section 3.3)."""

    kind: Literal["mlp"] = "mlp"
    heads: int = Field(7, ge=1)
    hidden: int = Field(2048, ge=1)


class LinearConfig(_CentringConfig):
    """An affine map, normalised."""

    kind: Literal["linear"] = "linear"


class IdentityConfig(_Strict):
    """No projector: the space is the shared space, as EVA-CLIP-18B in OmniBind-Full."""

    kind: Literal["identity"] = "identity"


class BranchConfig(_Strict):
    """One branch, which a router weights: a weighted sum of projected spaces, usually of one.

    `normalise` scales the sum to unit length; without it, a branch whose heads disagree counts less.
    `tags` are the kinds of captions it was trained on, the labels of the decoupling loss (eq. 6).
    """

    parts: dict[str, float] = Field(min_length=1)
    normalise: bool = False
    tags: frozenset[str] = frozenset()

    @field_serializer("tags")
    def _in_order(self, tags: frozenset[str]) -> list[str]:
        """Sort the tags, so that equal configurations give equal files."""
        return sorted(tags)

    @property
    def name(self) -> str:
        """The spaces of the branch, joined."""
        return "+".join(self.parts)


class LearnedConfig(_Strict):
    """A learned router: it maps the concatenated embeddings of the spaces `inputs` to one factor per branch.

    The factors are softmax(scale * sigmoid(logits)); OmniBind's text router has scale 10, the others 1.
    """

    kind: Literal["learned"] = "learned"
    inputs: tuple[str, ...] = Field(min_length=1)
    hidden: tuple[int, int] = (512, 100)
    scale: float = Field(1.0, gt=0)


class FixedConfig(_Strict):
    """Hand-set factors, the same for every input; normalised to sum to one."""

    kind: Literal["fixed"] = "fixed"
    factors: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=1)


ProjectorConfig = Annotated[MlpConfig | LinearConfig | IdentityConfig, Field(discriminator="kind")]
RouterConfig = Annotated[LearnedConfig | FixedConfig, Field(discriminator="kind")]


class RelevanceConfig(_Strict):
    """The calibration of scores to relevance: relevance = sigmoid(slope * (z - threshold)).

    z counts standard deviations above unrelated items; `omnisearch.binding.calibrate` fits both numbers.
    """

    slope: float = Field(1.5, gt=0)
    threshold: float = 4.0


class ModelConfig(_Strict):
    """The configuration of a bound model: everything except its tensors.

    A video is the weighted sum of its frames (image), its sound track (audio) and, if the model has branches of videos,
    of what spaces make of both together (video), by the factors in `video`.

    `relevance` has a calibration per modality of items, for any query; `relevance_by_query` has one per pair of query
    and item modalities, for the pairs with ground truth.

    `widths` are the smaller widths to which its embeddings may be cut: its spaces were trained so that the first
    numbers of an embedding are an embedding (Kusupati et al., "Matryoshka Representation Learning", 2022).

    `calibration` says where the means, the background and the relevance come from: "stored", the model's folder; or
    "samples", for a model without training: they are computed on each machine, see `sample_calibration`.
    """

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,40}$")
    summary: str = ""
    licence: str
    dim: int = Field(ge=1, le=65536)
    widths: tuple[Annotated[int, Field(ge=1)], ...] = ()
    projectors: dict[str, ProjectorConfig]
    branches: dict[Modality, tuple[BranchConfig, ...]]
    routers: dict[Modality, RouterConfig]
    centred: tuple[Modality, ...] = ()
    calibration: Literal["stored", "samples"] = "stored"
    video: dict[Modality, float] = {}
    relevance: dict[Modality, RelevanceConfig] = {}
    relevance_by_query: dict[Modality, dict[Modality, RelevanceConfig]] = {}

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the model embeds, in the order of reports."""
        return tuple(m for m in Modality if m in self.branches or (m is Modality.VIDEO and self.video))

    def spaces(self, part: Modality) -> tuple[str, ...]:
        """The spaces that must run for one part: those of the branches and those that the router reads."""
        names = [space for branch in self.branches.get(part, ()) for space in branch.parts]
        return tuple(dict.fromkeys((*names, *self.reads(part))))

    def reads(self, part: Modality) -> tuple[str, ...]:
        """The spaces that the router of one part reads; none if the factors are fixed."""
        router = self.routers.get(part)
        return router.inputs if isinstance(router, LearnedConfig) else ()

    @property
    def has_tensors(self) -> bool:
        """True if the model has trained tensors: projectors, learned routers or means."""
        learned = any(isinstance(router, LearnedConfig) for router in self.routers.values())
        projected = any(not isinstance(projector, IdentityConfig) for projector in self.projectors.values())
        return projected or learned or bool(self.centred and self.calibration == "stored")

    @model_validator(mode="after")
    def _fits_together(self) -> "ModelConfig":
        if set(self.branches) != set(self.routers):
            raise ValueError(f"branches are for {sorted(self.branches)} but routers for {sorted(self.routers)}")
        if not set(self.branches) <= set(PARTS) or not set(self.video) <= FILM & set(self.branches):
            raise ValueError(
                f"branches are for {', '.join(PARTS)}; a video consists of branches for image, audio, video"
            )
        if Modality.VIDEO in self.branches and Modality.VIDEO not in self.video:
            raise ValueError("there are branches for video, but `video` gives them no weight")
        for part, branches in self.branches.items():
            unknown = {space for branch in branches for space in branch.parts} - set(self.projectors)
            if unknown:
                raise ValueError(f"{part} branches name spaces without a projector: {sorted(unknown)}")
            router = self.routers[part]
            if isinstance(router, FixedConfig) and len(router.factors) != len(branches):
                raise ValueError(f"{part} has {len(branches)} branches but {len(router.factors)} fixed factors")
            if isinstance(router, FixedConfig) and not sum(router.factors) > 0:
                raise ValueError(f"the fixed factors of {part} add up to zero")
        if any(width >= self.dim for width in self.widths):
            raise ValueError(f"widths {list(self.widths)} must be smaller than dim {self.dim}")
        return self


def parse_config(text: str, path: Path) -> ModelConfig:
    """Read a model's JSON configuration, the text of the file at `path`.

    Raises:
        CheckpointError: it does not parse or is inconsistent; names the file and the first wrong field.
    """
    try:
        return ModelConfig.model_validate_json(text)
    except ValidationError as error:
        raise CheckpointError(f"{path}: {first_invalid(error)}") from None


def space_widths(config: ModelConfig, dims: Mapping[str, int]) -> None:
    """Check the spaces' widths against the projectors.

    Raises:
        CheckpointError: a space without a projector has another width than the shared space.
    """
    for space, projector in config.projectors.items():
        if isinstance(projector, IdentityConfig) and dims[space] != config.dim:
            raise CheckpointError(
                f"space {space} has {dims[space]} dimensions and no projector, but model {config.name} has {config.dim}"
            )
