"""GET /v1/items: what its parameters mean, and what is refused."""

import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files
from tests.api.conftest import IDS, open_client, wait_until_ready


def ids(client: TestClient, **parameters: Any) -> list[str]:
    answer = client.get("/v1/items", params=parameters)
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json()["items"]]


def test_an_entry_tells_of_an_item_without_its_segments(client: TestClient) -> None:
    (entry,) = client.get("/v1/items?modalities=audio").json()["items"]
    whole = client.get(f"/v1/items/{IDS['au']}").json()
    del whole["readings"]
    assert entry == {**whole, "segments": 2, "snippet": ""}


def test_items_are_chosen_and_paged(client: TestClient) -> None:
    every = ids(client)
    assert every == sorted(IDS.values())
    assert set(ids(client, modalities="text,image")) == {IDS["tx"], IDS["ht"], IDS["im"]}
    assert ids(client, where=["mime:image/*", "path:*.png"]) == [IDS["im"]]
    assert ids(client, where="!tag:holiday") == every
    assert ids(client, where=["place:38.5,-9.2,5km", "year>=1999", "has:gps"]) == [IDS["au"]]
    first = client.get("/v1/items?limit=4").json()
    rest = client.get("/v1/items", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert [entry["id"] for page in (first, rest) for entry in page["items"]] == every
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "order=path",
        "order=--mtime",
        "order=-id",
        "modalities=smell",
        "modalities=",
        "where=size>",
        "where=colour:red",
        "where=place:38.5,-9.2",
        f"cursor={'a' * 8193}",
        "offset=5",
        "q=dog",
        "&".join(["where=size>1"] * 33),
    ],
)
def test_wrong_parameters_are_refused(client: TestClient, wrong: str) -> None:
    answer = client.get(f"/v1/items?{wrong}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text


def test_a_seed_selects_the_order_of_a_sample(client: TestClient) -> None:
    orders = [ids(client, order="sample", seed=seed) for seed in range(8)]
    assert ids(client, order="sample") == orders[0]
    assert len({tuple(order) for order in orders}) > 1
    assert all(sorted(order) == sorted(IDS.values()) for order in orders)
    assert client.get(f"/v1/items?order=sample&seed={2**32}").status_code == 422


def test_a_real_index_is_listed_newest_first_and_refuses_the_cursors_of_other_lists(
    hashed_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for n, word in enumerate(("one", "two", "three", "four")):
        (folder / f"{word}.txt").write_text(word * (5 - n))
        os.utime(folder / f"{word}.txt", (1.6e9 + n, 1.6e9 + n))
    settings = load_settings(model=str(hashed_model))
    assert not index_files([folder], settings).failed
    with open_client(settings) as client:
        wait_until_ready(client)
        taken = client.get("/v1/items?order=-taken").json()  # by the last change: none of these texts says when
        assert [entry["mtime"] for entry in taken["items"]] == [1.6e9 + n for n in (3, 2, 1, 0)]
        first = client.get("/v1/items?order=-mtime&limit=3").json()
        assert [Path(entry["path"]).stem for entry in first["items"]] == ["four", "three", "two"]
        cursor = first["next_cursor"]
        rest = client.get(f"/v1/items?order=-mtime&limit=3&cursor={cursor}").json()
        assert ([Path(entry["path"]).stem for entry in rest["items"]], rest["next_cursor"]) == (["one"], None)
        searched = client.get("/v1/search?q=one&limit=1").json()["next_cursor"]
        for query in (
            f"cursor={cursor}",
            f"order=mtime&cursor={cursor}",
            f"order=-mtime&modalities=text&cursor={cursor}",
            f"order=-mtime&where=size>1&cursor={cursor}",
            f"order=-mtime&cursor={searched}",
            "cursor=nonsense",
        ):
            refused = client.get(f"/v1/items?{query}")
            assert (refused.status_code, refused.json()["code"]) == (422, "query"), query
        assert client.get(f"/v1/search?q=one&cursor={cursor}").json()["code"] == "query"
