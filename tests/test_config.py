"""Where settings come from, and what is refused."""

import pickle
import re
import traceback
from pathlib import Path

import pytest

from omnisearch.config import Settings, TowerSettings, load_settings, read_secret
from omnisearch.errors import SettingsError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "omnisearch.toml"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The user's settings file, which is not there yet."""
    path = tmp_path / "config" / "omnisearch" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_flags_beat_variables_beat_files(project: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text('model = "user"\nworkers = 5\nbatch_size = 5\nsegment_seconds = 5')
    assert load_settings().model == "user"
    project.write_text('model = "project"\nworkers = 4\nbatch_size = 4')
    assert (load_settings().model, load_settings().segment_seconds) == ("project", 5)
    monkeypatch.setenv("OMNISEARCH_MODEL", "variable")
    monkeypatch.setenv("OMNISEARCH_WORKERS", "3")
    assert (load_settings().model, load_settings().batch_size) == ("variable", 4)
    assert (load_settings(model="flag").model, load_settings(model=None).workers) == ("flag", 3)


def test_allowed_hosts_are_a_list_and_in_a_variable_comma_separated(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().allow_host == ()
    project.write_text('allow_host = ["a.example", "b.example"]')
    assert load_settings().allow_host == ("a.example", "b.example")
    monkeypatch.setenv("OMNISEARCH_ALLOW_HOST", "c.example, 192.0.2.7,")
    assert load_settings().allow_host == ("c.example", "192.0.2.7")
    assert load_settings(allow_host=["d.example"]).allow_host == ("d.example",)


def test_an_empty_variable_is_one_that_is_not_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_text('data_dir = "/data"')
    for name in ("DATA_DIR", "STORE", "WORKERS"):
        monkeypatch.setenv(f"OMNISEARCH_{name}", "")
    assert (load_settings().data_dir, load_settings().store) == (Path("/data"), None)
    with pytest.raises(SettingsError, match=r"data_dir = ''.*working directory"):
        load_settings(data_dir="")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("workers = 0", "workers = 0"),
        ('device = "tpu"', "device = 'tpu'"),
        ("surprise = 1", "surprise"),
        ("segment_overlap = 10", "segment_overlap"),
        ("passage_overlap = 1000", "passage_overlap"),
    ],
)
def test_a_value_without_a_meaning_is_named(project: Path, text: str, named: str) -> None:
    project.write_text(text)
    for read in (load_settings, Settings):
        with pytest.raises(SettingsError, match=named):
            read()


def test_a_byte_order_mark_of_a_settings_file_is_ignored(project: Path) -> None:
    project.write_bytes(b"\xef\xbb\xbfmodel = 'other'\n")
    assert load_settings().model == "other"


@pytest.mark.parametrize("content", [b"model = ", b'model = "\xff"'])
def test_a_settings_file_that_is_not_toml_is_named(project: Path, content: bytes) -> None:
    project.write_bytes(content)
    with pytest.raises(SettingsError, match=r"omnisearch\.toml is not valid TOML: .*; correct it"):
        load_settings()


def test_a_misspelt_setting_gets_the_nearest_name(project: Path) -> None:
    project.write_text('modle = "mini"')
    with pytest.raises(SettingsError, match=r"no setting 'modle'.*did you mean 'model'"):
        load_settings()


