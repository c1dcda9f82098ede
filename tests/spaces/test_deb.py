"""A weight file in a Debian package is taken out of it, and a package with other content is refused."""

import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import pull as pulling
from omnisearch.spaces.weights.pull import pull
from omnisearch.spaces.weights.spec import Deb, WeightSpec, sha256_of

CONTENT = bytes(range(256)) * 20
MEMBER = "usr/share/toy/toy.bin"
ADDRESS = "https://deb.example.org/toy_1_all.deb"


def tar(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def deb(data: bytes, name: str = "data.tar.xz") -> bytes:
    """An ar archive, which has members of odd sizes before that of the files."""
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", name: data}
    parts = [b"!<arch>\n"]
    for member, content in members.items():
        parts.append(f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content)
        parts.append(b"\n" * (len(content) % 2))
    return b"".join(parts)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], WeightSpec]:
    """Serve a package at the address, and return the spec of the file in it."""

    def served(package: bytes) -> WeightSpec:
        def download(address: str, folder: Path, size: int | None, advance: object) -> Path:
            assert (address, size) == (ADDRESS, len(package))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "part").write_bytes(package)
            return folder / "part"

        monkeypatch.setattr(pulling, "download", download)
        (tmp_path / "toy.bin").write_bytes(CONTENT)
        source = Deb(ADDRESS, len(package), MEMBER)
        return WeightSpec("toy.bin", sha256_of(tmp_path / "toy.bin"), len(CONTENT), "MIT", (source,))

    return served


def test_a_file_is_taken_out_of_a_package(settings: Settings, serve: Callable[[bytes], WeightSpec]) -> None:
    counted: list[int] = []
    spec = serve(deb(tar(**{"usr/share/toy/other.bin": b"x" * 700, MEMBER: CONTENT})))
    assert pull(spec, settings, counted.append).read_bytes() == CONTENT
    assert sum(counted) == len(CONTENT)
    assert [path.name for path in settings.weights_dir.rglob("*") if path.is_file()] == ["toy.bin"]


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (b"<html>not here</html>", "not a Debian package"),
        (deb(tar(**{MEMBER: CONTENT}), "data.tar.zst"), "not a Debian package with data.tar.xz"),
        (deb(tar(**{"usr/share/toy/other.bin": CONTENT})), "the package does not have it"),
        (deb(tar(**{MEMBER: CONTENT * 2})), f"it is no file of {len(CONTENT)} bytes"),
        (deb(tar(**{MEMBER: CONTENT})[:-160]), "the package is damaged"),
        (deb(lzma.compress(b"no tar" * 400)), "the package is damaged"),
        (deb(tar(**{MEMBER: CONTENT[::-1]})), "should have sha256"),
    ],
)
def test_another_package_is_refused_and_leaves_nothing(
    settings: Settings, serve: Callable[[bytes], WeightSpec], package: bytes, reason: str
) -> None:
    with pytest.raises(WeightsError, match=reason):
        pull(serve(package), settings)
    assert not any(path.is_file() for path in settings.weights_dir.rglob("*"))
