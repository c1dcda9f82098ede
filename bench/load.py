"""How a server behaves under load: python bench/load.py demo/data [--seconds 180] [--out bench/load.json]

Copies the index, serves the copy and asks it texts that it has not seen: one client; 16 clients; 16 clients while files
are indexed; and as many clients as fill its queue five times, which ask five times as much as it can answer. Meanwhile
slow clients send a head or a body a byte at a time. Needs the weights of the index's model. Prints one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 16
QUEUE = 80  # text queries that run or wait at a time; beyond them a query gets 503
OVERLOAD = 5
PAUSE = 0.25  # seconds before a refused client asks again
SLOW = 10
PATIENCE = 90.0  # longer than the server waits for a body
WORDS = ("dog", "rain", "old train", "small station", "tall green tree", "wooden chair", "door", "piano", "river")
OMNISEARCH = (sys.executable, "-m", "omnisearch")


@dataclass
class Phase:
    """What the clients of one phase saw."""

    seconds: float = 0.0
    spent: list[float] = field(default_factory=list)  # of the answered texts
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0

    def shown(self) -> dict[str, float]:
        """Return rate and percentiles, in milliseconds."""
        ordered = sorted(1000 * each for each in self.spent) or [0.0]
        found = {f"p{n} ms": round(ordered[min(len(ordered) - 1, n * len(ordered) // 100)], 1) for n in (50, 95, 99)}
        return {"texts a second": round(self.statuses[200] / self.seconds, 1), **found}


@contextmanager
def serving(data: Path, folder: Path) -> Iterator[tuple[str, int, int]]:
    """Run a server whose jobs may index a folder; gives its host, port and process id."""
    environment = {**os.environ, "OMNISEARCH_DATA_DIR": str(data), "OMNISEARCH_INDEX_ROOTS": str(folder)}
    with subprocess.Popen([*OMNISEARCH, "serve", "--port", "0"], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        place = urlsplit(process.stdout.readline().decode().strip())
        try:
            yield str(place.hostname), int(place.port or 0), process.pid
        finally:
            process.terminate()


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else 0.0


async def answered(reader: asyncio.StreamReader) -> tuple[int, bool, bool]:
    """Read an answer; return its status, whether it says when to come back, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head[9:12]), b"\r\nretry-after: " in head, b"connection: close" not in head


