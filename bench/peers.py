"""Pictures indexed and searched by omnisearch and by its peers, with the same encoder: python bench/peers.py

The peers' own code runs: rclip's loop over a folder with its SQLite database, and clip-retrieval's inference,
autofaiss index and service. Both come from the package registry, into environments of their own in `.peers`; their
encoder, which would be downloaded from a hub, is replaced by that of `mini` (bench/loops). In each round every
program indexes the same pictures in a process of its own, after its encoder is loaded, and then answers 16 new texts.
omnisearch does more: it decodes pictures in sandboxed processes, also stores previews, metadata, words and the
embeddings of each space, and its searches also look up words. Processor time and memory are those of a process with
its descendants. Needs the weights (`omnisearch models pull`), and Linux.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import synthesized
from bench.loops.measured import FILE, TEXTS, Loop
from bench.peer_environment import CLIP_RETRIEVAL, RCLIP, Peer, PeerMissingError, loop_environment
from bench.results import Report, add_json_option

ROOT = Path(__file__).parent.parent
PEERS = {RCLIP: "run_rclip.py", CLIP_RETRIEVAL: "run_clip_retrieval.py"}
OURS = "run_omnisearch.py"
# The figures whose ratios are reported, with the names of the ratios.
RATIOS = {
    "index_seconds": "indexing pictures, time",
    "index_cpu": "indexing pictures, processor time",
    "index_peak_mib": "indexing pictures, memory",
    "index_mib": "index on the disk",
    "query_ms": "a text, time",
    "query_cpu_ms": "a text, processor time",
}


def run(python: Path, script: str, folder: Path) -> Loop:
    """Run a loop once in a process of its own, with an index in a new folder.

    Raises:
        PeerMissingError: the loop ended with an error.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        place = Path(name) / "index"
        command = [python, ROOT / "bench" / "loops" / script, folder, place]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=loop_environment())
        if done.returncode:
            raise PeerMissingError((done.stderr.strip().splitlines() or ["the loop failed without a message"])[-1])
        return Loop(**json.loads((place / FILE).read_text(encoding="utf-8")))


def measure(report: Report, pictures: int, rounds: int) -> None:
    """Run all loops in turns, and add ratios and our own figures to the report."""
    ours: list[Loop] = []
    theirs: dict[Peer, list[Loop]] = {peer: [] for peer in PEERS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        synthesized.photographs(folder, pictures)
        for _ in range(rounds):
            ours.append(run(Path(sys.executable), OURS, folder))
            for peer in list(theirs):
                try:
                    peer.install()
                    theirs[peer].append(run(peer.python, PEERS[peer], folder))
                except PeerMissingError as error:
                    del theirs[peer]
                    for name in RATIOS.values():
                        report.miss(f"{name}, over {peer.name}", "ratio", str(error), peer=peer.name)
    for peer, loops in theirs.items():
        for key, name in RATIOS.items():
            ratios = [getattr(mine, key) / getattr(other, key) for mine, other in zip(ours, loops, strict=True)]
            report.add(
                f"{name}, over {peer.name}", "ratio", ratios, pictures, peer=peer.name, peer_version=peer.version
            )
    for name, loops in ({"omnisearch": ours} | {peer.name: loops for peer, loops in theirs.items()}).items():
        rates = [pictures / loop.index_seconds for loop in loops]
        report.add(f"pictures indexed by {name}", "pictures/s", rates, pictures, "higher")
        report.add(f"a text asked of {name}", "ms", [loop.query_ms for loop in loops], len(TEXTS))
        report.add(f"memory of indexing by {name}", "MiB", [loop.index_peak_mib for loop in loops], pictures)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    measure(report, given.pictures, given.rounds)
    report.show()
    report.write(given.json)


if __name__ == "__main__":
    main()
