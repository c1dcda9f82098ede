"""Addresses of objects, such as s3://BUCKET/PREFIX, and the folders of their copies."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.paths import is_within

MIRRORS_FOLDER = "mirrors"
_ADDRESS = re.compile(r"(s3|gs)://([^/]*)/?(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ObjectAddress:
    """The objects of a bucket whose key is `prefix` or begins with it and a slash; all objects if it is empty."""

    protocol: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return self.of(self.prefix) if self.prefix else f"{self.protocol}://{self.bucket}"

    def of(self, key: str) -> str:
        """Return the address of one object of the bucket."""
        return f"{self.protocol}://{self.bucket}/{key}"

    def bucket_mirror(self, settings: Settings) -> str:
        """Return the absolute path of the folder with the copies of the bucket's objects, without links."""
        return os.path.realpath(settings.index_dir / MIRRORS_FOLDER / self.protocol / self.bucket)

    def mirror(self, settings: Settings) -> str:
        """Return the path of the copies of these objects: a folder, or the file of a single object."""
        bucket = self.bucket_mirror(settings)
        return f"{bucket}/{self.prefix}" if self.prefix else bucket


Place: TypeAlias = Path | ObjectAddress


def parse_place(text: str) -> Place:
    """Parse a path of this machine, or an address of objects.

    Raises:
        UsageError: the address has no bucket, or a prefix that no file can have as its path.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return Path(text)
    from omnisearch_indexer.object_store.key_paths import key_fault

    protocol, bucket, prefix = match[1], match[2], match[3].removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        shown = bucket.rpartition("@")[2]  # what is before an @ may be a secret
        raise UsageError(
            f"{protocol}://{shown}: {shown!r} is no name of a bucket: write {protocol}://BUCKET or "
            f"{protocol}://BUCKET/PREFIX. Credentials belong to the environment or to the files of the store's tools"
        )
    if prefix and (fault := key_fault(prefix)):
        raise UsageError(f"{text!r}: {fault}: name another prefix")
    return ObjectAddress(protocol, bucket, prefix)


def addresses_in(places: Iterable[Place]) -> list[ObjectAddress]:
    """Return the places that are addresses."""
    return [place for place in places if isinstance(place, ObjectAddress)]


def local_path(place: Place, settings: Settings) -> Path:
    """Return the path of a place on this machine: that of the copies, for an address."""
    return Path(place.mirror(settings)) if isinstance(place, ObjectAddress) else place


def outermost(addresses: list[ObjectAddress]) -> list[ObjectAddress]:
    """Return the addresses that are within no other one, without repetitions."""
    texts = {str(address): address for address in addresses}
    return [one for text, one in texts.items() if not any(is_within(text, top) for top in texts.keys() - {text})]
