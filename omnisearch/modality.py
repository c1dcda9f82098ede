"""The five kinds of media."""

from enum import StrEnum


class Modality(StrEnum):
    """The five kinds of media. The order is the order of every report."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    POINT_CLOUD = "point_cloud"
