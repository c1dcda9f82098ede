"""The search page: built files, shipped inside the wheel."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

# Vite names these files by a hash of their content.
ASSETS = "assets"
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
NOT_BUILT = "The search page is not built: run `make page` in the folder of omnisearch. The API works without it.\n"


def page_folder() -> Path:
    """Return the folder of the page: `omnisearch/_web` in a wheel, `web/dist` in a checkout. It may be absent there."""
    package = Path(str(files("omnisearch")))
    shipped = package / "_web"
    return shipped if shipped.is_dir() else package.parent / "web" / "dist"


def page_routes() -> list[Route]:
    """Return one route for each file of the page, so that an unknown path of the API never returns the page."""
    folder = page_folder()
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    if "index.html" not in names:
        return [Route("/", lambda _: PlainTextResponse(NOT_BUILT, 503))]
    static = StaticFiles(directory=folder)

    async def file(request: Request) -> Response:
        name = request.url.path.removeprefix(request.scope.get("root_path", "")).lstrip("/") or "index.html"
        answer = await static.get_response(name, request.scope)
        if name.startswith(f"{ASSETS}/"):
            answer.headers.update(KEPT)
        return answer

    return [Route("/", file), *(Route(f"/{name}", file) for name in names)]
