"""A store of objects in memory, which lists and sends them as s3fs does, and fails where it is told to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from unittest.mock import patch

import fsspec
from fsspec.registry import _registry

TIME = datetime(2024, 5, 17, 12, 30, tzinfo=UTC)


@dataclass
class FakeObjects:
    """The objects by bucket and key, with their times; the requests that were made.

    `faults` are raised instead of an answer to the listing of a bucket or the content of an object, by bucket/key.
    `sizes` are listed in place of the true ones. `sent` is called after each part of a content was sent.
    """

    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: dict[str, Exception] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    sent: Callable[[], object] = lambda: None

    def put(self, name: str, content: bytes, time: datetime = TIME) -> None:
        self.objects[name] = content, time

    def entry(self, name: str) -> Mapping[str, Any]:
        content, time = self.objects[name]
        size = self.sizes.get(name, len(content))
        return {
            "name": name,
            "size": size,
            "type": "file",
            "ETag": f'"{md5(content).hexdigest()}"',
            "LastModified": time,
        }

    def copied(self) -> list[str]:
        """Return the objects whose content was asked for since the last call, and forget the requests."""
        names = [request.removeprefix("GET ") for request in self.requests if request.startswith("GET ")]
        self.requests.clear()
        return sorted(names)

    def files(self) -> type[fsspec.AbstractFileSystem]:
        """Return the class that fsspec is to have."""
        fake = self

        class Files(fsspec.AbstractFileSystem):
            cachable = False

            def find(self, path: str, detail: bool = False, **_: Any) -> dict[str, Mapping[str, Any]]:
                assert detail
                fake.requests.append(f"LIST {path}")
                fake.check(path.partition("/")[0])
                within = [name for name in fake.objects if name.startswith(f"{path}/")]
                return {name: fake.entry(name) for name in within or [name for name in fake.objects if name == path]}

            def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
                fake.requests.append(f"GET {path}")
                fake.check(path)
                part = fake.objects[path][0][start:end]
                fake.sent()
                return part

            def info(self, path: str, **_: Any) -> Mapping[str, Any]:
                fake.requests.append(f"HEAD {path}")
                return fake.entry(path)

        return Files

    def check(self, name: str) -> None:
        if name in self.faults:
            raise self.faults[name]


@contextmanager
def fake_objects() -> Iterator[FakeObjects]:
    """Put a fake in the place of s3fs and of gcsfs."""
    fake = FakeObjects()
    files = fake.files()
    with patch.dict(_registry, {"s3": files, "gs": files}):
        yield fake