def test_a_wrong_setting_is_named_with_its_source(project: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strongest source of a value is named, except of a value given in Python or by a flag."""
    for write, source in (
        (lambda: user.write_text("workers = 99"), str(user)),
        (lambda: project.write_text("workers = 98"), "omnisearch.toml"),
        (lambda: monkeypatch.setenv("omnisearch_workers", "97"), "OMNISEARCH_WORKERS"),
    ):
        write()
        with pytest.raises(SettingsError, match=rf"^setting workers = .*: give .* \(from {re.escape(source)}\)$"):
            load_settings()
    with pytest.raises(SettingsError, match=r"^setting workers = 96: give [^(]*$"):
        load_settings(workers=96)


@pytest.mark.parametrize(
    "text", ["workres = 2", "[workres]\na = 1", "[towers.a]\ntoken = 1", '[towers.a]\ndevice = "tpu"']
)
def test_a_wrong_table_and_an_unknown_setting_are_named_with_their_sources(
    project: Path, user: Path, text: str
) -> None:
    user.write_text(text)
    with pytest.raises(SettingsError, match=rf" \(from {re.escape(str(user))}\)$"):
        load_settings()
    project.write_text("[towers.b]\ntokens = 5")
    both = f"omnisearch.toml and {user}" if "towers" in text else str(user)
    with pytest.raises(SettingsError, match=rf" \(from {re.escape(both)}\)$"):
        load_settings()


def test_a_password_in_the_url_of_the_store_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://user:secret@127.0.0.1:6333", "secret@example.com"):
        with pytest.raises(SettingsError, match="give an API key as store_api_key") as refused:
            load_settings(store=url)
        assert "secret" not in str(refused.value)
        monkeypatch.setenv("OMNISEARCH_STORE", url)
        with pytest.raises(SettingsError, match="a user name or a password"):
            load_settings()


@pytest.mark.parametrize("value", ["31337", "[31337]", '["31337"]', "{ 31337 = true }", "31337.5"])
@pytest.mark.parametrize("name", ["store_api_key", "api_key", "api_keys"])
def test_a_secret_of_the_wrong_kind_is_not_shown(project: Path, name: str, value: str) -> None:
    project.write_text(f"{name} = {value}")
    with pytest.raises(SettingsError, match=f"setting {name}, .*: give a text in quotes") as refused:
        load_settings()
    assert "31337" not in "".join(traceback.format_exception(refused.value))


def test_tables_of_several_sources_are_merged(project: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text('[towers.a]\ndevice = "cpu"\nprecision = "fp32"\n[towers.b]\ntokens = 70')
    project.write_text('[towers.a]\nprecision = "bf16"')
    monkeypatch.setenv("OMNISEARCH_TOWERS", '{"c": {"tokens": 5}}')
    towers = {"a": TowerSettings("cpu", "bf16"), "b": TowerSettings(tokens=70), "c": TowerSettings(tokens=5)}
    assert load_settings().towers == towers
    assert load_settings(towers={"b": TowerSettings(tokens=9)}).towers == {**towers, "b": TowerSettings(tokens=9)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("towers = 1", "towers = 1: give a table"),
        ("[towers]\na = 1", "towers = .*a table for a"),
        ('[towers.a]\ndevice = "tpu"', "towers.a.device = 'tpu': give auto, cpu or cuda"),
        ("[towers.a]\ntoken = 1", "no setting 'towers.a.token'.*did you mean 'towers.a.tokens'"),
    ],
)
def test_a_wrong_setting_of_a_tower_is_named(project: Path, text: str, named: str) -> None:
    project.write_text(text)
    with pytest.raises(SettingsError, match=named):
        load_settings()


def test_variables_are_found_in_any_case_and_other_ones_are_ignored(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("omnisearch_model", "lower")
    monkeypatch.setenv("OMNISEARCH_DATASETS_DIR", "/elsewhere")
    assert load_settings().model == "lower"
    monkeypatch.setenv("OMNISEARCH_TOWERS", "{")
    with pytest.raises(SettingsError, match="OMNISEARCH_TOWERS is not valid JSON"):
        load_settings()


def test_a_settings_file_that_may_not_be_read_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.symlink_to(project)
    with pytest.raises(SettingsError, match=r"a settings file cannot be read.*omnisearch\.toml"):
        load_settings()


def test_settings_are_equal_by_value_and_copies_have_other_values(project: Path) -> None:
    one = load_settings(model="a", workers=3)
    other = one.model_copy(update={"collection": "photos"})
    assert (one, one.model_copy()) == (load_settings(model="a", workers=3), one)
    assert other != one
    assert (one.named_collection, other.named_collection, other.workers) == (None, "photos", 3)
    assert other.model_fields_set - one.model_fields_set == {"collection"}
    assert {"model", "workers"} <= one.model_fields_set
    assert pickle.loads(pickle.dumps(other)) == other
    with pytest.raises(AttributeError):
        one.model = "b"  # type: ignore[misc]


def test_the_key_of_the_store_comes_from_its_file_or_its_setting(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    assert read_secret(load_settings(), "store_api_key") is None
    assert read_secret(load_settings(store_api_key="plain"), "store_api_key") == "plain"
    assert "plain" not in repr(load_settings(store_api_key="plain"))
    assert read_secret(load_settings(store_api_key_file=file), "store_api_key") == "from-file"
    with pytest.raises(SettingsError, match="both set"):
        read_secret(load_settings(store_api_key="plain", store_api_key_file=file), "store_api_key")


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), (b" ", "is empty"), (b"\xff", "cannot be")])
def test_a_file_without_a_key_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        read_secret(load_settings(store_api_key_file=file), "store_api_key")
    assert str(file) in str(caught.value)


def test_the_default_collection_lies_in_the_data_directory_and_others_below_it() -> None:
    folders = [load_settings(data_dir="/data", collection=name).index_dir for name in (None, "default", "photos")]
    assert folders == [Path("/data"), Path("/data"), Path("/data/collections/photos")]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "A", "-a", "_a", "a" * 41, "a\n", "a b", "é"])
def test_a_collection_has_a_name_that_is_safe_as_a_folder(name: str) -> None:
    with pytest.raises(SettingsError, match="collection"):
        load_settings(collection=name)
