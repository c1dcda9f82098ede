"""Virtual environments of peers, in .peers, which git ignores.

An environment imports the packages of ours, so the encoder runs on the same torch. In addition it has the peer, and
each package of which the peer requires another version. Our own environment is not changed.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".peers"


def loop_environment() -> dict[str, str]:
    """Return the variables of a process that runs bench/loops: it imports from this checkout."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "indexer", ROOT / "training")))
    return {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | {"PYTHONPATH": path}


class PeerMissingError(Exception):
    """A peer cannot be installed here; the message says why, in one line."""


@dataclass(frozen=True)
class Peer:
    """A package of the registry: its name, and the requirements to install, of which the first is the peer itself."""

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return FOLDER / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        """The folder of the packages that only its environment has."""
        major, minor = sys.version_info[:2]
        return self.folder / "lib" / f"python{major}.{minor}" / "site-packages"

    @cached_property
    def version(self) -> str:
        """The installed version; empty if there is none."""
        found = next(iter(Distribution.discover(name=self.name, path=[str(self.site)])), None)
        return found.version if found else ""

    def install(self) -> None:
        """Make the environment, unless it has these requirements.

        Raises:
            PeerMissingError: pip cannot install them.
        """
        marker = self.folder / "requirements.txt"
        wanted = "\n".join(self.requirements) + "\n"
        if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
            return
        venv.create(self.folder, clear=True)
        (self.site / "shared.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        done = subprocess.run([*pip, *self.requirements], capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise PeerMissingError((lines or done.stderr.splitlines() or ["pip failed"])[-1])
        marker.write_text(wanted, encoding="utf-8")


RCLIP = Peer("rclip", ("rclip==3.3.0",))
# clip-retrieval requires clip-anytorch, which imports `packaging` from pkg_resources: newer versions of setuptools lack
# it.
CLIP_RETRIEVAL = Peer("clip-retrieval", ("clip-retrieval==2.45.0", "setuptools<70"))
TXTAI = Peer("txtai", ("txtai[api]==9.14.0",))
