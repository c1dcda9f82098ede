"""The waveform of a sound."""

from typing import Annotated

from pydantic import BaseModel, Field

Peaks = Annotated[list[Annotated[int, Field(ge=-127, le=127)]], Field(max_length=1000)]


class PeaksOut(BaseModel):
    """The lowest and the highest sample in equal stretches of a sound: 127 is full scale. `duration` in seconds."""

    duration: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    min: Peaks
    max: Peaks
