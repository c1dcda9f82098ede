"""Keys: what the files hold, what is accepted, and the command."""

import json
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omnisearch.api.accepted_keys import AcceptedKeys
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.cli.keys import app
from omnisearch.config import load_settings
from omnisearch.errors import NotFoundError, SettingsError, UsageError

SECRET = "k" * 32


def accepted(data_dir: Path, **settings: object) -> AcceptedKeys:
    return AcceptedKeys(load_settings(data_dir=data_dir, **settings))


def test_a_key_is_accepted_until_it_is_revoked_and_kept_as_a_hash(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "new")
    secret = file.add("app", [Scope.SEARCH, Scope.INDEX], rate=5.0)
    keys = accepted(tmp_path / "new")
    found = keys.find(secret)
    assert found is not None
    assert (found.name, found.scopes, found.rate) == ("app", {Scope.SEARCH, Scope.INDEX}, 5.0)
    assert keys.find(secret[:-1]) is None
    assert keys.find("") is None
    assert secret not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.revoke("app")
    assert keys.find(secret) is None


def test_secrets_are_long_and_differ(tmp_path: Path) -> None:
    secrets = {KeyFile(tmp_path).add(f"k{i}", [Scope.SEARCH]) for i in range(20)}
    assert len(secrets) == 20
    assert all(len(secret) >= 43 + len("omni_") for secret in secrets)


def test_keys_added_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: KeyFile(tmp_path).add(f"k{i}", [Scope.SEARCH]), range(24)))
    assert len(KeyFile(tmp_path).read()) == 24


def test_a_server_follows_the_file_and_never_opens_again(tmp_path: Path) -> None:
    keys = accepted(tmp_path)
    assert keys.open
    secret = KeyFile(tmp_path).add("app", [Scope.SEARCH])
    assert keys.find(secret) is not None
    assert not keys.open
    KeyFile(tmp_path).revoke("app")
    assert keys.find(secret) is None
    assert not keys.open
    KeyFile(tmp_path).path.unlink()
    assert keys.find(secret) is None
    assert not keys.open  # as long as it runs
    assert accepted(tmp_path).open


def test_a_file_whose_keys_are_all_revoked_keeps_a_server_closed(tmp_path: Path) -> None:
    KeyFile(tmp_path).add("app", [Scope.SEARCH])
    KeyFile(tmp_path).revoke("app")
    assert not accepted(tmp_path).open


def test_admin_includes_every_scope_and_no_other_does(tmp_path: Path) -> None:
    for scope in Scope:
        KeyFile(tmp_path).add(scope, [scope])
    allowed = {key.name: {scope for scope in Scope if key.allows(scope)} for key in KeyFile(tmp_path).read()}
    assert allowed == {scope: set(Scope) if scope is Scope.ADMIN else {scope} for scope in Scope}


def test_keys_come_from_a_variable_and_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [letter * 40 for letter in "abc"]
    monkeypatch.setenv("OMNISEARCH_API_KEYS", f"web:search:{secrets[0]}, ops:index+metrics:{secrets[1]}")
    file = tmp_path / "secret"
    file.write_text(f"# made by hand\n\nboss:admin:{secrets[2]}\n")
    monkeypatch.setenv("OMNISEARCH_API_KEYS_FILE", str(file))
    keys = accepted(tmp_path)
    found = [keys.find(secret) for secret in secrets]
    assert [(key.name, key.scopes) for key in found if key] == [
        ("web", {Scope.SEARCH}),
        ("ops", {Scope.INDEX, Scope.METRICS}),
        ("boss", {Scope.ADMIN}),
    ]
    file.write_text("")
    assert keys.find(secrets[2]) is None
    assert keys.find(secrets[0]) is not None


@pytest.mark.parametrize(
    "entry", ["", ":", SECRET, f"web:{SECRET}", f"web:root:{SECRET}", f"web::{SECRET}", f"a b:search:{SECRET}"]
)
def test_a_malformed_entry_is_refused_without_repeating_it(tmp_path: Path, entry: str) -> None:
    if not entry:
        assert accepted(tmp_path, api_keys=entry).open
        return
    with pytest.raises(SettingsError, match=r"api_keys, entry 1 .*NAME:SCOPE") as caught:
        accepted(tmp_path, api_keys=entry)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "short", "k" * 31, "k" * 40 + " ", "\u00fc" * 40])
def test_a_weak_key_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SettingsError, match=r"entry 1.*32 letters") as caught:
        accepted(tmp_path, api_keys=f"web:search:{secret}x:")
    assert not secret or secret not in str(caught.value)


def test_settings_do_not_show_keys(tmp_path: Path) -> None:
    assert SECRET not in repr(load_settings(api_keys=f"web:search:{SECRET}"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": [{}]}', '{"keys": [{"name": "a", "sha256": "b", "scopes": ["root"]}]}', "\ud800"]
)
def test_a_damaged_file_is_refused_not_ignored(tmp_path: Path, text: str) -> None:
    KeyFile(tmp_path).path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError, match=r"keys\.json"):
        accepted(tmp_path)


def test_a_missing_or_vanishing_file_of_keys_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="secret does not exist"):
        accepted(tmp_path, api_keys_file=file)
    file.write_text(f"web:search:{SECRET}")
    keys = accepted(tmp_path, api_keys_file=file)
    file.unlink()
    with pytest.raises(SettingsError):
        keys.find(SECRET)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    KeyFile(tmp_path).add("app", [Scope.SEARCH])
    KeyFile(tmp_path).path.chmod(0)
    with pytest.raises(SettingsError, match="Permission"):
        accepted(tmp_path)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "../x", "\u00fc", "x" * 65, "a\n"])
def test_a_name_is_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        KeyFile(tmp_path).add(name, [Scope.SEARCH])


def test_a_name_is_given_once(tmp_path: Path) -> None:
    KeyFile(tmp_path).add("app", [Scope.SEARCH])
    with pytest.raises(UsageError, match="already a key named 'app'"):
        KeyFile(tmp_path).add("app", [Scope.SEARCH])
    with pytest.raises(NotFoundError, match="no key named 'other'"):
        KeyFile(tmp_path).revoke("other")


def _run(arguments: Iterable[str], data_dir: Path) -> str:
    done = CliRunner().invoke(app, [*arguments, "--data-dir", str(data_dir)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_adds_lists_and_revokes(tmp_path: Path) -> None:
    secret = _run(["add", "app"], tmp_path).strip()
    _run(["add", "ops", "--scope", "index", "--scope", "metrics", "--rate", "2.5"], tmp_path)
    rows = [json.loads(line) for line in _run(["ls", "--format", "jsonl"], tmp_path).splitlines()]
    assert [(row["name"], row["scopes"], row["rate"]) for row in rows] == [
        ("app", "search", None),
        ("ops", "index,metrics", 2.5),
    ]
    assert accepted(tmp_path).find(secret) is not None
    _run(["revoke", "app"], tmp_path)
    assert accepted(tmp_path).find(secret) is None
