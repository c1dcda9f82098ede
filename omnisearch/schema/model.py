"""Models: what they are made of, what they need, and whether they are here."""

from pydantic import BaseModel

from omnisearch.types import Modality


class SpaceOut(BaseModel):
    """A space of a model: what it embeds, the width of its vectors, and under which licence."""

    name: str
    modalities: list[Modality]
    dimensions: int
    licence: str
    commercial: bool


class WeightFileOut(BaseModel):
    """A weight file. `size` is in bytes, null while it is not known; `problem` is why it cannot be used, if so."""

    name: str
    size: int | None
    licence: str
    problem: str | None


class ModelDetailOut(BaseModel):
    """A model with its spaces and weight files. `size` is in bytes, null while the size of a file is not known.

    Where it is not `ready`, `way_out` says what to do.
    """

    id: str
    dimensions: int
    modalities: list[Modality]
    licence: str
    commercial: bool
    spaces: list[SpaceOut]
    files: list[WeightFileOut]
    size: int | None
    ready: bool
    way_out: str | None


class PlanStepOut(BaseModel):
    """A tower that a modality loads; `spaces` read its result. Sizes are in bytes.

    `held` is what its device holds after it was loaded, and `dropped` the towers that are let go for it.
    """

    modality: Modality
    tower: str
    spaces: list[str]
    device: str
    precision: str
    parameters: int
    size: int
    held: int
    dropped: list[str]
    fits: bool


class ModelPlanOut(BaseModel):
    """What a model loads on the server's machine, in order. It `fits` if each tower does."""

    id: str
    fits: bool
    steps: list[PlanStepOut]


class ModelCheckOut(BaseModel):
    """The weight files of a model, hashed; `sound` if each is what its hash says."""

    id: str
    sound: bool
    files: list[WeightFileOut]
