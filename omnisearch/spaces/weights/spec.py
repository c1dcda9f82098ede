"""Weight files: their names, their sources, and their paths on this machine.

Nothing here uses the network; only `omnisearch.spaces.weights.pull` does, on request.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.weights import weights_lock

PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Hub:
    """A file of a model hub's repository at one revision."""

    repository: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"hub {self.repository}@{self.revision}:{self.file}"


@dataclass(frozen=True)
class Wheel:
    """A member of a wheel on the package index. A wheel is a zip: no code of it runs."""

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"wheel {self.requirement}:{self.member}"


@dataclass(frozen=True)
class Url:
    """A file at an https address of its authors."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Deb:
    """A member of a Debian package of `size` bytes at an https address. No code of the package runs."""

    address: str
    size: int
    member: str

    def __str__(self) -> str:
        return f"{self.address}:{self.member}"


@dataclass(frozen=True)
class LocalFile:
    """A file already on this machine."""

    path: Path

    def __str__(self) -> str:
        return f"file {self.path}"


@dataclass(frozen=True)
class Packaged:
    """A file that ships inside the omnisearch package; `path` is relative to the package."""

    path: str

    def __str__(self) -> str:
        return f"packaged {self.path}"


Source: TypeAlias = Hub | Wheel | Url | Deb | LocalFile | Packaged


@dataclass(frozen=True)
class WeightSpec:
    """One weight file: `name` is its file name in the weights directory, or in a folder there; `size` is in bytes.

    A packaged file has neither, because it is part of omnisearch. A file of a model hub or an address without a
    published hash has `sha256` None and is checked against the hash that was recorded at its first pull.
    """

    name: str
    sha256: str | None
    size: int | None
    licence: str
    sources: tuple[Source, ...]

    @property
    def identity(self) -> str:
        """A string that identifies the file: its hash, or its source."""
        return self.sha256 or str(self.sources[0])

    @property
    def packaged(self) -> Path | None:
        """The path of the file inside the package, None if it does not ship with it."""
        return next((PACKAGE / source.path for source in self.sources if isinstance(source, Packaged)), None)

    def held_to(self, folder: Path) -> tuple[str | None, int | None]:
        """The hash and the size that the file must have: as declared, else as recorded in a folder's lock file.

        Raises:
            WeightsError: the lock file cannot be read.
        """
        recorded = None if self.packaged or self.sha256 else weights_lock.read(folder).get(self.name)
        return (recorded.sha256, recorded.size) if recorded else (self.sha256, self.size)


def resolve(spec: WeightSpec, settings: Settings) -> Path:
    """Return the path of the file on this machine, without using the network.

    Raises:
        ModelMissingError: it is not here; the message names the command that pulls it.
        WeightsError: its size differs from that of its spec.
    """
    path = spec.packaged or settings.weights_dir / spec.name
    if not path.is_file():
        way_out = (
            f"it ships with omnisearch and is missing from this installation ({path})"
            if spec.packaged
            else f"run `omnisearch models pull {spec.name}`, or name the model in its place for all files that it needs"
        )
        raise ModelMissingError(f"the weight file {spec.name} is not on this machine: {way_out}")
    size, wanted = path.stat().st_size, spec.held_to(settings.weights_dir)[1]
    if wanted is not None and size != wanted:
        raise WeightsError(
            f"{path} has {size} bytes, not {wanted}: remove it and run `omnisearch models pull {spec.name}`"
        )
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(spec: WeightSpec, path: Path, folder: Path | None = None) -> str:
    """Hash a file against its spec, or the lock file of `folder`, and return the hash.

    `folder` is the weights directory; by default, that in which the file lies.

    Raises:
        WeightsError: the content has another hash; names the file and both hashes.
    """
    folder = folder or path.parents[spec.name.count("/")]
    wanted, found = spec.held_to(folder)[0], sha256_of(path)
    if wanted is not None and found != wanted:
        said = f"{path}: {spec.name} should have sha256 {wanted}, this file has {found}"
        if spec.sha256 is None:
            record = folder / weights_lock.LOCK
            said += f"; it was recorded in {record} when first pulled, and has changed here or at its source"
        raise WeightsError(said)
    return found
