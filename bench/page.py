"""The page against its budgets, in Debian's Chromium: python bench/page.py http://127.0.0.1:8000/

Needs a running server over an index with previews, such as that of the demo. It prints each figure, its limit, and
their ratio. Chromium's trace says which frames of a scroll were dropped, and how long each thread of the page computed.
The scroll of a page without content, turn by turn, shows how many frames the machine itself drops. On a busy machine,
only the times of computing say something of the page: they do not count waiting. The 2,000 hits are those of the
server, repeated.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

LIMITS = {
    "script of the first load, kB gzip": 60.0,
    "computing from the navigation to painted results, ms": 300.0,
    "answer to painted results, ms": 300.0,
    "answer to all previews of the screen, ms": 500.0,
    "computing for a frame of a scroll, ms": 1000 / 60,
    "dropped frames of a scroll, share more than without content": 0.05,
}
CARDS, PAGE, TURNS = 2000, 500, 3
KNOWN = 100  # hits of the server
PIXELS_A_SECOND, SECONDS = 1500, 6
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TRACED = ["cc", "benchmark", "toplevel", "disabled-by-default-devtools.timeline.frame"]
PAGE_THREADS = ("CrRendererMain", "Compositor")
# The first frame with cards, the last preview of the screen, and the end of the answer, in milliseconds.
WATCH = """
const seen = () => [...document.querySelectorAll("article img")].filter((image) => {
  const { top, bottom } = image.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
});
const step = (now) => {
  if (!window.painted && document.querySelector("article")) window.painted = now;
  const shown = seen();
  if (window.painted && !window.whole && shown.every((image) => image.complete)) window.whole = now;
  if (!window.whole) requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""
SPENT = """() => {
  const answer = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/v1/search")).responseEnd;
  return [window.painted - answer, window.whole - answer];
}"""


def first_load(browser: Any, page: Any, url: str) -> Iterator[tuple[str, float]]:
    """Open a query a few times; give the size of its scripts and the times of its results."""
    scripts: dict[str, int] = {}

    def sized(response: Any) -> None:
        if response.request.resource_type == "script":
            scripts[response.url] = len(gzip.compress(response.body()))

    page.on("response", sized)
    spent = []
    for _ in range(1 + 2 * TURNS):
        page.goto(f"{url}?text=1:a+dog")
        page.wait_for_function("() => window.whole")
        spent.append(page.evaluate(SPENT))
    page.remove_listener("response", sized)

    def load() -> None:
        page.goto(f"{url}?text=1:a+dog")
        page.wait_for_function("() => window.painted")

    work = [computed(traced(browser, page, load)) for _ in range(TURNS)]
    painted, whole = zip(*spent[1:], strict=True)  # the first one warms the server
    yield "script of the first load, kB gzip", sum(scripts.values()) / 1000
    yield "computing from the navigation to painted results, ms", median(work)
    yield "answer to painted results, ms", median(painted)
    yield "answer to all previews of the screen, ms", median(whole)


def repeat_hits(page: Any) -> None:
    """Answer searches with CARDS hits: those of the server, again and again under ids of their own."""
    known: list[dict[str, Any]] = []

    def search(route: Any) -> None:
        asked = route.request.post_data_json
        start = int(asked.pop("cursor", 0))
        if not known:
            answer = route.fetch(post_data=json.dumps({**asked, "limit": KNOWN}))
            known.extend(answer.json()["hits"])
        hits = [
            known[n % len(known)] | {"id": f"{n}~{known[n % len(known)]['id']}"} for n in range(start, start + PAGE)
        ]
        following = str(start + PAGE) if start + PAGE < CARDS else None
        found = {"hits": hits, "took_ms": {}, "next_cursor": following, "nothing_matches": False}
        route.fulfill(json={**found, "cut": 0.0, "matching": {}})

    def item(route: Any) -> None:
        path = urlsplit(route.request.url)
        parts = [part.split("~")[-1].split("%7E")[-1] for part in path.path.split("/")]
        route.continue_(url=path._replace(path="/".join(parts)).geturl())

    page.route("**/v1/search", search)
    page.route("**/v1/items/**", item)


def fill(page: Any, url: str) -> None:
    """Load all pages of the results, and go back to the first card."""
    page.goto(f"{url}?text=1:a+dog")
    page.mouse.move(640, 600)
    while page.locator("article").count() < CARDS:
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(100)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1000)


def traced(browser: Any, page: Any, act: Callable[[], object]) -> list[dict[str, Any]]:
    """Return the events of Chromium's trace while something happens on a page."""
    page.bring_to_front()  # the other page draws no frames
    browser.start_tracing(page=page, categories=TRACED)
    act()
    events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    return events


def computed(events: list[dict[str, Any]]) -> float:
    """Return the milliseconds for which the busier thread of a page computed, without the waits for a processor."""
    threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e.get("name") == "thread_name"}
    spent: Counter[tuple[int, int]] = Counter()
    for event in events:
        if event.get("name") == "ThreadControllerImpl::RunTask" and "tdur" in event:
            spent[event["pid"], event["tid"]] += event["tdur"]
    return max(spent[key] for key, name in threads.items() if name in PAGE_THREADS) / 1000


def dropped(events: list[dict[str, Any]]) -> float:
    """Return the share of frames that were not shown in time."""
    reporters = [event["args"]["frame_reporter"] for event in events if "frame_reporter" in event.get("args", {})]
    states = Counter(reporter["state"] for reporter in reporters)
    late, whole = states["STATE_DROPPED"], states["STATE_PRESENTED_ALL"] + states["STATE_PRESENTED_PARTIAL"]
    assert whole, "the trace has no frames"
    return late / (late + whole)


def scrolled(browser: Any, page: Any, distance: int) -> list[dict[str, Any]]:
    """Scroll down by a distance in pixels and jump back; return the events of the scroll."""
    session = page.context.new_cdp_session(page)
    gesture = {"x": 640, "y": 600, "yDistance": -distance, "speed": PIXELS_A_SECOND, "gestureSourceType": "mouse"}
    events = traced(browser, page, lambda: session.send("Input.synthesizeScrollGesture", gesture))
    page.evaluate("scrollTo(0, 0)")
    return events


def scroll(browser: Any, page: Any, bare: Any, url: str) -> Iterator[tuple[str, float]]:
    """Scroll through the cards, and through a page of the same height without content, turn by turn."""
    repeat_hits(page)
    fill(page, url)
    height = page.evaluate("document.documentElement.scrollHeight")
    bare.set_content(f"<div style='height:{height}px'></div>")
    distance = min(height - 1000, SECONDS * PIXELS_A_SECOND)
    turns = [(scrolled(browser, page, distance), scrolled(browser, bare, distance)) for _ in range(TURNS)]
    shares = [(dropped(events), dropped(others)) for events, others in turns]
    print(f"{height:,} pixels of {CARDS:,} cards; frames dropped with and without them: {shares}")
    frames = 60 * distance / PIXELS_A_SECOND
    yield "computing for a frame of a scroll, ms", median(computed(events) for events, _ in turns) / frames
    yield "dropped frames of a scroll, share more than without content", median(one - other for one, other in shares)


def main() -> None:
    """Measure, and print a line for each budget."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    url = parser.parse_args().url.rstrip("/") + "/"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        page, bare = context.new_page(), context.new_page()
        page.add_init_script(WATCH)
        for name, figure in chain(first_load(browser, page, url), scroll(browser, page, bare, url)):
            print(f"{name}: {figure:.3g} of {LIMITS[name]:g}, {figure / LIMITS[name]:.2f} of the budget")
        browser.close()


if __name__ == "__main__":
    main()
