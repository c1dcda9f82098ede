"""A store of objects, which fsspec reads. Its settings and credentials are those of fsspec and of the store's tools."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from omnisearch.errors import MediaError, NotReadyError, Reason
from omnisearch_indexer.object_store.address import ObjectAddress
from omnisearch_indexer.object_store.key_paths import StoredObject

CHUNK_BYTES = 8 << 20
MESSAGE_CHARACTERS = 300


class ObjectStore:
    """The stores of one protocol. Its methods may be called by several threads."""

    def __init__(self, protocol: str) -> None:
        """Open it; this sends no request.

        Raises:
            NotReadyError: a package of the extra `objects` is not installed, or the settings of the store are wrong.
        """
        try:
            import fsspec

            # Every run needs the present listing, and needs it once.
            self._files = fsspec.filesystem(protocol, use_listings_cache=False, skip_instance_cache=True)
        except ImportError as error:
            raise NotReadyError(
                f"{protocol}:// cannot be read: {error}: run `pip install 'omnisearch[objects]'`"
            ) from None
        except Exception as error:  # each store has exceptions of its own
            raise NotReadyError(
                f"{protocol}:// cannot be read: {_message(error)}; check the settings of the store"
            ) from None

    def find(self, address: ObjectAddress) -> list[StoredObject]:
        """List the objects at an address. There are none if the bucket does not exist.

        Raises:
            MediaError: not_copied; the store does not answer, or refuses.
        """
        try:
            found = _ask(self._files.find, f"{address.bucket}/{address.prefix}".rstrip("/"), detail=True)
        except FileNotFoundError:
            return []
        objects = []
        while found:  # an entry takes some 1 kB, and there may be millions
            name, entry = found.popitem()
            if entry.get("type") != "directory" and not (name.endswith("/") and not entry["size"]):
                objects.append(_stored(name[len(address.bucket) + 1 :], entry))
        return objects

    def read(self, bucket: str, stored: StoredObject) -> Iterator[bytes]:
        """Yield the content of an object in chunks of at most CHUNK_BYTES.

        Raises:
            MediaError: not_copied; it cannot be read, or it is not the object that was listed.
        """
        path = f"{bucket}/{stored.key}"
        try:
            for start in range(0, stored.size, CHUNK_BYTES):
                # An object that has grown sends more than was listed.
                chunk = _ask(self._files.cat_file, path, start=start, end=start + CHUNK_BYTES)
                if len(chunk) != min(CHUNK_BYTES, stored.size - start):
                    raise MediaError(Reason.NOT_COPIED, "it changed while it was copied")
                yield chunk
            # One chunk is of one version of the object; several may be of two.
            if stored.size >= CHUNK_BYTES and _stored(stored.key, _ask(self._files.info, path)) != stored:
                raise MediaError(Reason.NOT_COPIED, "it changed while it was copied")
        except FileNotFoundError:
            raise MediaError(Reason.NOT_COPIED, "it was deleted while it was copied") from None


def _ask(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        return call(*arguments, **options)
    except FileNotFoundError:
        raise
    except Exception as error:  # each store has exceptions of its own
        raise MediaError(Reason.NOT_COPIED, _message(error)) from None


def _message(error: Exception) -> str:
    """Return the message of an error in one line, without a user and password in a URL."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return re.sub(r"//[^/\s@]*@", "//", text)[:MESSAGE_CHARACTERS]


def _stored(key: str, entry: Mapping[str, Any]) -> StoredObject:
    """Make an object of its entry in a listing.

    The mtime of its copy is its time in seconds, with a hash of its version as the microseconds. So a replaced object
    has another one, also if its time and its size are the same, and the copies need no other record.
    """
    time = entry.get("LastModified") or entry.get("mtime")
    version = entry.get("generation") or entry.get("ETag") or entry.get("etag") or time
    seconds = int(time.timestamp()) if isinstance(time, datetime) else 0
    micros = int.from_bytes(sha256(str(version).encode()).digest()[:8], "big") % 10**6
    return StoredObject(key, int(entry["size"]), seconds * 10**9 + micros * 1000)
