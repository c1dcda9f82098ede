"""Models: their spaces, their weight files, and their memory plan."""

from pydantic import BaseModel

from omnisearch.types import Modality


class SpaceOut(BaseModel):
    """A space of a model: its modalities, the dimension of its vectors, and its licence."""

    name: str
    modalities: list[Modality]
    dimensions: int
    licence: str
    commercial: bool


class WeightFileOut(BaseModel):
    """A weight file. `size` is in bytes, null while it is unknown. `problem` is the reason if it cannot be used."""

    name: str
    size: int | None
    licence: str
    problem: str | None


class ModelDetailOut(BaseModel):
    """A model with its spaces and weight files. One that reads text or speech has no modalities and no spaces.

    `size` and `to_download`, the part that is not on the machine, are in bytes, null while the size of a file is
    unknown. If the model is not `ready`, `way_out` says why and what to do; `command` is the command that makes it
    ready, if one is enough.
    """

    id: str
    dimensions: int
    modalities: list[Modality]
    licence: str
    commercial: bool
    spaces: list[SpaceOut]
    files: list[WeightFileOut]
    size: int | None
    to_download: int | None
    ready: bool
    way_out: str | None
    command: str | None


class PlanStepOut(BaseModel):
    """A tower that a modality loads; `spaces` read its result. Sizes are in bytes.

    `held` is the memory used on the device after loading, and `dropped` are the towers that are unloaded for it.
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
    """The towers that a model loads on the server's machine, in order. `fits` is true if each tower fits."""

    id: str
    fits: bool
    steps: list[PlanStepOut]


class ModelCheckOut(BaseModel):
    """The weight files of a model after a check of their hashes. `sound` is true if all hashes match."""

    id: str
    sound: bool
    files: list[WeightFileOut]
