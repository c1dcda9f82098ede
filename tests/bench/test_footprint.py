"""The size of a package with all that it requires."""

from pathlib import Path

import pytest

from bench.footprint import installation


def install(place: Path, name: str, size: int, *requires: str) -> None:
    folder = place / f"{name}-1.0.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {each}" for each in requires)]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (place / f"{name}.py").write_bytes(b"#" * size)
    (place / f"{name}.pyc").write_bytes(b"#" * 1000)
    (folder / "RECORD").write_text(f"{name}.py,,\n{name}.pyc,,\n{name}.gone,,\n")


def test_required_packages_count_once_and_those_of_extras_where_asked(tmp_path: Path) -> None:
    install(tmp_path, "a", 100, "b>=1", "c; extra == 'more'", "d; python_version < '3'")
    install(tmp_path, "b", 20, "a", "c[x]")
    install(tmp_path, "c", 3, "e; extra == 'x'")
    for name in ("d", "e", "f"):
        install(tmp_path, name, 10_000)
    mb, count = installation("b", set(), [str(tmp_path)])
    assert (round(1e6 * mb), count) == (10_123, 4)
    mb, count = installation("a", {"more"}, [str(tmp_path)])
    assert (round(1e6 * mb), count) == (10_123, 4)


def test_of_two_versions_that_of_the_first_place_counts(tmp_path: Path) -> None:
    for place, size in (("ours", 7), ("theirs", 5)):
        (tmp_path / place).mkdir()
        install(tmp_path / place, "a", size)
    mb, _ = installation("a", set(), [str(tmp_path / "theirs"), str(tmp_path / "ours")])
    assert mb == pytest.approx(5e-6)
