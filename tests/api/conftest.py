"""A collection of a few files behind a scripted engine, and the app over it."""

import io
import os
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import numpy as np
import pytest
import uvicorn
from blake3 import blake3
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from omnisearch.api.app import create_app
from omnisearch.cli.listening import listen
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NoTextError, NotFoundError, OmnisearchError, QueryError
from omnisearch.media.file import ID_DIGITS
from omnisearch.media.previews.webp import webp
from omnisearch.media.rendition import AnyRendition, PagePicture, Rendition
from omnisearch.metadata import Metadata
from omnisearch.query.expressions import Expression, ItemRef, Term
from omnisearch.query.query import Query
from omnisearch.search.counts import ItemCounts, Totals, tally
from omnisearch.search.item_list import ItemPage, Selection
from omnisearch.search.item_text import Passage, TextPage
from omnisearch.search.locate.results import Located, Location, LocationPart
from omnisearch.search.map import Map
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.search.shuffled import Shuffle
from omnisearch.search.suggestions import Suggestion, Suggestions
from omnisearch.stores.base import Order, Payload
from omnisearch.types import Answer, Floats, Hit, Match, Modality, Region, Role, Segment

BOXES = [Region(0.5, 0.25, 0.25, 0.5, relative=True), Region(0.0, 0.0, 0.25, 0.25, relative=True)]
PATIENCE_SECONDS = 60.0
HOSTILE_NAME = "<img src=x onerror=alert(1)> \u202egpj.exe.html"


@dataclass(frozen=True)
class ToyModel:
    name: str = "toy"
    dim: int = 8
    modalities: tuple[Modality, ...] = tuple(Modality)


