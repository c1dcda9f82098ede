"""The names of the files with metadata beside a picture or a film: those of XMP and of Google Takeout."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from omnisearch.media.kinds import BY_SUFFIX
from omnisearch.types import Modality

WITH_SIDECARS = frozenset({Modality.IMAGE, Modality.VIDEO})
LONGEST_NAME = 46  # Takeout cuts the name before `.json` to this
_SUFFIX = ".supplemental-metadata"
_NUMBERED = re.compile(r"(.*)(\(\d+\))")
_EDITED = re.compile(r"-(?:edited|bearbeitet|modifié|editado|modificato|編集済み|已修改)$")


def absent_sidecars(path: Path) -> list[str]:
    """Return the names of sidecars that do not exist beside a picture or a film; none for other files.

    A decoder that knows them need not ask for each.
    """
    kind = BY_SUFFIX.get(path.suffix.lower())
    if kind is None or kind.modality not in WITH_SIDECARS:
        return []
    names = [*xmp_names(path.name), *takeout_names(path.name)]
    return [name for name in names if not os.path.lexists(path.parent / name)]


def xmp_names(name: str) -> tuple[str, str]:
    """Return the names of the XMP file of the file `name`: IMG.jpg.xmp and IMG.xmp."""
    return f"{name}.xmp", f"{PurePosixPath(name).stem}.xmp"


def takeout_names(name: str) -> Iterator[str]:
    """Yield the names under which Takeout writes the metadata of the file `name`, the most likely first.

    IMG.jpg.json, IMG.jpg.supplemental-metadata.json, IMG.jpg.supplemental-me.json, a name that is cut to 46 characters,
    IMG.jpg(1).json for IMG(1).jpg, and for IMG-edited.jpg those of IMG.jpg.
    """
    for whole, number in originals(name):
        yield f"{whole}{_SUFFIX}"[:LONGEST_NAME] + f"{number}.json"
        yield whole[:LONGEST_NAME] + f"{number}.json"


def originals(name: str) -> Iterator[tuple[str, str]]:
    """Yield the name of a file, and that of the picture that it is an edit of, each with its number in brackets."""
    path = PurePosixPath(name)
    yield name, ""
    if found := _NUMBERED.fullmatch(path.stem):
        yield found[1] + path.suffix, found[2]
    if (stem := _EDITED.sub("", path.stem)) != path.stem:
        yield stem + path.suffix, ""
