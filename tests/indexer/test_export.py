"""Exported rows are complete, and make an equal index; rows that are not as they should be are refused."""

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import ConflictError, FingerprintError, NotReadyError, OmnisearchError, UsageError
from omnisearch.stores import edge_link
from omnisearch_indexer import parquet_rows
from omnisearch_indexer.export import RowFormat, export_points
from omnisearch_indexer.import_rows import import_points
from omnisearch_indexer.session import index_files
from omnisearch_indexer.verify import verify_index
from tests.conftest import write_hashed_model
from tests.indexer.damage import wait_for_worker
from tests.indexer.sound import Sound, is_right
from tests.indexer.test_session import counts


@pytest.fixture(autouse=True)
def _short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)


@pytest.fixture
def elsewhere(sound: Sound, tmp_path: Path) -> Settings:
    return sound.settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})


@pytest.fixture(scope="module")
def exported(sound: Sound, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("exported") / "points.jsonl"
    export_points(sound.settings, path, "jsonl", vectors=True)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("row_format", ["jsonl", "parquet"])
def test_an_imported_index_answers_alike(
    sound: Sound, elsewhere: Settings, tmp_path: Path, row_format: RowFormat
) -> None:
    path = tmp_path / "rows"
    assert export_points(sound.settings, path, row_format, vectors=True) == len(sound.points)
    if row_format == "jsonl":
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())  # as editors and programs of Windows write it
    assert import_points(path, elsewhere) == (len(sound.good), len(sound.points))
    assert is_right(elsewhere, sound)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmniBind, "encode_spaces", None)
        assert counts(index_files([sound.folder], elsewhere)) == {"unchanged": len(sound.good)}
    assert is_right(elsewhere, sound)
    wait_for_worker(elsewhere)
    assert verify_index(elsewhere, None).findings == []
    with pytest.raises(ConflictError):
        import_points(path, elsewhere)


def test_rows_have_the_fields_and_the_numbers_of_the_points(sound: Sound, exported: list[dict[str, Any]]) -> None:
    assert {row["id"] for row in exported} == set(sound.points)
    for row in exported:
        point = sound.points[row["id"]]
        assert (row["path"], row["modality"]) == (point.payload.path, point.payload.modality)
        np.testing.assert_array_equal(np.asarray(row["vector"], np.float32), point.vector)
        assert [one["modality"] for one in row["embeddings"]] == [point.payload.modality]


