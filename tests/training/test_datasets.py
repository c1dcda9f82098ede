import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from omnisearch.errors import NotReadyError, UsageError
from omnisearch.types import Modality
from omnisearch_training.datasets import DECLARATIONS, Dataset, Declaration, Record, Split, declared
from omnisearch_training.datasets import fetch as fetching
from omnisearch_training.datasets import manifest as manifests
from omnisearch_training.datasets.base import Draft
from omnisearch_training.datasets.captions import clean_title, with_keywords, words_of
from omnisearch_training.datasets.fetch_package import PackageError, Registry
from omnisearch_training.datasets.manifest import record_line
from omnisearch_training.datasets.named_sounds import NamedSounds, debian
from omnisearch_training.datasets.split import TEST_SHARE, VALID_SHARE, source_id, split_of
from omnisearch_training.datasets.user_dataset import open_own


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_declaration_is_whole(declaration: Declaration) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", declaration.name)
    assert declaration.about
    assert declaration.licence
    assert declaration.modalities
    assert declaration.expected > 0
    assert 0 < declaration.tolerance < 1
    assert declaration.packages
    for package in declaration.packages:
        # Debian's release pins its packages; the other registries carry every version.
        assert (package.version is None) == (package.registry is Registry.DEBIAN)


def test_every_file_declares_the_dataset_it_is_named_after() -> None:
    files = {path.stem for path in Path(declared.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(DECLARATIONS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dog", "The Dogs"),
        ("wolf growl", "Wolf growl 3"),
        ("Dog face", "dog-face"),
        ("Café", "cafe"),
        ("glass", "Glass"),
    ],
)
def test_one_concept_has_one_source(one: str, other: str) -> None:
    assert source_id(one) == source_id(other)


def test_different_concepts_have_different_sources() -> None:
    names = ["dog", "dog face", "glass", "glas table", "bus", "bu", "日本", "中国"]
    assert len({source_id(name) for name in names}) == len(names)


@given(st.text(min_size=1).filter(str.strip))
def test_the_source_of_a_source_is_in_its_split(name: str) -> None:
    assert split_of(source_id(name)) is split_of(source_id(f" {name} "))


def test_the_splits_have_their_shares() -> None:
    splits = [split_of(f"thing {number}") for number in range(20_000)]
    # Four standard deviations of a binomial.
    for split, share in ((Split.TEST, TEST_SHARE / 1000), (Split.VALID, VALID_SHARE / 1000)):
        assert abs(splits.count(split) / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_a_record_survives_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "animals"
    folder.mkdir(parents=True)
    files = {Modality.IMAGE: folder / "dog.png", Modality.AUDIO: tmp_path / "packages" / "bark.ogg"}
    record = Record("animals/1", "dog", Split.VALID, ("dog", "dog, pet"), files, "CC0")
    manifest = folder / "records.jsonl"
    manifest.write_text(record_line(record, folder), encoding="utf-8")
    (read,) = Dataset("animals", manifest)
    assert {key: path.resolve() for key, path in read.files.items()} == files
    assert (read.id, read.source_id, read.split, read.captions) == ("animals/1", "dog", Split.VALID, record.captions)
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    tmp_path.rename(moved)
    (again,) = Dataset("animals", moved / "sets/animals/records.jsonl")
    assert again.files[Modality.AUDIO].resolve() == moved / "packages" / "bark.ogg"


def test_a_user_manifest_needs_only_id_and_captions(tmp_path: Path) -> None:
    manifest = tmp_path / "mine.jsonl"
    manifest.write_text(json.dumps({"id": 7, "captions": ["a red kite"], "image": "kite.png"}) + "\n")
    (record,) = Dataset("mine", manifest)
    assert record.split is split_of("7")
    assert record.files == {Modality.IMAGE: tmp_path / "kite.png"}


def test_a_table_is_read_as_its_lines_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "ROWS", 2)  # more than one read
    rows: list[dict[str, object]] = [
        {"id": f"kite {n}", "captions": ["a red kite", "a toy"][: n % 2 + 1], "image": f"{n}.png"} for n in range(5)
    ]
    rows[1] |= {"source_id": "kite", "split": "test", "licence": "CC0", "audio": "wind.wav"}
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # Columns that are no field are of no interest, whatever they hold; a cell may be empty.
    parquet.write_table(
        pa.Table.from_pylist([{**dict.fromkeys(rows[1]), **row, "width": 640} for row in rows]),
        tmp_path / "mine.parquet",
    )
    assert list(open_own(tmp_path / "mine.parquet")) == list(open_own(tmp_path / "mine.jsonl"))


def test_a_bad_row_or_table_is_named(tmp_path: Path) -> None:
    table = tmp_path / "mine.parquet"
    parquet.write_table(pa.table({"id": ["a", "b"], "captions": [["good"], None]}), table)
    with pytest.raises(UsageError, match=r"mine\.parquet, row 2 is not a record: 'captions'"):
        list(Dataset("mine", table))
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(UsageError, match=r"mine\.parquet cannot be read as a Parquet table"):
        list(Dataset("mine", table))


BAD = [
    "{",
    "[]",
    '{"id": 1}',
    '{"id": 1, "captions": []}',
    '{"id": 1, "captions": [""]}',
    '{"id": 1, "captions": "red"}',
]


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    manifest = tmp_path / "mine.jsonl"
    manifest.write_text('{"id": 1, "captions": ["good"]}\n' + line + "\n")
    with pytest.raises(UsageError, match=r"mine\.jsonl, line 2"):
        list(Dataset("mine", manifest))


def test_an_absent_dataset_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="omnisearch train fetch emoji"):
        list(fetching.open_dataset("emoji", tmp_path))


