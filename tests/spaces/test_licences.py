"""Licences: what is said of models that are not for commercial use, and what refuses them."""

import logging

import pytest

from omnisearch.config import load_settings
from omnisearch.errors import LicenceError
from omnisearch.spaces.registry import FILES, SPACES
from omnisearch.spaces.weights import licences


@pytest.fixture(autouse=True)
def _nothing_said() -> None:
    licences._say.cache_clear()


def test_a_non_commercial_model_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    spaces = [SPACES["photo"], SPACES["imagebind"]]
    for _ in range(3):
        licences.check("both", spaces, load_settings())
    assert caplog.messages == [
        "model both is not for commercial use, because of its spaces imagebind (CC-BY-NC-SA-4.0)"
    ]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_commercial_setting_refuses_it_by_name() -> None:
    settings = load_settings(license="commercial")
    with pytest.raises(LicenceError, match=r"model both .* imagebind \(CC-BY-NC-SA-4\.0\), wavcaps_pt \(") as caught:
        licences.check("both", [SPACES["imagebind"], SPACES["photo"], SPACES["wavcaps_pt"]], settings)
    assert "photo" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_commercial_model_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    small = ("photo", "drawing", "sound", "hearing", "event", "object", "shape")
    licences.check("mini", [SPACES[name] for name in small], load_settings(license="commercial"))
    assert caplog.messages == []


def test_a_licence_that_nobody_read_is_no_permission() -> None:
    assert not licences.commercial("LicenseRef-something-new")
    assert not licences.commercial("")


@pytest.mark.parametrize("name", SPACES)
def test_a_space_allows_no_more_than_the_files_it_reads(name: str) -> None:
    files = {file for names in SPACES[name].weights.values() for file in names}
    allowed = all(licences.commercial(FILES[file].licence) for file in files)
    assert licences.commercial(SPACES[name].licence) == allowed