def request(host: str, text: str) -> bytes:
    """Write a search for a text."""
    body = json.dumps({"query": {"text": text}}).encode()
    head = f"POST /v1/search HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def client(host: str, port: int, draw: random.Random, end: float, phase: Phase, pause: float) -> None:
    """Ask one text after another until the end."""
    writer = None
    while time.monotonic() < end:
        if writer is None:
            reader, writer = await asyncio.open_connection(host, port)
        text, start = f"{' '.join(draw.sample(WORDS, 3))} {draw.randrange(10**9)}", time.perf_counter()
        writer.write(request(host, text))
        try:
            status, retry_after, kept = await answered(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            status, retry_after, kept = 0, True, False  # the server hung up
        phase.statuses[status] += 1
        if not kept:
            writer.close()
            writer = None
        if status == 200:
            phase.spent.append(time.perf_counter() - start)
        else:
            phase.without_retry_after += not retry_after
            await asyncio.sleep(pause)
    if writer is not None:
        writer.close()


async def load(host: str, port: int, clients: int, seconds: float, seed: int, pause: float = PAUSE) -> Phase:
    """Let clients ask for some seconds."""
    phase, start = Phase(), time.monotonic()
    draws = [random.Random(1000 * seed + number) for number in range(clients)]
    await asyncio.gather(*(client(host, port, draw, start + seconds, phase, pause) for draw in draws))
    phase.seconds = time.monotonic() - start
    return phase


async def dawdle(host: str, port: int, sent: bytes) -> float:
    """Send a request a byte a second; return after how many seconds the server hung up, or PATIENCE."""
    reader, writer = await asyncio.open_connection(host, port)
    start = time.monotonic()
    writer.write(sent)
    while time.monotonic() - start < PATIENCE:
        try:
            async with asyncio.timeout(1):
                while await reader.read(65536):
                    pass
            break
        except TimeoutError:
            writer.write(b"x")
        except ConnectionError:
            break
    writer.close()
    return time.monotonic() - start


async def ask(host: str, port: int, method: str, path: str, sent: Any = None) -> Any:
    """Send a request on a connection of its own; return the JSON of the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    body = b"" if sent is None else json.dumps(sent).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    return json.loads(answer)


async def index_without_end(host: str, port: int, folder: Path, jobs: Counter[str]) -> None:
    """Index new pictures and texts by one job after the other, until it is cancelled; count how they end."""
    from PIL import Image

    number = 0
    while True:
        for _ in range(200):
            number += 1
            (folder / f"{number}.txt").write_text(f"The {number}th story of {WORDS[number % len(WORDS)]}.")
            Image.effect_noise((96, 96), number % 100 + 1).save(folder / f"{number}.png")
        job = await ask(host, port, "POST", "/v1/jobs", {"kind": "index", "paths": [str(folder)]})
        while (state := (await ask(host, port, "GET", f"/v1/jobs/{job['id']}"))["state"]) in ("queued", "running"):
            await asyncio.sleep(0.5)
        jobs[state] += 1


async def watch(pid: int, every: float, seen: list[float]) -> None:
    """Note the memory of a process at intervals, until it is cancelled."""
    while True:
        seen.append(resident(pid))
        await asyncio.sleep(every)


async def wait_until_ready(host: str, port: int) -> None:
    """Ask /readyz until it says yes."""
    while True:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        status, *_ = await answered(reader)
        writer.close()
        if status == 200:
            return
        await asyncio.sleep(0.2)


async def measure(data: Path, seconds: float) -> dict[str, Any]:
    """Run every phase over an index, to which it writes."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        serving(data, Path(folder)) as (host, port, pid),
    ):
        await wait_until_ready(host, port)
        await load(host, port, CLIENTS, seconds / 10, 1)  # warm up
        one = await load(host, port, 1, seconds / 10, 2)
        full = await load(host, port, CLIENTS, seconds / 5, 3)
        head = f"POST /v1/search HTTP/1.1\r\nHost: {host}\r\n".encode()
        body = head + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        slow = {
            name: [asyncio.create_task(dawdle(host, port, sent)) for _ in range(SLOW)]
            for name, sent in (("head", head + b"X-A: "), ("body", body))
        }
        memory, jobs = list[float](), Counter[str]()
        beside = [
            asyncio.create_task(index_without_end(host, port, Path(folder), jobs)),
            asyncio.create_task(watch(pid, max(1, seconds / 18), memory)),
        ]
        indexing = await load(host, port, CLIENTS, seconds, 4)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        before = await load(host, port, CLIENTS, seconds / 5, 5)
        capacity = before.statuses[200] / before.seconds
        # Those that find no place in the queue ask so often that all ask OVERLOAD times as much as can be answered.
        pause = QUEUE / capacity
        over = await load(host, port, OVERLOAD * QUEUE, seconds / 5, 6, pause)
        cut = {name: max(await asyncio.gather(*tasks)) for name, tasks in slow.items()}
    phases = {"one client": one, "16 clients": full, "16 clients, indexing": indexing}
    refused = sum(count for status, count in over.statuses.items() if status != 200)
    return {
        **{name: phase.shown() for name, phase in phases.items()},
        "unplanned": sum(
            n for phase in (one, full, indexing, before) for status, n in phase.statuses.items() if status != 200
        )
        + sum(n for status, n in over.statuses.items() if status not in (200, 503)),
        "overload": {
            "clients": OVERLOAD * QUEUE,
            "asked over capacity": round(over.statuses.total() / over.seconds / capacity, 1),
            "goodput over capacity": round(over.statuses[200] / over.seconds / capacity, 2),
            "refused": refused,
            "refused without Retry-After": over.without_retry_after,
            "p99 ms": over.shown()["p99 ms"],
        },
        "slow senders, longest seconds": {name: round(longest, 1) for name, longest in cut.items()},
        "memory MB": memory,
        "index jobs": dict(jobs),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--out", type=Path, help="a file to write it to, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        shutil.copytree(options.data, Path(place) / "data", ignore=shutil.ignore_patterns("worker.*"))
        found = asyncio.run(measure(Path(place) / "data", options.seconds))
    text = json.dumps(found, indent=1)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