def _declare(count: int, expected: int, held_out: bool = False) -> Declaration:
    def read(workshop: object) -> "list[Draft]":
        return [Draft(str(number), f"{name}s", {}) for number, name in enumerate(_NAMES[:count])]

    return Declaration("toys", "toys", (Modality.TEXT,), (), "CC0", expected, read, held_out=held_out)  # type: ignore[arg-type]


_NAMES = [f"thing {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def test_fetch_checks_the_count_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="gave 20 records"):
        fetching.fetch(_declare(20, expected=26), tmp_path)
    assert not fetching.manifest_path("toys", tmp_path).exists()
    assert len(list(fetching.fetch(_declare(26, expected=26), tmp_path))) == 26


def test_held_out_datasets_are_test_only(tmp_path: Path) -> None:
    assert {r.split for r in fetching.fetch(_declare(26, 26, held_out=True), tmp_path)} == {Split.TEST}


@pytest.mark.parametrize(
    ("stem", "words"),
    [("wolf-growl-3", "wolf growl"), ("IndustryHigh2", "industry high"), ("horse_attack1", "horse attack"), ("03", "")],
)
def test_file_names_are_read_as_words(stem: str, words: str) -> None:
    assert words_of(stem) == words


def test_titles_and_keywords() -> None:
    assert clean_title("Siamese_cat 02 (remix)") == "Siamese cat"
    assert with_keywords("dog", ["dog", "pet", "", "pet"]) == ("dog, pet",)
    assert with_keywords("dog", ["Dog"]) == ()


def test_sayings_are_not_rewritten_by_each_other() -> None:
    sounds = NamedSounds(debian("x"), "", say={"gun": "gunshot", "machine gun": "gun burst", r"coins?": "money"})
    assert sounds.name_of("machine_gun_2") == "gun burst"
    assert sounds.name_of("gun-coins") == "gunshot money"


def test_a_folder_is_a_dataset_by_its_file_names(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    for name in ("pets/red_dog-2.JPG", "pets/bark.wav", "notes.xyz", "001.png"):
        (tmp_path / name).write_bytes(b"")
    records = {record.captions: record for record in open_own(tmp_path)}
    assert set(records) == {("red dog",), ("bark",)}
    assert records["red dog",].files == {Modality.IMAGE: tmp_path / "pets/red_dog-2.JPG"}
    with pytest.raises(UsageError, match="nowhere"):
        open_own(tmp_path / "nowhere")


def test_interface_sounds_have_one_name_in_every_theme(tmp_path: Path) -> None:
    from omnisearch_training.datasets.base import Workshop
    from omnisearch_training.datasets.declared.interface_sounds import THEMES, read

    for theme in THEMES:
        (tmp_path / theme / "usr/share/sounds/Yaru/stereo").mkdir(parents=True)
    (tmp_path / "oxygen/usr/share/sounds/Oxygen-Sys-Log-In-Long.ogg").touch()
    (tmp_path / "oxygen/usr/share/sounds/Oxygen-Im-Nudge.ogg").touch()  # no common name
    yaru = tmp_path / "yaru/usr/share/sounds/Yaru/stereo"
    (yaru / "desktop-login.oga").touch()
    (yaru / "dialog-error.oga").symlink_to("desktop-login.oga")
    drafts = list(read(Workshop({package.name: tmp_path / theme for theme, (package, _) in THEMES.items()}, tmp_path)))
    assert [(draft.key, draft.name) for draft in drafts] == [
        ("yaru/desktop-login.oga", "login"),
        ("oxygen/Oxygen-Sys-Log-In-Long.ogg", "login"),
    ]
