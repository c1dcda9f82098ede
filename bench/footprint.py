"""The size of an installation, beside those of peers: python bench/footprint.py

Adds up the files of omnisearch and of all packages that it requires, without extras, and the same for each peer. All
use the packages of this environment, so that packages such as torch have the same size everywhere. Bytecode, which
pip compiles and uv does not, is left out. The weights are the files that `omnisearch models pull` fetches for the
model `mini`.
"""

import argparse
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.peer_environment import CLIP_RETRIEVAL, RCLIP, TXTAI, Peer, PeerMissingError
from bench.results import Report, add_json_option

MB = 1e6
LARGEST = 6  # packages that are listed


def by_name(places: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed packages by name. If several places have one, that of the first place counts."""
    found: dict[str, Distribution] = {}
    for each in distributions(path=list(places)):
        found.setdefault(canonicalize_name(each.name), each)
    return found


def required(root: str, extras: set[str], known: dict[str, Distribution]) -> set[str]:
    """Return the names of a package and of all that it requires here."""
    wanted, seen = [(canonicalize_name(root), frozenset(extras))], set[tuple[str, frozenset[str]]]()
    for name, chosen in wanted:
        if (name, chosen) in seen or name not in known:
            continue
        seen.add((name, chosen))
        for line in known[name].requires or ():
            one = Requirement(line)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (*chosen, "")):
                wanted.append((canonicalize_name(one.name), frozenset(one.extras)))
    return {name for name, _ in seen}


def size(package: Distribution) -> int:
    """Return the bytes of the existing files of a package."""
    paths = (Path(str(package.locate_file(each))) for each in package.files or ())
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())


def installation(root: str, extras: set[str], places: Iterable[str]) -> tuple[float, int]:
    """Return the MB of a package with all that it requires, and the number of packages."""
    known = by_name(places)
    names = required(root, extras, known)
    return sum(size(known[name]) for name in names) / MB, len(names)


def largest(root: str, places: Iterable[str], count: int) -> dict[str, float]:
    """Return the MB of the largest packages that a package requires here."""
    known = by_name(places)
    sizes = {name: size(known[name]) / MB for name in required(root, set(), known)}
    return dict(sorted(sizes.items(), key=lambda each: -each[1])[:count])


def checkout() -> float:
    """Return the MB of omnisearch itself. In an editable installation its files are in the checkout."""
    root = Path(__file__).parent.parent
    sources = (root / "omnisearch", root / "indexer" / "omnisearch_indexer", root / "training" / "omnisearch_training")
    files = (path for folder in (*sources, root / "web" / "dist") for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc") / MB


def weights() -> float:
    """Return the MB of the weight files of the model `mini`."""
    from omnisearch.binding.installed import find_config
    from omnisearch.config import load_settings
    from omnisearch.spaces.registry import files_of
    from omnisearch.spaces.weights.spec import resolve

    settings = load_settings()
    files = files_of(tuple(find_config("mini", settings).projectors))
    return sum(resolve(file, settings).stat().st_size for file in files if not file.packaged) / MB


def main() -> None:
    """Print the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    site = sysconfig.get_paths()["purelib"]
    packages, count = installation("omnisearch", set(), [site])
    ours = packages + checkout()
    report.add("omnisearch with all packages that it requires", "MB", [ours], count)
    torch, _ = installation("torch", set(), [site])
    report.add("of this, torch with what it requires", "MB", [torch], 1)
    for name, each in largest("omnisearch", [site], LARGEST).items():
        report.add(f"of this, the package {name} alone", "MB", [each], 1)
    read, more = installation("omnisearch", {"read"}, [site])
    report.add("the extra read adds", "MB", [read - packages], more - count)
    report.add("weights of mini", "MB", [weights()], 1)
    for peer, extras in ((RCLIP, set[str]()), (CLIP_RETRIEVAL, set[str]()), (TXTAI, {"api"})):
        add_peer(report, peer, extras, ours, site)
    report.show()
    report.write(given.json)


def add_peer(report: Report, peer: Peer, extras: set[str], ours: float, site: str) -> None:
    """Add the size of a peer, and ours over it."""
    name = "installation, size"
    try:
        peer.install()
    except PeerMissingError as error:
        report.miss(f"{name}, over {peer.name}", "ratio", str(error), peer=peer.name)
        return
    theirs, count = installation(peer.name, extras, [str(peer.site), site])
    report.add(f"{peer.name} with all packages that it requires", "MB", [theirs], count, peer_version=peer.version)
    report.add(f"{name}, over {peer.name}", "ratio", [ours / theirs], 1, peer=peer.name, peer_version=peer.version)


if __name__ == "__main__":
    main()
