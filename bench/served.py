"""Texts searched over HTTP: omnisearch against txtai, with the same encoder: python bench/served.py

Notes are indexed by `omnisearch index`, and by txtai through its HTTP interface (`POST /add`, `GET /index`) with its
usual storage: faiss, and SQLite with the texts. Both then serve, each in a process of its own and with its defaults.
The text encoder of both is that of `mini`, which txtai calls as an external function. In each round one client, then
16 clients search both servers for new texts, ten hits each. omnisearch also searches words. txtai comes from the
package registry, into an environment of its own in `.peers`. Needs the weights (`omnisearch models pull`), and Linux.
"""

import argparse
import http.client
import json
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from bench import synthesized
from bench.peer_environment import TXTAI, PeerMissingError, loop_environment
from bench.process_tree import adopt_orphans, cpu_seconds
from bench.results import Report, add_json_option
from bench.serving import SERVE, unseen
from bench.serving import serving as serve_omnisearch
from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files

ROOT = Path(__file__).parent.parent
CLIENTS, LIMIT, SENT = 16, 10, 200
PATIENCE_SECONDS = 300
CONFIG = """
path: {place}
writable: true
embeddings:
  method: external
  transform: bench.loops.encoder.embed_texts
  content: true
"""
RATIOS = ("one client, time", "one client, processor time", f"{CLIENTS} clients, time")

Ask = Callable[[http.client.HTTPConnection, str], int]


@contextmanager
def serve_txtai(place: Path) -> Iterator[str]:
    """Run txtai's server; yields its host and port once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = place / "config.yml"
    config.write_text(CONFIG.format(place=place / "index"), encoding="utf-8")
    changes = {"CONFIG": str(config), "ALLOW_RESOLVE_TRANSFORM": "True"}
    command = [TXTAI.python, ROOT / "bench" / "loops" / "run_txtai.py", str(port)]
    environment = loop_environment() | changes
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_listening(process, port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_until_listening(process: subprocess.Popen[str], port: int) -> None:
    """Wait until a server accepts connections.

    Raises:
        PeerMissingError: the process ended, or does not listen in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            raise PeerMissingError((process.stderr.read().strip().splitlines() or ["its server ended silently"])[-1])
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise PeerMissingError(f"its server did not listen within {PATIENCE_SECONDS} seconds")


def exchange(connection: http.client.HTTPConnection, method: str, path: str, sent: Any = None) -> Any:
    """Send a request, and return the answer's JSON."""
    body = None if sent is None else json.dumps(sent)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.load(answer)
    assert answer.status == 200, found
    return found


def ask_omnisearch(connection: http.client.HTTPConnection, text: str) -> int:
    """Search for a text; return the number of hits."""
    return len(exchange(connection, "POST", "/v1/search", {"query": {"text": text}, "limit": LIMIT})["hits"])


def ask_txtai(connection: http.client.HTTPConnection, text: str) -> int:
    """Search for a text; return the number of hits."""
    return len(exchange(connection, "GET", f"/search?query={quote(text)}&limit={LIMIT}"))


def fill_txtai(place: str, texts: list[str]) -> None:
    """Send texts to txtai, and let it index them."""
    with closing(http.client.HTTPConnection(place, timeout=PATIENCE_SECONDS)) as connection:
        for at in range(0, len(texts), SENT):
            exchange(
                connection,
                "POST",
                "/add",
                [{"id": at + n, "text": each} for n, each in enumerate(texts[at : at + SENT])],
            )
        exchange(connection, "GET", "/index")


def one_client(place: str, ask: Ask, texts: list[str]) -> tuple[float, float]:
    """Ask texts one by one; return the median and the processor time of a query in milliseconds."""
    spent, before = [], cpu_seconds()
    with closing(http.client.HTTPConnection(place, timeout=60)) as connection:
        for text in texts:
            start = time.perf_counter()
            hits = ask(connection, text)
            spent.append(1000 * (time.perf_counter() - start))
            assert hits == LIMIT, f"{hits} hits"
    return median(spent), 1000 * (cpu_seconds() - before) / len(texts)


def many_clients(place: str, ask: Ask, texts: list[str]) -> float:
    """Let clients ask as fast as they can; return the seconds for all texts."""
    waiting = list(texts)

    def client() -> None:
        with closing(http.client.HTTPConnection(place, timeout=60)) as connection:
            while waiting:
                ask(connection, waiting.pop())

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def compare(report: Report, sides: dict[str, tuple[str, Ask]], texts: int, rounds: int) -> None:
    """Ask both servers in turns."""
    draw = random.Random(0)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
    for place, ask in sides.values():
        one_client(place, ask, unseen(draw, CLIENTS))
    for _ in range(rounds):
        for name, (place, ask) in sides.items():
            alone = one_client(place, ask, unseen(draw, texts))
            found[name].append((*alone, many_clients(place, ask, unseen(draw, 4 * texts))))
    ours, theirs = found.values()
    for at, name in enumerate(RATIOS):
        ratios = [mine[at] / other[at] for mine, other in zip(ours, theirs, strict=True)]
        report.add(f"{name}, over txtai", "ratio", ratios, texts, peer="txtai", peer_version=TXTAI.version)
    for name, rows in found.items():
        report.add(f"a text asked of {name} by one client", "ms", [row[0] for row in rows], texts)
        rates = [4 * texts / row[2] for row in rows]
        report.add(f"texts asked of {name} by {CLIENTS} clients", "texts/s", rates, 4 * texts, "higher")


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=100, help="in a round, by one client")
    parser.add_argument("--rounds", type=int, default=5)
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    adopt_orphans()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        place = Path(name)
        media, data = place / "notes", place / "data"
        media.mkdir()
        synthesized.notes(media, given.notes)
        index_files([media], load_settings(model="mini", data_dir=data))
        try:
            TXTAI.install()
            with serve_omnisearch(data, SERVE) as ours, serve_txtai(place) as theirs:
                fill_txtai(theirs, [path.read_text(encoding="utf-8") for path in sorted(media.iterdir())])
                sides = {"omnisearch": (ours, ask_omnisearch), "txtai": (theirs, ask_txtai)}
                compare(report, sides, given.texts, given.rounds)
        except PeerMissingError as error:
            for ratio in RATIOS:
                report.miss(f"{ratio}, over txtai", "ratio", str(error), peer="txtai")
    report.show()
    report.write(given.json)


if __name__ == "__main__":
    main()
