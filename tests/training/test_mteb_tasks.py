"""Tasks of mteb with answers that are known, in memory, and those that mteb ships for trials; no network."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from omnisearch.binding.model import OmniBind
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.config import load_settings
from omnisearch.errors import NotReadyError, UsageError
from omnisearch.spaces.families.hashed import COLORS
from omnisearch_training.cli import evaluate as command
from omnisearch_training.evaluate import mteb_tasks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
RATE = 16_000
COLUMNS = {"t": "text", "i": "image", "a": "audio", "v": "video"}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX, f"asked {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)


def retrieval(name: str, category: str, queries: list[Any], corpus: list[Any], right: Mapping[int, list[int]]) -> Any:
    """A retrieval task in memory, of a category such as t2i; query i asks for the documents `right[i]`."""
    from datasets import Audio, Dataset
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    asked, offered = (COLUMNS[side] for side in category.split("2"))

    def table(prefix: str, column: str, values: list[Any]) -> Dataset:
        made = Dataset.from_dict({"id": [f"{prefix}{i}" for i in range(len(values))], column: values})
        return made.cast_column(column, Audio()) if column == "audio" else made  # files, as in the hub's tables

    class Task(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=name,
            description="planted",
            reference=None,
            dataset={"path": "none/none", "revision": "1"},
            type="Any2AnyRetrieval",
            category=category,
            modalities=sorted({asked, offered}),
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
        )

        def load_data(self, *_: Any, **__: Any) -> None:
            split = {
                "queries": table("q", asked, queries),
                "corpus": table("d", offered, corpus),
                "relevant_docs": {f"q{i}": {f"d{j}": 1 for j in found} for i, found in right.items()},
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": split}}
            self.data_loaded = True

    return Task()


def pictures() -> list[Image.Image]:
    return [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in COLORS.values()]


def sounds() -> list[dict[str, Any]]:
    files = []
    for hertz in (110, 5000):
        file = BytesIO()
        soundfile.write(file, 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE), RATE, format="WAV")
        files.append({"bytes": file.getvalue(), "path": None})
    return files


def tasks() -> list[Any]:
    """Each colour asks for its picture; low and high for a tone, and back; texts for texts that share a word."""
    names = list(COLORS)
    same = {i: [i] for i in range(len(names))}
    return [
        retrieval("Colours", "t2i", names, pictures(), same),
        retrieval("Tones", "t2a", ["low", "high"], sounds(), {0: [0], 1: [1]}),
        retrieval("Names", "a2t", sounds(), ["high", "low"], {0: [1], 1: [0]}),
        # The right one comes second: a text of the word alone is nearer than one that has it among others.
        retrieval("Words", "t2t", ["red"], ["a red box", "red", "blue"], {0: [0]}),
    ]


@pytest.fixture
def run(hashed_model: Path, tmp_path: Path) -> Callable[[list[Any]], dict[str, Any]]:
    settings = load_settings()
    model = OmniBind.load(str(hashed_model), settings)
    return lambda wanted: mteb_tasks.run_tasks(model, settings, wanted, tmp_path / "mteb")


def test_planted_tasks_have_the_scores_worked_out_by_hand(run: Callable[[list[Any]], dict[str, Any]]) -> None:
    report = run(tasks())
    scores = {row["task"]: row["score"] for row in report["results"]}
    assert scores == {"Colours": 1, "Tones": 1, "Names": 1, "Words": pytest.approx(1 / np.log2(3), abs=1e-5)}
    assert report["versions"]["mteb"]
    assert "| Words | Any2AnyRetrieval | text | ndcg_at_10 | 63.1 |" in mteb_tasks.mteb_markdown(report)


def test_the_tasks_that_mteb_ships_for_trials_run(run: Callable[[list[Any]], dict[str, Any]]) -> None:
    from mteb import mocks

    names = {
        "MockSTSTask", "MockRetrievalTask", "MockClassificationTask", "MockAny2AnyRetrievalI2T", "MockVisionCentricQA",
        "MockZeroShotClassification", "MockImageTextPairClassification", "MockVideoRetrievalT2V",
    }  # fmt: skip
    chosen = [task for task in mocks.ALL_MOCK_TASK_TEST_GRID if task.metadata.name in names]
    rows = run(chosen)["results"]
    assert {row["task"] for row in rows} == names
    assert [row for row in rows if "error" in row] == []


def test_a_task_that_fails_or_has_another_modality_costs_no_other(run: Callable[[list[Any]], dict[str, Any]]) -> None:
    broken, foreign, good = tasks()[:3]
    broken.load_data = lambda **_: (_ for _ in ()).throw(OSError("no such data set\nand more"))
    foreign.metadata.modalities = ["text", "smell"]
    report = run([broken, foreign, good])
    assert report["left_out"] == ["Tones"]
    rows = {row["task"]: row for row in report["results"]}
    assert rows["Names"]["score"] == 1
    assert rows["Colours"]["score"] is None
    assert "no such data set" in rows["Colours"]["error"]
    assert mteb_tasks.mteb_table_row(rows["Colours"])["score"] == "no such data set"
    with pytest.raises(UsageError, match=r"toy embeds text, image, audio, video, but Tones has text, smell"):
        run([foreign])


def test_undefined_metrics_are_null_in_json() -> None:
    scores = {"test": [{"main_score": 1.0, "spearman": float("nan"), "runs": [float("inf"), 2]}]}
    task = retrieval("Names", "t2t", ["a"], ["a"], {0: [0]})
    row = mteb_tasks._row(task, SimpleNamespace(get_score=lambda: 1.0, to_dict=lambda: {"scores": scores}), None)
    assert row["scores"] == {"test": [{"main_score": 1.0, "spearman": None, "runs": [None, 2]}]}


def test_tasks_are_found_by_their_names_and_by_benchmarks() -> None:
    found = [task.metadata.name for task in mteb_tasks.find_tasks(["ESC50_Zeroshot", "MIEB(lite)", "ESC50_Zeroshot"])]
    assert found[0] == "ESC50_Zeroshot"
    assert len(found) == len(set(found)) > 40
    with pytest.raises(UsageError, match="no task or benchmark 'NFCorpu'; did you mean 'NFCorpus'"):
        mteb_tasks.find_tasks(["NFCorpu"])


def test_from_the_command_line_to_a_table(hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mteb_tasks, "find_tasks", lambda names: [t for t in tasks() if t.metadata.name in names])
    app = CommandGroup()
    app.command()(command)
    card, out = tmp_path / "card.md", tmp_path / "report.json"
    asked = ["--mteb", "Tones", "--mteb", "Words", "--model", str(hashed_model), "--cache", str(tmp_path / "cache")]
    answer = CliRunner().invoke(
        app, [*asked, "--format", "json", "--markdown", str(card), "--out", str(out)], catch_exceptions=False
    )
    assert [row["task"] for row in json.loads(answer.stdout)] == ["Tones", "Words"]
    assert json.loads(out.read_text())["fingerprint"]
    assert "| Tones | Any2AnyRetrieval | audio, text | ndcg_at_10 | 100.0 |" in card.read_text()
    with pytest.raises(UsageError, match="--mteb has data of its own: leave out emoji"):
        CliRunner().invoke(app, [*asked, "emoji"], catch_exceptions=False)


def test_mteb_is_imported_only_for_its_tasks(hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"""if True:
        import sys
        import omnisearch_training.cli, omnisearch_training.evaluate.mteb_tasks
        from omnisearch.binding.model import OmniBind
        from omnisearch.config import load_settings
        from omnisearch_training.evaluate.mteb_model import MtebModel
        with MtebModel(OmniBind.load({str(hashed_model)!r}, load_settings()), load_settings()) as encoder:
            assert encoder.modalities == ["text", "image", "audio", "video"]
        assert not {{"mteb", "datasets", "polars"}} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(NotReadyError, match=r"pip install 'omnisearch\[mteb\]'"):
        mteb_tasks.find_tasks(["NFCorpus"])