@dataclass
class ScriptedEngine:
    """Gives every item as a hit, in order; remembers the queries and what the files of their terms held."""

    payloads: Sequence[Payload]
    model: ToyModel = ToyModel()
    queries: list[Query] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    before: Callable[[Query], None] = lambda query: None
    warmed: list[Modality] = field(default_factory=list)
    embedded: list[Term] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    located: list[tuple[Expression, str | bytes, int]] = field(default_factory=list)
    while_looking: Callable[[Callable[[], bool]], None] = lambda stopped: None
    while_searching: Callable[[Query, Budget], None] = lambda query, budget: None
    closed: bool = False
    nothing_matches: bool = False

    def search(self, query: Query, budget: Budget = UNLIMITED) -> Answer:
        self.before(query)
        self.while_searching(query, budget)
        self.queries.append(query)
        self.contents += [term.source.read_bytes() for term in query.terms if isinstance(term.source, Path)]
        firsts = {p.item_id: p for p in reversed(self.payloads) if p.modality in query.modalities}
        hits = [_hit(p, rank, query) for rank, p in enumerate(reversed(firsts.values()))]
        took_ms = {"embed": 1.0, "search": 2.0, "total": 3.0}
        return Answer(tuple(hits[: query.limit]), took_ms, nothing_matches=self.nothing_matches)

    def search_each(self, asked: Sequence[Query], budget: Budget = UNLIMITED) -> list[Answer | OmnisearchError]:
        """An answer for each query, and an error where its first term is the text "wrong"."""
        return [
            QueryError("that is wrong") if query.terms[0].source == "wrong" else self.search(query, budget)
            for query in asked
        ]

    def warm(self, modalities: Iterable[Modality]) -> None:
        self.warmed += modalities

    def embed(self, terms: Sequence[Term], budget: Budget = UNLIMITED, role: Role = Role.QUERY) -> list[Floats]:
        """For each term a vector that says how long its text is, or its file and the ending of that."""
        self.embedded += terms
        self.roles.append(role)
        return [np.array([*_measured(term), *[0.0] * (self.model.dim - 2)], np.float32) for term in terms]

    def locate(self, query: Expression, source: Path | ItemRef, limit: int, budget: Budget) -> Located:
        """Two places of a picture, or of a sound for an item of that kind; remembers what was in the file."""
        looked_at = source.id if isinstance(source, ItemRef) else source.read_bytes()
        self.located.append((query, looked_at, limit))
        self.while_looking(budget.stopped)
        timed = isinstance(source, ItemRef) and self.item(source.id)[0].modality in (Modality.AUDIO, Modality.VIDEO)
        ats = [Segment(4, 2.0, 4.0, "seconds"), Segment(18, 9.0, 11.0, "seconds")] if timed else BOXES
        places = [
            Location(at, 0.4, relevance, tuple(LocationPart(str(leaf), at, 0.4, relevance) for leaf in query.leaves))
            for at, relevance in zip(ats, (0.9, 0.3), strict=True)
        ]
        return Located(Modality.AUDIO if timed else Modality.IMAGE, tuple(places[:limit]), 181)

    def item(self, item_id: str) -> tuple[Payload, ...]:
        found = tuple(p for p in self.payloads if p.item_id == item_id)
        if not found:
            raise NotFoundError(f"no item {item_id!r} in the index")
        return found

    def first(self, item_id: str) -> Payload:
        return self.item(item_id)[0]

    def items(self, chosen: Selection, order: Order | Shuffle, limit: int, cursor: str = "") -> ItemPage:
        """A page whose cursor is the number of items before the next one."""
        firsts = [p for p in self.payloads if p.segment.index == 0 and p.modality in chosen.modalities]
        found = [p for p in firsts if all(condition.holds(p) for condition in chosen.where)]
        if isinstance(order, Shuffle):
            Random(order.seed).shuffle(found)
        else:
            key = attrgetter("item_id" if order.field == "id" else order.field)
            found.sort(key=key, reverse=order.descending)
        start = int(cursor or 0)
        end = start + limit
        return ItemPage(tuple(found[start:end]), str(end) if end < len(found) else None)

    def text(self, item_id: str, limit: int, cursor: str = "") -> TextPage:
        """The snippet as the only passage."""
        snippet, modality = self.item(item_id)[0].snippet, self.item(item_id)[0].modality
        if modality is not Modality.TEXT:
            raise NoTextError(f"item {item_id} has no text")
        return TextPage((Passage(0, 0, len(snippet), snippet, ""),), 1, None)

    def count_items(self, chosen: Selection) -> ItemCounts:
        return tally(self.items(chosen, Order(), len(self.payloads)).items)

    def suggest(self, typed: str, limit: int) -> Suggestions:
        """The names of files that contain the typed letters."""
        names = {Path(p.path).name for p in self.payloads if typed in Path(p.path).name}
        return Suggestions(tuple(Suggestion(name, "name", 1) for name in sorted(names)[:limit]), exact=True)

    def totals(self) -> Totals:
        kinds = [p.modality for p in self.payloads if p.segment.index == 0]
        return Totals({m: kinds.count(m) for m in Modality}, self.counts(), None, None)

    def outdates(self, kept: Map) -> bool:
        return kept.items != len({p.item_id for p in self.payloads})

    def counts(self) -> dict[Modality, int]:
        return {m: sum(p.modality is m for p in self.payloads) for m in Modality}

    def close(self) -> None:
        self.closed = True


class ToyRenderer:
    """A flat picture for all that is not text; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.while_asked: Callable[[], None] = lambda: None
        self.closed = False

    def render(self, path: Path, fd: int, rendition: AnyRendition) -> bytes | None:
        self.asked.append(os.pread(fd, 1 << 20, 0))
        self.while_asked()
        if path.suffix in {".txt", ".html"} and not isinstance(rendition, PagePicture):
            return None
        if rendition is Rendition.PEAKS:
            return b'{"duration":1.5,"min":[-3,0],"max":[0,127]}'
        if rendition is Rendition.GLB:
            return b"glTF" + (2).to_bytes(4, "little") + (20).to_bytes(4, "little") + bytes(8)
        side = 128 if rendition is Rendition.LARGE else 32
        return webp(np.full((24, side, 3), (90, 120, 200), np.uint8), side)

    def close(self) -> None:
        self.closed = True


def _measured(term: Term) -> tuple[float, float]:
    if isinstance(term.source, Path):
        return float(len(term.source.read_bytes())), float(len(term.source.suffix))
    return float(len(str(term.source))), 0.0


def _hit(p: Payload, rank: int, query: Query) -> Hit:
    matched = tuple(Match(str(term), term.weight, 0.1) for term in query.terms)
    score = 0.9 - rank / 10
    group = {"": "", "modality": str(p.modality), "day": "2023-07-14"}[query.group]
    return Hit(p.item_id, p.path, p.modality, score, score, p.segment, matched, p.snippet, p.mime, group=group)


def tone(seconds: float = 0.2) -> bytes:
    """A WAV file of silence."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * int(8000 * seconds)))
    return sound.getvalue()


