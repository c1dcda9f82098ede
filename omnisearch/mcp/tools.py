"""The tools: search, locate, item, similar and status."""

import base64
import binascii
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel, ConfigDict, Field

from omnisearch import __version__
from omnisearch.client.asynchronous import AsyncClient
from omnisearch.client.running import Server
from omnisearch.errors import NotFoundError, OmnisearchError, QueryError
from omnisearch.mcp.guide import GUIDE
from omnisearch.query.expressions import Expression, ItemRef, Summand, Term
from omnisearch.query.grammar import check_file, parse, split
from omnisearch.query.query import Sort
from omnisearch.schema.hit import HitOut

P = ParamSpec("P")
T = TypeVar("T")
RETRIES = 15  # a server that was just started loads its model
MAX_MEDIA = 4
MAX_MEDIA_CHARACTERS = 8 << 20  # of one file in base64
MAX_IMAGES, MAX_IMAGE_BYTES = 5, 200_000  # in one answer
ITEM_URI = "omnisearch://items/"

Modality = Literal["text", "image", "audio", "video", "point_cloud"]
Limit = Annotated[int, Field(ge=1, le=50)]


class Media(BaseModel):
    """A file as base64; the extension of `name` tells its format. It is added to the query with `weight`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")]
    data: Annotated[str, Field(max_length=MAX_MEDIA_CHARACTERS)]
    weight: Annotated[float, Field(ge=-10, le=10)] = 1.0


class Tools:
    """The tools of an assistant, over a client of a server. With `files`, queries may name files of this machine."""

    def __init__(self, client: AsyncClient, files: bool) -> None:
        self._client, self._files = client, files

    async def search(
        self,
        query: str = "",
        media: Annotated[list[Media], Field(max_length=MAX_MEDIA)] = [],  # noqa: B006 - pydantic copies it
        modalities: list[Modality] | None = None,
        where: list[str] | None = None,
        sort: Sort = "relevance",
        limit: Limit = 10,
        images: bool = True,
    ) -> list[ContentBlock]:
        """Find items of the collection by text, files, items and operators; the prompt `query_language` explains them.

        `sort` orders the relevant items: the most relevant, the last taken or the last modified first, or by name.
        `images` shows thumbnails of the first hits.
        """
        with self._expression(query, media) as expression:
            more: dict[str, Any] = {"limit": limit, "where": where or [], "sort": sort}
            if modalities:
                more["modalities"] = modalities
            answer = await self._client.search(expression, **more)
        return await self._shown(answer.hits, images, answer.nothing_matches)

    async def similar(
        self, item_id: str, modalities: list[Modality] | None = None, limit: Limit = 10
    ) -> list[ContentBlock]:
        """Find the items that are most similar to an item, in any modality."""
        more: dict[str, Any] = {"modalities": modalities} if modalities else {}
        answer = await self._client.search(ItemRef(item_id), limit=limit, **more)
        return await self._shown(answer.hits, True, answer.nothing_matches)

    async def locate(self, query: str, item_id: str, limit: Limit = 5) -> list[ContentBlock]:
        """Find the parts of a sound, a video, a text or a picture that match a query."""
        found = await self._client.locate(self._parse(query), ItemRef(item_id), limit)
        return [_text(found.model_dump(mode="json"))]

    async def item(self, item_id: str) -> list[ContentBlock]:
        """Show the facts of an item, with a thumbnail and a link."""
        known = await self._client.item(item_id)
        facts = known.model_dump(mode="json", exclude={"readings"})  # those of a film are long
        return [_text(facts), *await self._thumbnail(item_id), _link(item_id, known.path)]

    async def status(self) -> list[ContentBlock]:
        """Show the number of indexed segments, and the model."""
        return [_text((await self._client.status()).model_dump(mode="json"))]

    async def picture(self, item_id: str) -> bytes:
        """Return a picture of an item."""
        return await self._client.preview(item_id)

    async def _shown(self, hits: Sequence[HitOut], images: bool, nothing_matches: bool) -> list[ContentBlock]:
        rows = [hit.model_dump(mode="json", include=_SHOWN, exclude_unset=True) for hit in hits]
        blocks: list[ContentBlock] = [_text({"hits": rows, "nothing_matches": nothing_matches})]
        for hit in hits[:MAX_IMAGES] if images else ():
            blocks += await self._thumbnail(hit.id)
        return blocks + [_link(hit.id, hit.path) for hit in hits]

    async def _thumbnail(self, item_id: str) -> list[ContentBlock]:
        try:
            data = await self.picture(item_id)
        except NotFoundError:  # a text, or a file that is gone
            return []
        if len(data) > MAX_IMAGE_BYTES:
            return []
        return [ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type="image/webp")]

    def _parse(self, query: str) -> Expression:
        """Parse a query, and check that the files it names exist."""
        asked = parse(split(query), files=self._files)
        for term in asked.terms:
            if isinstance(term.source, Path):
                check_file(term.source)
        return asked

    @contextmanager
    def _expression(self, query: str, media: Sequence[Media]) -> Iterator[Any]:
        """Parse a query, and write its media to files for the length of the block."""
        asked = self._parse(query) if query.strip() else None
        with tempfile.TemporaryDirectory(prefix="omnisearch-") as folder:
            terms = [_written(each, Path(folder) / str(n)) for n, each in enumerate(media)]
            if not terms and asked is None:
                raise QueryError("give a query, media, or both")
            for term in terms:
                if asked is not None and not isinstance(asked, Summand):
                    raise QueryError("media can only be added to a sum of terms: leave out AND, OR, NOT and THEN")
                asked = term if asked is None else asked + term
            yield asked


_SHOWN = {"id", "path", "modality", "relevance", "score", "segment", "snippet", "mime", "missing", "mtime", "taken"}


def _written(media: Media, folder: Path) -> Term:
    folder.mkdir()
    path = folder / media.name
    try:
        path.write_bytes(base64.b64decode(media.data, validate=True))
    except (binascii.Error, ValueError):
        raise QueryError(f"{media.name}: `data` is not base64") from None
    return Term(path, media.weight, label=media.name)


def _text(shown: Any) -> TextContent:
    return TextContent(type="text", text=json.dumps(shown, ensure_ascii=False))


def _link(item_id: str, path: str) -> ResourceLink:
    return ResourceLink(type="resource_link", uri=f"{ITEM_URI}{item_id}", name=Path(path).name, mime_type="image/webp")


def _tells(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Show errors of omnisearch to the assistant; the SDK hides errors that it does not know."""

    @wraps(method)
    async def tool(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await method(*arguments, **named)
        except OmnisearchError as error:
            raise ToolError(str(error)) from None

    return tool


def _strict(tool: Tool) -> Tool:
    """Refuse unknown arguments, which the SDK would ignore: an answer to half a question looks like an answer."""
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters["additionalProperties"] = False
    return tool


def build_server(server: Server, files: bool) -> MCPServer:
    """Build the MCP server over a running server; with `files`, queries may name files of this machine."""
    tools = Tools(AsyncClient(server.url, server.key or "", server.collection, retries=RETRIES), files)
    methods = (tools.search, tools.locate, tools.item, tools.similar, tools.status)
    strict = [_strict(Tool.from_function(_tells(method), structured_output=False)) for method in methods]
    built = MCPServer("omnisearch", version=__version__, instructions=GUIDE, log_level="WARNING", tools=strict)
    built.prompt("query_language", description="How to write a query")(lambda: GUIDE)
    built.resource(ITEM_URI + "{item_id}", name="picture of an item", mime_type="image/webp")(tools.picture)
    return built
