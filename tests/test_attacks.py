"""The attacks that `python -m tests.attacks` runs, at the size that CI has time for."""

from pathlib import Path

import pytest

from omnisearch.media.kinds import KINDS
from omnisearch.media.pool import DecoderPool
from tests import attacks
from tests.media.twins import UNWRITABLE, write_twins
from tests.mutants import MUTATIONS, mutants


@pytest.mark.slow
def test_no_hostile_file_is_lost_or_read(tmp_path: Path) -> None:
    outcome = attacks.hostile(tmp_path)
    assert outcome.broken == []
    assert outcome.files == outcome.read + outcome.reasons.total()
    assert len(outcome.reasons) > 12


@pytest.mark.slow
def test_no_mutant_is_lost_hangs_or_kills_more_than_its_decoder(tmp_path: Path) -> None:
    outcome = attacks.mutate(tmp_path, count=25, seed=7)
    assert outcome.broken == []
    assert outcome.files == outcome.read + outcome.reasons.total()
    # A suite that refuses every file, or reads every one, tests nothing.
    assert 0.2 < outcome.read / outcome.files < 0.8


@pytest.mark.slow
def test_every_format_has_a_good_file_that_decodes_whole(tmp_path: Path) -> None:
    twins = write_twins(tmp_path)
    assert set(twins) == set(KINDS) - UNWRITABLE
    with DecoderPool(attacks._settings(tmp_path), workers=1) as pool:
        for name, path in twins.items():
            decoded = pool.decode(path)
            assert len(list(decoded.pieces)) == 1
            assert decoded.info.mime == KINDS[name].mime
            assert decoded.notes == []


def test_mutants_are_the_same_in_every_run_and_differ_from_the_good_file(tmp_path: Path) -> None:
    good = tmp_path / "good.bin"
    good.write_bytes(bytes(range(256)) * 40)
    runs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        runs.append([path.read_bytes() for path in mutants(good, tmp_path / name, 50, seed=3)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 45
    assert sum(data != good.read_bytes() for data in runs[0]) > 45
    assert len(MUTATIONS) == len({mutation.__name__ for mutation in MUTATIONS})
