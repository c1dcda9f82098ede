"""GET /v1/items/{id}/text: what its parameters mean, and what is refused."""

from itertools import pairwise
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files
from tests.api.conftest import IDS, open_client, wait_until_ready


def test_a_text_has_passages_with_their_places(client: TestClient) -> None:
    answer = client.get(f"/v1/items/{IDS['tx']}/text")
    passage = {"index": 0, "start": 0, "end": 14, "unit": "characters", "part": "", "text": "Ein Hund, caf\u00e9"}
    assert (answer.status_code, answer.json()) == (200, {"passages": [passage], "total": 1, "next_cursor": None})


@pytest.mark.parametrize("item", ["im", "au", "vi", "3d"])
def test_items_of_other_modalities_have_no_text(client: TestClient, item: str) -> None:
    answer = client.get(f"/v1/items/{IDS[item]}/text")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_text")


@pytest.mark.parametrize("wrong", ["limit=0", "limit=201", "limit=x", f"cursor={'a' * 8193}", "offset=5"])
def test_wrong_parameters_are_refused(client: TestClient, wrong: str) -> None:
    assert client.get(f"/v1/items/{IDS['tx']}/text?{wrong}").json()["code"] == "invalid_request"


def test_the_text_of_a_page_is_read_from_the_index_also_when_its_file_is_gone(
    hashed_model: Path, tmp_path: Path
) -> None:
    words = " ".join(f"word{n}" for n in range(900))
    page = tmp_path / "files" / "page.html"
    page.parent.mkdir()
    page.write_text(f"<h1>Head</h1><script>no()</script><p>{words}</p>")
    settings = load_settings(model=str(hashed_model))
    assert not index_files([page.parent], settings).failed
    page.unlink()
    with open_client(settings) as client:
        wait_until_ready(client)
        (entry,) = client.get("/v1/items").json()["items"]
        url, found, cursor = f"/v1/items/{entry['id']}/text", [], ""
        while cursor is not None:
            answer = client.get(url, params={"limit": 3, "cursor": cursor}).json()
            found, cursor = found + answer["passages"], answer["next_cursor"]
        assert len(found) == entry["segments"] == answer["total"] > 6
        text = "".join(p["text"][: n["start"] - p["start"]] for p, n in pairwise(found))
        assert (text + found[-1]["text"]).split() == ["Head", *words.split()]
        refused = client.get(f"{url}?cursor={client.get('/v1/items?limit=1').json()['next_cursor'] or 'x'}")
        assert (refused.status_code, refused.json()["code"]) == (422, "query")