def test_without_vectors_rows_are_for_other_programs(sound: Sound, elsewhere: Settings, tmp_path: Path) -> None:
    export_points(sound.settings, tmp_path / "rows", "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]
    assert len(rows) == len(sound.points)
    assert all("vector" not in row for row in rows)
    with pytest.raises(UsageError, match="export with --vectors"):
        import_points(tmp_path / "rows", elsewhere)
    with pytest.raises(UsageError, match="exists"):
        export_points(sound.settings, tmp_path / "rows", "jsonl")


def turned(row: dict[str, Any]) -> None:
    row["vector"] = row["vector"][::-1]


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "field": (lambda row: row.pop("path"), "row 1: path"),
    "type": (lambda row: row.update(segments="2"), "row 1: segments"),
    "id": (lambda row: row.update(segment=row["segment"] + 7), "row 1: the id"),
    "model": (lambda row: row.update(model="f" * 64), "--model"),
    "number": (lambda row: row["vector"].__setitem__(0, None), "row 1: vector"),
    "width": (lambda row: row["vector"].pop(), "not what its embeddings give"),
    "vector": (turned, "not what its embeddings give"),
    "embedding": (lambda row: row["embeddings"][0].update(space="other@f"), "lacks an embedding"),
    "no embeddings": (lambda row: row.update(embeddings=[]), "export with --vectors"),
    "segments": (lambda row: row.update(segments=row["segments"] + 1), "missing or there twice"),
    "size": (lambda row: row.update(size=1 << 70), "row 1: size"),
    "time": (lambda row: row.update(mtime=-1e18), "row 1: mtime"),
    "negative time": (lambda row: row.update(duration=-1.5), r"row 1: duration: .*, not -1\.5"),
    "huge segment": (lambda row: row.update(segments=1 << 40), "row 1: segments: .*, not 1099511627776"),
    "huge number": (lambda row: row["vector"].__setitem__(2, 1e300), r"row 1: vector\.2: .*, not 1e\+300"),
    "huge embedding": (lambda row: row["embeddings"][0]["vector"].__setitem__(0, -1e39), r"row 1: emb.*, not -1e\+39"),
    "large embedding": (lambda row: row["embeddings"][0]["vector"].__setitem__(0, 1e16), "not what its embeddings"),
    "long vector": (lambda row: row.update(vector=[9 * x for x in row["vector"]]), "has the length 9, and not 1"),
    "long text vector": (lambda row: row.update(text_vector=[1e15] * len(row["vector"])), "a text vector whose length"),
    "label": (lambda row: row.update(tags=["x" * 999]), "characters"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_row_is_refused(
    exported: list[dict[str, Any]], elsewhere: Settings, tmp_path: Path, case: str
) -> None:
    change, reason = CHANGES[case]
    rows = json.loads(json.dumps(exported))
    change(rows[0])
    path = tmp_path / "rows"
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(OmnisearchError, match=reason) as refused:
        import_points(path, elsewhere)
    assert isinstance(refused.value, FingerprintError) == (case == "model")
    assert not elsewhere.data_dir.exists()


def test_a_failed_import_leaves_what_was_there(
    exported: list[dict[str, Any]], elsewhere: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rows"
    path.write_text("\n".join(map(json.dumps, [*exported, exported[0]])))
    elsewhere.data_dir.mkdir()
    (elsewhere.data_dir / "keys.json").touch()
    with pytest.raises(UsageError, match="missing or there twice"):
        import_points(path, elsewhere)
    assert [one.name for one in elsewhere.data_dir.iterdir()] == ["keys.json"]
    path.write_text("\n".join(map(json.dumps, exported)))
    import_points(path, elsewhere)
    left = {one.name for one in elsewhere.data_dir.iterdir()}
    path.write_text("")
    with pytest.raises(ConflictError):
        import_points(path, elsewhere)
    assert {one.name for one in elsewhere.data_dir.iterdir()} == left


def test_a_row_twice_or_too_few_are_refused(
    exported: list[dict[str, Any]], elsewhere: Settings, tmp_path: Path
) -> None:
    long = next(row for row in exported if row["segments"] > 1)
    for rows in ([*exported, exported[0]], [row for row in exported if row["id"] != long["id"]]):
        (tmp_path / "rows").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(UsageError, match="missing or there twice"):
            import_points(tmp_path / "rows", elsewhere)


def test_another_model_and_other_files_are_refused(
    sound: Sound, exported: list[dict[str, Any]], elsewhere: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rows"
    path.write_text("\n".join(map(json.dumps, exported)))
    other = elsewhere.model_copy(update={"model": str(write_hashed_model(tmp_path / "other", "other"))})
    with pytest.raises(FingerprintError, match="--model"):
        import_points(path, other)
    footer = bytes([255]) * 99 + (99).to_bytes(4, "little") + b"PAR1"
    parquet = [(content, "no Parquet file") for content in (b"PAR1 and no more", b"PAR1" + footer)]
    for content, reason in (*parquet, (b"\xff\n", "row 1"), (b"[" * 99_999, "row 1")):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=reason):
            import_points(path, elsewhere)


def test_the_extra_that_parquet_needs_is_named(sound: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(NotReadyError, match="the extra `parquet`"):
        parquet_rows.Writer(tmp_path / "rows", vectors=False)
    with pytest.raises(NotReadyError, match="the extra `parquet`"):
        export_points(sound.settings, tmp_path / "rows", "parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_commands(sound: Sound, elsewhere: Settings, tmp_path: Path, call: Callable[..., tuple[int, str]]) -> None:
    data, model = ("--data-dir", sound.settings.data_dir), ("--model", elsewhere.model)
    assert call("export", tmp_path / "all.parquet", "--vectors", *data) == (0, "")
    assert (tmp_path / "all.parquet").read_bytes()[:4] == b"PAR1"
    assert call("import", tmp_path / "all.parquet", "--data-dir", elsewhere.data_dir, *model) == (0, "")
    assert is_right(elsewhere, sound)
