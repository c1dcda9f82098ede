"""The search page: static files, shipped inside the wheel."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles


def page_folder() -> Path:
    """Return the folder of the page: `omnisearch/_web` in a wheel, `web/page` in a checkout."""
    package = Path(str(files("omnisearch")))
    shipped = package / "_web"
    return shipped if shipped.is_dir() else package.parent / "web" / "page"


def page_paths() -> frozenset[str]:
    """Return the paths of the page's files."""
    return frozenset({"/", *(f"/{file.name}" for file in page_folder().iterdir())})


def page_routes() -> list[Route]:
    """Return one route for each file of the page, so that an unknown path of the API never returns the page."""
    folder = StaticFiles(directory=page_folder())

    async def file(request: Request) -> Response:
        return await folder.get_response(request.path_params.get("name", "index.html"), request.scope)

    return [Route("/", file), Route("/{name}", file)]