def picture(color: tuple[int, int, int] = (200, 90, 40)) -> bytes:
    """A small PNG file."""
    image = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(image, "PNG")
    return image.getvalue()


FILES: dict[str, tuple[str, bytes, Modality, str, str]] = {
    "im": ("dog.png", picture(), Modality.IMAGE, "image/png", ""),
    "au": ("bark.wav", tone(), Modality.AUDIO, "audio/wav", ""),
    "tx": ("poem.txt", "Ein Hund, caf\u00e9".encode(), Modality.TEXT, "text/plain", "Ein Hund, caf\u00e9"),
    "ht": (HOSTILE_NAME, b"<script>alert(2)</script>", Modality.TEXT, "text/html", "<script>alert(2)</script>"),
    "vi": ("run.mp4", b"not really a film", Modality.VIDEO, "video/mp4", ""),
    "3d": ("dog.glb", b"glTF", Modality.POINT_CLOUD, "model/gltf-binary", ""),
}
IDS = {name: blake3(content).hexdigest()[:ID_DIGITS] for name, (_, content, *_) in FILES.items()}


METADATA = Metadata(title="Rain", keywords=("sea", "dog"), latitude=38.5, longitude=-9.25, year=1999)


@pytest.fixture
def payloads(tmp_path: Path) -> tuple[Payload, ...]:
    """See `write_payloads`."""
    return write_payloads(tmp_path / "collection")


def write_payloads(folder: Path) -> tuple[Payload, ...]:
    """Six items of five modalities; the sound has two segments and the page has a hostile name."""
    folder.mkdir()
    rows = []
    for name, (file_name, content, modality, mime, snippet) in FILES.items():
        path = folder / file_name
        path.write_bytes(content)
        rows.append(Payload(item_id=IDS[name], modality=modality, path=str(path), mime=mime, snippet=snippet))
    sound = replace(rows[1], duration=12.0, segments=2, metadata=METADATA)
    rows[1:2] = [replace(sound, segment=Segment(i, 10.0 * i, 10.0 * i + 2, "seconds")) for i in (0, 1)]
    return tuple(rows)


@pytest.fixture
def engine(payloads: tuple[Payload, ...]) -> ScriptedEngine:
    return ScriptedEngine(payloads)


@pytest.fixture
def renderer() -> ToyRenderer:
    return ToyRenderer()


@pytest.fixture
def settings() -> Settings:
    return load_settings()


@pytest.fixture
def client(engine: ScriptedEngine, renderer: ToyRenderer, settings: Settings) -> Iterator[TestClient]:
    """A client of a server that is ready; the warm-up's traces are gone."""
    with open_client(settings, engine_factory=lambda _: engine, renderer_factory=lambda _: renderer) as client:
        wait_until_ready(client)
        engine.queries.clear()
        yield client


@cache
def description() -> dict[str, Any]:
    """The OpenAPI description, which is that of every app: one takes 0.1 s to make it."""
    return create_app(load_settings()).openapi()


def open_client(settings: Settings, **parts: Any) -> TestClient:
    app = create_app(settings, **{"renderer_factory": lambda _: ToyRenderer(), **parts})
    app.openapi_schema = description()
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@contextmanager
def serving(app: FastAPI, **options: Any) -> Iterator[int]:
    """A real server for the app on a real socket; gives its port."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, ws="none", log_level="critical", **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


@contextmanager
def server_process(data_dir: Path, model: Path, *flags: str, **variables: str) -> Iterator[str]:
    """`omnisearch serve` as a process of its own, over an index and ready; gives its address."""
    places = {"OMNISEARCH_DATA_DIR": str(data_dir), "OMNISEARCH_MODEL": str(model)}
    command = [sys.executable, "-m", "omnisearch", "serve", "--port", "0", *flags]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **places, **variables}
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
                wait_until_ready(client)
            yield url
        finally:
            process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


def wait_until_ready(client: httpx2.Client) -> None:
    from time import monotonic, sleep

    end = monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert monotonic() < end, client.get("/readyz").text
        sleep(0.01)
