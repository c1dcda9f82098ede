"""The check with the samples: a direction against chance, and models that are broken in known ways."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from omnisearch.binding import self_check
from omnisearch.binding.direction import LEVEL, Grade, judge
from omnisearch.binding.self_check import Report, check_model
from omnisearch.cli.models import app
from omnisearch.errors import ModelMissingError
from omnisearch.samples.things import LANGUAGES, THINGS
from omnisearch.spaces.towers import unit
from omnisearch.spaces.weights import pull as pulling
from omnisearch.types import Content, Floats, Modality, Role

TEXT, IMAGE, AUDIO, CLOUD = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
NAMES = [f"thing {i}" for i in range(30)]
Damage = Callable[[Floats], Floats]


def noisy(seed: int, rows: Floats, noise: float) -> Floats:
    return unit(rows + noise * np.random.default_rng(seed).normal(size=rows.shape).astype(np.float32))


def directions(count: int = 30) -> Floats:
    return noisy(0, np.zeros((count, 64), np.float32), 1)


class Fake:
    """Embeds a thing as its direction with noise; a modality can be damaged, and languages not be understood."""

    name = "fake"

    modalities = (TEXT, IMAGE, AUDIO, Modality.VIDEO, CLOUD)

    def __init__(self, damage: dict[Modality, Damage] | None = None, languages: Sequence[str] = LANGUAGES) -> None:
        self.damage, self.languages = damage or {}, languages
        self.things = list(THINGS)

    def towers(self, part: Modality) -> dict[str, str]:
        return {"toy": f"toy_{part}"}

    def encode(self, modality: Modality, contents: Sequence[Content], role: Role) -> Floats:
        shown = [self.number(str(content)) for content in contents]
        rows = noisy(len(modality), directions(len(self.things) + 1), 0.08)[shown]
        return self.damage.get(modality, lambda same: same)(rows)

    def number(self, text: str) -> int:
        known = (
            i for i, thing in enumerate(self.things) for each in self.languages if getattr(THINGS[thing], each) == text
        )
        return next(known, len(self.things))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show things by their names in every modality, because drawing and modelling them takes seconds."""
    monkeypatch.setattr(self_check, "_content", lambda thing, modality: thing)


def check(damage: dict[Modality, Damage] | None = None, languages: Sequence[str] = LANGUAGES) -> Report:
    return check_model(Fake(damage, languages))  # type: ignore[arg-type]


