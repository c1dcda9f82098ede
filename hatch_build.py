"""What a build of the wheel does: it takes the built search page with it, and fails without one."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Ships `web/dist` as `omnisearch/_web`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page to a wheel. An editable installation serves it from `web/dist`.

        Raises:
            FileNotFoundError: the page is not built.
        """
        page = Path(self.root) / "web" / "dist"
        if version == "editable":
            return
        if not (page / "index.html").is_file():
            raise FileNotFoundError(
                f"the search page is not built: {page}/index.html is missing; run `make page` first"
            )
        build_data["force_include"][str(page)] = "omnisearch/_web"
