"""Take pictures of the page over the demo's index: a newcomer's path, from the first look to a mesh that turns.

    python -m demo.pictures DATA_DIR OUT [--steps home,words] [--widths 360,768,1280,1920] [--schemes light,dark]

It starts a server over DATA_DIR, follows the path in Debian's Chromium at each width and in each colour scheme, and
writes OUT/STEP-WIDTH-SCHEME.png. Whatever a page logs as an error ends it.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

HEIGHTS = {360: 740, 768: 1024, 1280: 800, 1920: 1080}
READY_SECONDS = 120
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
# The steps of the path: a name, and the address, in which {kind:name} is the id of an item.
STEPS = {
    "home": "",
    "words": "?text=1:dog",
    "bark-finds": "?item=1:{dog barking 2.ogg}&in=point_cloud",
    "composed": "?item=1:{dog.png}&text=1:barking&in=video",
    "mesh": "?text=1:dog&open={dog.glb}",
    "picture": "?text=1:bridge&in=image",
    "sound": "?text=1:dog&open={dog barking 2.ogg}",
    "map": "?view=map",
    "library": "?view=library",
    "developer": "?view=developer&text=1:dog",
}


def main() -> None:
    """Take the pictures that the arguments ask for."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with _server(arguments.data_dir) as address, _browser() as browser:
        steps = {name: _with_ids(STEPS[name], address) for name in arguments.steps}
        for width in arguments.widths:
            for scheme in arguments.schemes:
                for name, step in steps.items():
                    picture = arguments.out / f"{name}-{width}-{scheme}.png"
                    _take(browser, address + step, picture, width, scheme)
                    sys.stdout.write(f"{picture}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take pictures of the page over an index of the demo.")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=lambda text: text.split(","), default=list(STEPS))
    parser.add_argument("--widths", type=lambda text: [int(part) for part in text.split(",")], default=list(HEIGHTS))
    parser.add_argument("--schemes", type=lambda text: text.split(","), default=["light", "dark"])
    return parser.parse_args()


@contextmanager
def _server(data_dir: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "omnisearch", "serve", "--data-dir", str(data_dir), "--port", str(port)]
    with subprocess.Popen(command) as server:
        address = f"http://127.0.0.1:{port}/"
        try:
            _wait(address)
            _draw_map(address)
            yield address
        finally:
            server.terminate()


def _wait(address: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            if httpx2.get(f"{address}readyz").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.5)
    sys.exit(f"the server at {address} was not ready after {READY_SECONDS} s")


def _draw_map(address: str) -> None:
    job = httpx2.post(f"{address}v1/jobs", json={"kind": "map"}).json()
    while job["state"] in {"queued", "running"}:
        time.sleep(0.5)
        job = httpx2.get(f"{address}v1/jobs/{job['id']}").json()


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or sys.exit("there is no chromium: run make browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def _with_ids(step: str, address: str) -> str:
    """Put the ids of items in the place of their names in braces."""
    while "{" in step:
        name = step.partition("{")[2].partition("}")[0]
        found = httpx2.get(f"{address}v1/items", params={"where": f"path:**/{name}"}).json()["items"]
        if not found:
            sys.exit(f"the index has no {name}: make it with make demo")
        step = step.replace(f"{{{name}}}", found[0]["id"])
    return quote(step, safe="?&=:%+!*/")


def _take(browser: Any, url: str, picture: Path, width: int, scheme: str) -> None:
    size = {"width": width, "height": HEIGHTS.get(width, 900)}
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce", has_touch=width < 600)
    page = context.new_page()
    page.set_default_timeout(1000 * READY_SECONDS)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(1500)  # what fades in or draws itself without a request
    page.screenshot(path=picture)
    context.close()
    if troubles:
        sys.exit(f"{url}: {troubles[0]}")


if __name__ == "__main__":
    main()
