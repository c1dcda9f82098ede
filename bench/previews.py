"""How soon a first screen shows its previews: python bench/previews.py demo/data

Serves an index and requests the small previews of 40 items at once, over 6 connections as browsers do: those that
exist, and those that do not, which are deleted before. Then it asks for one that exists while others are made. The
times are those of this machine at this moment; the last column compares them with the page's budget for previews that
exist.
"""

import argparse
import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import uvicorn

from omnisearch.api.app import create_app
from omnisearch.cli.listening import listen
from omnisearch.config import Settings, load_settings
from omnisearch.renditions.kept import KeptRenditions

SCREEN, CONNECTIONS, TURNS = 40, 6, 5
BUDGET_SECONDS = 0.5  # for a screen of previews that exist
SEED = 7


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Run a server in this process, which makes no previews by itself; gives its port once it is ready."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), ws="none", log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    try:
        while status(port, "/readyz") != 200:
            time.sleep(0.1)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def status(port: int, path: str) -> int:
    """Request a path on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def screen(port: int) -> list[str]:
    """The ids of a random sample of items that have previews."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    kinds = "&".join(f"modalities={kind}" for kind in ("image", "audio", "video", "point_cloud"))
    connection.request("GET", f"/v1/items?order=sample&seed={SEED}&limit={SCREEN}&{kinds}")
    return [item["id"] for item in json.loads(connection.getresponse().read())["items"]]


def load(port: int, ids: Sequence[str]) -> float:
    """Request all previews; return the seconds from the first request to the last answer."""
    connections = threading.local()

    def get(item_id: str) -> None:
        if not hasattr(connections, "own"):
            connections.own = http.client.HTTPConnection("127.0.0.1", port)
        connections.own.request("GET", f"/v1/items/{item_id}/preview")
        answer = connections.own.getresponse()
        body = answer.read()
        assert answer.status == 200, body

    begun = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as browser:
        list(browser.map(get, ids))
    return time.perf_counter() - begun


def beside(port: int, kept: KeptRenditions, ids: Sequence[str]) -> float:
    """The longest time of a preview that exists, in seconds, while all others are made."""
    kept.delete(ids[1:])
    longest = 0.0
    with ThreadPoolExecutor(1) as other:
        making = other.submit(load, port, ids[1:])
        while not making.done():
            begun = time.perf_counter()
            assert status(port, f"/v1/items/{ids[0]}/preview") == 200
            longest = max(longest, time.perf_counter() - begun)
        making.result()
    return longest


def main() -> None:
    """Measure and print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the data directory of an index")
    settings = load_settings(data_dir=parser.parse_args().data)
    kept = KeptRenditions(settings)
    with serving(settings) as port:
        ids = screen(port)
        load(port, ids)  # starts the decoders
        exist = [load(port, ids) for _ in range(TURNS)]
        made = []
        for _ in range(2):
            kept.delete(ids)
            made.append(load(port, ids))
        rows = {
            f"{len(ids)} that exist": median(exist),
            f"{len(ids)} that are made": median(made),
            "one that exists, while others are made, at most": beside(port, kept, ids),
        }
    for name, seconds in rows.items():
        print(f"{name:50} {seconds * 1000:8.0f} ms   {seconds / BUDGET_SECONDS:6.2f} of the budget")


if __name__ == "__main__":
    main()
