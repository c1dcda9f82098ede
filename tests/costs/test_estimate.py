"""The cost model: every figure is computed again here by hand, and every constant says where it comes from."""

import json
import re
from pathlib import Path

import pytest

from omnisearch.config import Quantization
from omnisearch.costs import constants
from omnisearch.costs.constants import Constant, Constants, Measurement
from omnisearch.costs.declarations import Hardware, Mix, declared, find_mix
from omnisearch.costs.estimate import estimate
from omnisearch.errors import UsageError
from tests import render_docs

ROOT = Path(__file__).parents[2]
DIM = 100
KINDS = {"segments": 2, "decode": 10, "encode": 30, "other": 5, "embeddings": 1000, "previews": 500}
PLANTED = {
    **{f"photo.{name}": value for name, value in KINDS.items()},
    **{f"note.{name}": 3 * value for name, value in KINDS.items()},
    "manifest.file": 200,
    "engine.empty": 1e6,
    "engine.base": 5e6,
    "engine.write": 1,
    "engine.memory": 3000,
    "engine.scan": 50,
    "engine.payload": 600,
    "engine.index": 300,
    "engine.ids": 30,
    "engine.most": 1e6,
    "graph.links": 70,
    "graph.build": 2,
    "head.base": 9e8,
    "head.file": 150,
    "head.cluster": 4,
    "server.base": 8e8,
    "server.cache": 1e8,
    "run.busy": 0.5,
    "graphics.cores": 40,
    "node.memory": 1e9,
    "node.filled": 0.8,
    "node.price": 0.5,
    "node.replicas": 2,
    "node.spare": 1.25,
    "disk.price": 0.1,
}
OWN = Hardware("a machine", cores=4, memory_gb=8)
RENTED = Hardware("a rented machine", cores=4, memory_gb=8, price_hour=2.0)
PHOTOS, HALF = Mix("photos", {"photo": 1.0}), Mix("half", {"photo": 0.5, "note": 0.5})


def planted() -> Constants:
    return Constants({name: Constant(value, "", "", assumed="planted") for name, value in PLANTED.items()})


def test_a_small_index_has_no_cluster() -> None:
    found = estimate(100_000, PHOTOS, OWN, DIM, planted())
    assert (found.points, found.nodes) == (200_000, 0)
    assert found.processors == pytest.approx(100_000 * 0.045 + 200_000 * 0.001)
    assert found.seconds == pytest.approx(found.processors / (4 * 0.5))
    assert found.vectors == pytest.approx(1e6 + 200_000 * (6 * DIM + 26 + 930))
    assert found.engine == pytest.approx(5e6 + 200_000 * 3000)
    assert found.head == pytest.approx(9e8 + 100_000 * 150)
    assert found.disk == pytest.approx(found.vectors + 100_000 * (1000 + 500 + 200))
    assert found.search == pytest.approx(200_000 * 50e-9)
    assert (found.indexing, found.month) == (None, None)


def test_a_mix_is_the_mean_of_its_kinds() -> None:
    assert estimate(1000, HALF, OWN, DIM, planted()).points == pytest.approx(1000 * (0.5 * 2 + 0.5 * 6))


