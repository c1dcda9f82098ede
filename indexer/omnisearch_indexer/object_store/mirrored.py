"""The result of an update of mirrors."""

from dataclasses import dataclass, field

from omnisearch.errors import Reason
from omnisearch.stores.absent_folders import AbsentFolder


@dataclass
class Mirrored:
    """What an update of mirrors left to report.

    `refused` has the reason and detail of each object without a current copy, by the path of the copy. `absent` are the
    addresses without objects whose copies stay. `copied` and `removed` count copies.
    """

    refused: dict[str, tuple[Reason, str]] = field(default_factory=dict)
    absent: list[AbsentFolder] = field(default_factory=list)
    copied: int = 0
    removed: int = 0
    interrupted: bool = False
