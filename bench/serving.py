"""What a server adds to the engine, and what micro-batching saves: python bench/serving.py demo/data

Starts two servers over one index, one of them without micro-batching, and opens the engine in this process. In this one
run, turn by turn: 16 clients ask both servers texts that they have not seen; one client asks one text again and again,
over HTTP and in process. The rates and milliseconds are those of this machine at this moment; the ratios survive a busy
one. Needs the weights (`omnisearch models pull`) and an index of the model `mini`.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.results import Report, add_json_option
from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine

CLIENTS = 16
WORDS = ("dog", "rain", "old train", "small station", "tall green tree", "wooden chair", "door", "piano", "river")
SERVE = "from omnisearch.cli.serve import serve; serve(port=0)"
SETTING = "from omnisearch.search import engine; from omnisearch.search.plan import shared_encoding as encoding"
ALONE = f"{SETTING}; encoding.SHARED = engine.BATCH = 1; {SERVE}"


@contextmanager
def serving(data: Path, script: str) -> Iterator[str]:
    """Run a server; gives its host and port once it is ready."""
    environment = {**os.environ, "OMNISEARCH_DATA_DIR": str(data)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        place = urlsplit(process.stdout.readline().strip()).netloc
        try:
            while not is_ready(place):
                time.sleep(0.1)
            yield place
        finally:
            process.terminate()


def is_ready(place: str) -> bool:
    """Whether the server answers searches."""
    connection = http.client.HTTPConnection(place, timeout=60)
    connection.request("GET", "/readyz")
    status = connection.getresponse().status
    connection.close()
    return status == 200


def post(connection: http.client.HTTPConnection, text: str) -> Any:
    """Search for a text."""
    body = json.dumps({"query": {"text": text}})
    connection.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.load(answer)
    assert answer.status == 200, found
    return found


def load(place: str, texts: list[str]) -> tuple[float, list[float]]:
    """Let CLIENTS clients ask the texts of a list as fast as they can; return texts a second, and seconds for each."""
    spent: list[float] = []

    def client() -> None:
        with closing(http.client.HTTPConnection(place, timeout=60)) as connection:
            while texts:
                text, start = texts.pop(), time.perf_counter()
                post(connection, text)
                spent.append(time.perf_counter() - start)

    count, start = len(texts), time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - start), spent


def unseen(draw: random.Random, count: int) -> list[str]:
    """Return texts of three words and a number."""
    return [f"{' '.join(draw.sample(WORDS, 3))} {draw.randrange(10**9)}" for _ in range(count)]


def milliseconds(call: Callable[[], object], times: int = 100) -> float:
    """Return the median of a call's time."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return 1000 * median(spent)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--texts", type=int, default=480, help="how many each server is asked in each turn")
    parser.add_argument("--turns", type=int, default=3)
    add_json_option(parser)
    options, report = parser.parse_args(), Report(__file__)
    draw, query = random.Random(0), Query(Term("a dog"))
    batched, alone, spent, rest, inside = [], [], [], [], []
    with (
        serving(options.data, SERVE) as together,
        serving(options.data, ALONE) as one,
        Engine.open(load_settings(data_dir=options.data)) as engine,
    ):
        for place in (together, one):
            load(place, unseen(draw, 64))
        for _ in range(options.turns):
            rate, each = load(together, unseen(draw, options.texts))
            batched.append(rate)
            spent += each
            alone.append(load(one, unseen(draw, options.texts))[0])
            with closing(http.client.HTTPConnection(together, timeout=60)) as connection:
                rest.append(milliseconds(partial(post, connection, "a dog")))
            inside.append(milliseconds(lambda: engine.search(query)))
    ordered = sorted(1000 * each for each in spent)
    gains, added = ([a / b for a, b in zip(*both, strict=True)] for both in ((batched, alone), (rest, inside)))
    found = {
        f"texts a second, {CLIENTS} clients": median(batched),
        "p50 ms": median(ordered),
        "p95 ms": ordered[int(0.95 * len(ordered))],
        "p99 ms": ordered[int(0.99 * len(ordered))],
        "micro-batching over none": median(gains),
        "cached text over HTTP, p50 ms": median(rest),
        "cached text in process, p50 ms": median(inside),
        "HTTP over in process, ms": median(r - i for r, i in zip(rest, inside, strict=True)),
    }
    report.add(f"texts of {CLIENTS} clients", "texts/s", batched, options.texts, "higher")
    report.add("micro-batching, rate", "ratio", gains, options.texts, "higher", "a server without it")
    report.add("a cached text over HTTP, time", "ratio", added, 100, peer="the engine in process")
    report.add("a cached text over HTTP", "ms", rest, 100)
    report.write(options.json)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()