@pytest.mark.parametrize(
    ("quantization", "searched", "codes"), [("none", 400, 0), ("int8", 104, 104), ("binary", 12.5, 12.5)]
)
def test_a_large_index_is_on_a_cluster(quantization: Quantization, searched: float, codes: float) -> None:
    found = estimate(10e6, PHOTOS, RENTED, DIM, planted(), quantization=quantization)
    one = 20e6 * (searched + 70 + 300 + 30) * 1.25
    assert found.engine == pytest.approx(2 * one)
    assert found.nodes == -(-2 * one // 0.8e9)
    assert found.vectors == pytest.approx(2 * 20e6 * (600 + codes + 400 + 600))
    hours = 10e6 * (0.045 + 2 * 0.001 + 2 * 0.002) / (4 * 0.5) / 3600
    assert found.indexing == pytest.approx(2 * hours)
    assert found.month == pytest.approx(730 * (2 + found.nodes * 0.5) + 0.1 * found.disk / 1e9)
    assert found.search is None


def test_one_machine_of_a_cluster_keeps_one_copy() -> None:
    found = estimate(600_000, PHOTOS, OWN, DIM, planted(), quantization="binary")
    assert found.nodes == 1
    assert found.engine == pytest.approx(1.2e6 * (12.5 + 400) * 1.25)


def test_a_graphics_card_encodes_while_the_cores_decode() -> None:
    card = Hardware("a machine with a card", cores=4, memory_gb=8, graphics=True)
    found = estimate(100_000, PHOTOS, card, DIM, planted())
    assert found.limit == "cores"
    assert found.seconds == pytest.approx((100_000 * 0.015 + 200_000 * 0.001) / 2)
    slow = Hardware("many cores with a card", cores=400, memory_gb=8, graphics=True)
    assert estimate(100_000, PHOTOS, slow, DIM, planted()).limit == "graphics card"


def test_many_machines_wait_for_the_head() -> None:
    found = estimate(100_000, PHOTOS, OWN, DIM, planted(), machines=1000)
    assert (found.limit, found.seconds) == ("head", pytest.approx(400))
    assert estimate(100_000, PHOTOS, OWN, DIM, planted(), machines=2).limit == "cores"


def test_every_kind_of_a_declared_mix_has_constants() -> None:
    for mix in declared().mixes.values():
        for hardware in declared().hardware.values():
            known = constants.load()
            estimate(1e9, mix, hardware, 384, known, machines=2)
            assert [n for n, each in known.used.items() if each.value <= 0 and not n.endswith(".previews")] == []


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"add up to 0\.9"):
        Mix("too little", {"photo": 0.5, "note": 0.4})


def test_an_unknown_mix_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'photo' is not declared; did you mean 'photos'"):
        find_mix("photo")


def test_every_constant_says_where_it_comes_from() -> None:
    for name, row in json.loads(constants.FILE.read_text("utf-8")).items():
        assert set(row) in ({"value", "unit", "about", "measured"}, {"value", "unit", "about", "assumed"}), name
        if "measured" in row:
            script = re.search(r"bench/\w+\.py", row["measured"]["command"])
            assert script is not None
            assert (ROOT / script[0]).is_file()
        else:
            assert row["assumed"], name
            assert "not measured" not in row["assumed"], name


def test_a_measurement_replaces_a_value_and_keeps_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "constants.json"
    file.write_text(json.dumps({"a.b": {"value": 1, "unit": "ms", "about": "a thing", "assumed": "a guess"}}))
    how = Measurement("python bench/costs.py files", "2026-01-01", "2 cores", "3 files")
    constants.record({"a.b": 1234.5678}, how, file)
    row = json.loads(file.read_text())["a.b"]
    assert row == {"value": 1230.0, "unit": "ms", "about": "a thing", "measured": vars(how)}
    with pytest.raises(KeyError):
        constants.record({"a.c": 1.0}, how, file)


def test_a_constant_is_measured_or_assumed() -> None:
    with pytest.raises(ValueError, match="either measured or assumed"):
        Constant(1.0, "ms", "a thing")


def test_the_table_of_the_document_is_that_of_the_formulas() -> None:
    table = render_docs.costs()
    photos = re.search(r"\| 1e8 \| photos \|(.*)", table)
    assert photos is not None
    c = {name: row["value"] for name, row in json.loads(constants.FILE.read_text("utf-8")).items()}
    points = 1e8 * c["photo.segments"]
    one = points * (4 * 384 + c["graph.links"] + c["engine.index"] + c["engine.ids"]) * c["node.spare"]
    nodes = -(-c["node.replicas"] * one // (c["node.memory"] * c["node.filled"]))
    assert f"{nodes:.0f} machines" in photos[1]