def shuffled(rows: Floats, seed: int = 5) -> Floats:
    """Rows that depend on their content but have nothing to do with the other towers."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(64, 64)))[0]
    return (rows @ turn).astype(np.float32)


def test_equal_rows_of_both_sides_are_right_and_unrelated_ones_are_chance() -> None:
    rows = directions()
    same = judge("image", "text", NAMES, rows, rows)
    assert (same.right, same.count, same.nearer, same.grade) == (30, 30, 1, Grade.WORKS)
    other = judge("image", "text", NAMES, rows, noisy(7, np.zeros_like(rows), 1))
    assert other.grade is Grade.CHANCE
    assert judge("image", "text", NAMES, rows, rows[::-1]).right == 0


def test_a_direction_that_is_often_wrong_but_not_by_chance_is_weak() -> None:
    rows = directions()
    found = judge("image", "text", NAMES, rows, noisy(3, rows, 1))
    assert found.p <= LEVEL
    assert found.nearer < 0.8
    assert found.grade is Grade.WEAK


def test_unrelated_rows_pass_as_often_as_the_level_says() -> None:
    rows = directions(12)
    passed = [judge("a", "b", NAMES[:12], rows, noisy(i, np.zeros_like(rows), 1)).p <= 0.1 for i in range(60)]
    assert 0 < sum(passed) <= 14  # 6 are expected; the 99.9th percentile is 14


def test_equal_targets_are_no_better_than_chance() -> None:
    rows = directions()
    found = judge("image", "text", NAMES, rows, np.repeat(rows[:1], 30, axis=0))
    assert (found.right, found.nearer, found.grade) == (0, 0.5, Grade.CHANCE)
    middle = unit(rows.sum(axis=0, keepdims=True))[0]
    hub = judge("image", "text", NAMES, rows, np.outer([1, *[-1] * 29], middle))
    assert hub.hub == "thing 0"
    assert hub.hub_size > 20


@pytest.mark.usefixtures("bare")
def test_a_model_that_relates_everything_works_in_every_direction() -> None:
    report = check()
    assert report.works
    assert not report.notes
    pairs = {(each.source, each.target) for each in report.directions}
    assert {("en", "image"), ("image", "text"), ("ja", "text"), ("audio", "point_cloud")} <= pairs
    assert ("en", "text") not in pairs
    assert len(pairs) == 6 * 3 + 5 + 3 * 3
    counts = {(each.source, each.target): each.count for each in report.directions}
    assert counts["en", "image"] == len(THINGS) > counts["audio", "image"] > counts["audio", "point_cloud"] > 10


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("modality", [TEXT, IMAGE, AUDIO, CLOUD])
def test_a_tower_with_wrong_weights_is_named_and_no_other(modality: Modality) -> None:
    report = check({modality: shuffled})
    (fault,) = report.faults
    assert fault.startswith(f"{modality} (the tower toy_{modality})")
    assert "omnisearch models verify fake" in fault


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda rows: np.full_like(rows, np.nan), "not finite"),
        (np.zeros_like, "are zero"),
        (lambda rows: np.repeat(directions()[:1], len(rows), axis=0), "are equal"),
        (lambda rows: unit(rows + 20 * directions()[:1]), "mean cosine of 0.99"),
    ],
)
def test_rows_that_are_wrong_in_themselves_are_named_first(damage: Damage, said: str) -> None:
    report = check({AUDIO: damage})
    (fault,) = report.faults
    assert fault.startswith("audio (the tower toy_audio)")
    assert said in fault
    assert report.directions == ()


@pytest.mark.usefixtures("bare")
def test_a_model_that_relates_nothing_names_no_single_tower() -> None:
    damage = {m: partial(shuffled, seed=i) for i, m in enumerate((TEXT, IMAGE, AUDIO, CLOUD))}
    (fault,) = check(damage).faults
    assert "relates nothing" in fault


@pytest.mark.usefixtures("bare")
def test_a_model_that_reads_english_only_works_and_says_so() -> None:
    report = check(languages=("en",))
    assert report.works
    # In French, three of the names are those in English.
    assert report.notes == ("names in de, es, zh, ja are not understood",)


@pytest.mark.usefixtures("bare")
def test_the_command_writes_rows_and_fails_with_the_fault(hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnisearch.binding.model.OmniBind.load", lambda *args, **kwargs: Fake({IMAGE: shuffled}))
    done = CliRunner().invoke(app, ["check", "fake", "--format", "jsonl"])
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {row["grade"] for row in rows if "image" in (row["from"], row["to"])} == {"chance"}
    assert "fake does not work: image (the tower toy_image)" in str(done.exception)
    monkeypatch.setattr("omnisearch.binding.model.OmniBind.load", lambda *args, **kwargs: Fake())
    done = CliRunner().invoke(app, ["check", "fake", "--format", "table"])
    assert done.exit_code == 0, done.output
    assert "47 of 47" in done.stdout
    assert "fake works" in done.output


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Fake(), "fake works: 32 of 32 directions"),
        (Fake({IMAGE: shuffled}), "fake does not work: image (the tower toy_image): none of its"),
        (ModelMissingError("no such file: pull it"), "mini cannot be checked: no such file: pull it"),
    ],
    ids=["works", "fault", "error"],
)
def test_a_pull_checks_the_model_and_never_fails_by_it(
    outcome: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*given: object, **named: object) -> object:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(pulling, "pull_all", lambda *given: None)
    monkeypatch.setattr("omnisearch.binding.model.OmniBind.load", load)
    done = CliRunner().invoke(app, ["pull", "mini"])
    assert done.exit_code == 0, done.output
    assert said in " ".join(done.output.split())
    done = CliRunner().invoke(app, ["pull", "mini", "--no-check"])
    assert "directions" not in done.output
    assert CliRunner().invoke(app, ["pull", "aisfx.pth"]).output.count("cannot be checked") == 0


@pytest.mark.weights
def test_mini_works_and_with_a_shuffled_text_tower_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisearch.binding.model import OmniBind
    from omnisearch.config import load_settings

    model = OmniBind.load("mini", load_settings())
    report = check_model(model)
    assert report.works, report.faults
    strong = {(each.source, each.target) for each in report.directions if each.grade is Grade.WORKS}
    assert {("en", "image"), ("en", "point_cloud"), ("image", "text"), ("image", "point_cloud")} <= strong
    encode = model.encode

    def broken(modality: Modality, contents: Sequence[Content], role: Role) -> Floats:
        rows = encode(modality, contents, role)
        turn = np.linalg.qr(np.random.default_rng(5).normal(size=(rows.shape[1], rows.shape[1])))[0]
        return (rows @ turn).astype(np.float32) if modality is TEXT else rows

    monkeypatch.setattr(model, "encode", broken)
    (fault,) = check_model(model).faults
    assert fault.startswith("text")
