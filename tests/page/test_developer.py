"""The query for programs, and the reference of the API."""

import ast
import json
import shlex
from typing import Any

from omnisearch import ItemRef, Term, UploadRef
from omnisearch.query.grammar import parse
from omnisearch.query.slices import parse_slice
from tests.api.conftest import IDS
from tests.page.conftest import BROWSER

pytestmark = BROWSER

ADDRESS = f"./?view=developer&text=1:a dog's bed&item=-0.5:{IDS['im']}&join=then&text=2:a bark&in=audio"
DOG, PICTURE = Term("a dog's bed"), ItemRef(IDS["im"])


def shown(page: Any, language: str) -> str:
    page.get_by_text(language, exact=True).first.click()
    return str(page.locator("pre").inner_text())


def test_each_language_asks_what_the_page_asks(page: Any) -> None:
    page.goto(ADDRESS)
    first = DOG - 0.5 * Term(PICTURE)
    command = shlex.split(shown(page, "Command line"))
    assert command[:2] == ["omnisearch", "search"]
    assert parse(command[2 : command.index("--in")]) == first >> Term("a bark", 2.0)
    tree = ast.parse(shown(page, "Python"))
    call = next(
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("search")
    )
    names = {"Term": Term, "ItemRef": ItemRef, "UploadRef": UploadRef, "parse_slice": parse_slice}
    assert eval(ast.unparse(call.args[0]), names) == first >> 2 * Term("a bark")
    assert ast.literal_eval(next(word.value for word in call.keywords if word.arg == "modalities")) == ["audio"]
    body = json.loads(shown(page, "JSON"))
    assert body["query"] == {
        "then": [
            [{"text": "a dog's bed", "weight": 1}, {"item_id": IDS["im"], "weight": -0.5}],
            [{"text": "a bark", "weight": 2}],
        ]
    }
    curl = shlex.split(shown(page, "curl").replace("\\\n", ""))
    assert json.loads(curl[curl.index("-d") + 1]) == body


def test_the_reference_shows_the_operations_of_this_server(page: Any) -> None:
    page.goto("./?view=developer")
    page.get_by_text("/v1/search/batch", exact=True).click()
    page.get_by_text("SearchBatchOut").wait_for()
    assert page.locator("details").count() == len(
        [None for methods in page.request.get("v1/openapi.json").json()["paths"].values() for _ in methods]
    )


def test_the_program_can_be_copied(page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(ADDRESS)
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("curl http://127.0.0.1:")
