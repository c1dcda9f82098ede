"""Uploads."""

from pydantic import BaseModel

from omnisearch.types import Modality


class UploadOut(BaseModel):
    """A file that the server keeps for queries. `expires` is in seconds since 1970; each use extends it."""

    id: str
    name: str
    size: int
    mime: str
    modality: Modality
    expires: float
