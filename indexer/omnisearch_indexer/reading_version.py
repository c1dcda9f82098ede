"""The version of the readings of an item: how thoroughly, and with which models, its text and speech were read.

An item is read again if the wanted version reads more than the one in the manifest. `omnisearch enrich` at level fast
leaves an item alone that was read at level full.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnisearch.modality import Modality

if TYPE_CHECKING:
    from omnisearch.reading.reader import Level

SCRIPT = "ocr-"  # the names of models of scripts begin with this
# The modalities of the items that are read after they are encoded. Pages of documents are read as they are indexed.
READ = (Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)
# Raise it when the same file would give other readings.
VERSION = 1
_WRITTEN = re.compile(r"(fast|full)\.(\d+)((?:\+[^+]+)*)")


@dataclass(frozen=True)
class ReadingModels:
    """The names of the models of a run: of speech, and of the scripts that are read beside those of the default one."""

    speech: str = ""
    scripts: tuple[str, ...] = ()


def reading_version(level: "Level", modality: Modality, models: ReadingModels) -> str:
    """Return the version of the readings that a run makes: `fast.1`, of sound and video `fast.1+speech-en`.

    The models of scripts follow where pictures are read: `fast.1+ocr-greek`, of video `fast.1+speech-en+ocr-greek`.
    """
    speech = (models.speech,) if modality in {Modality.AUDIO, Modality.VIDEO} else ()
    scripts = sorted(models.scripts) if modality is not Modality.AUDIO else ()
    return "+".join((f"{level}.{VERSION}", *speech, *scripts))


def is_enough(present: str, wanted: str) -> bool:
    """Whether the readings of a version need not be made again for the wanted one."""
    before, now = _WRITTEN.fullmatch(present), _WRITTEN.fullmatch(wanted)
    if before is None or now is None or before[2] != now[2] or (before[1] != now[1] and before[1] != "full"):
        return False
    had, wants = before[3].split("+"), now[3].split("+")
    return set(wants) <= set(had) and _speech(had) == _speech(wants)


def _speech(models: Iterable[str]) -> list[str]:
    return [model for model in models if not model.startswith(SCRIPT)]
