"""The measures of the code as a table in docs/architecture.md: `python -m tests.code_metrics`."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
PACKAGES: Mapping[str, Path] = {
    "omnisearch": ROOT / "omnisearch",
    "omnisearch_indexer": ROOT / "indexer" / "omnisearch_indexer",
    "omnisearch_training": ROOT / "training" / "omnisearch_training",
}
PAGE = ROOT / "docs" / "architecture.md"
HEAD = (
    "package",
    "files",
    "lines of a file, median / p95",
    "functions",
    "lines of a function, median / p95",
    "returns typed",
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def table() -> str:
    """The table, as Markdown, with the import cycles and the share of tests below it."""
    rows = [_row(name, [folder]) for name, folder in PACKAGES.items()]
    rows.append(_row("all", PACKAGES.values()))
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *rows)]
    tests, source = _lines([ROOT / "tests"]), _lines(PACKAGES.values())
    return "\n".join(
        [*lines, "", f"Import cycles: {len(cycles())}. Lines of tests for a line of source: {tests / source:.2f}."]
    )


def cycles() -> list[frozenset[str]]:
    """The sets of modules that import each other, directly or through others, when they are imported."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    reached = {module: graph.find_downstream_modules(module) for module in graph.modules}
    found = {frozenset({a} | {b for b in reached[a] if a in reached[b]}) for a in graph.modules}
    return [group for group in found if len(group) > 1]


def untyped() -> list[str]:
    """The functions whose return has no type."""
    return [f"{path}:{function.name}" for path, function in _functions(PACKAGES.values()) if function.returns is None]


def _row(name: str, folders: Iterable[Path]) -> tuple[str, ...]:
    folders = list(folders)
    files = [_count(path) for path in _files(folders)]
    functions = [function for _, function in _functions(folders)]
    sizes = [(function.end_lineno or 0) - function.lineno + 1 for function in functions]
    typed = sum(function.returns is not None for function in functions) / len(functions)
    return (name, f"{len(files):,}", _spread(files), f"{len(functions):,}", _spread(sizes), f"{typed:.0%}")


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def _functions(folders: Iterable[Path]) -> Iterator[tuple[Path, Function]]:
    for path in _files(folders):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield path, node


def _count(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def _lines(folders: Iterable[Path]) -> int:
    return sum(_count(path) for path in _files(folders))


def _spread(sizes: list[int]) -> str:
    ordered = sorted(sizes)
    return f"{ordered[len(ordered) // 2]} / {ordered[int(0.95 * len(ordered))]}"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    made = f"<!-- code metrics -->\n{table()}\n<!-- end -->"
    PAGE.write_text(re.sub(r"<!-- code metrics -->.*?<!-- end -->", lambda _: made, page, flags=re.DOTALL), "utf-8")
