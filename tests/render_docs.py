"""Write the pages that are read off the code: `python -m tests.render_docs` from the root of the checkout.

They come from the parameters themselves, not from printed help, so a terminal's width changes nothing.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from typer.main import get_command

from bench import render as benchmarks
from omnisearch.cli.commands import build
from omnisearch.config import Settings, declared
from omnisearch.errors import Reason
from omnisearch.media.kinds import FILMS, IMAGES, OBJECTS, SOUNDS, TEXTS

DOCS = Path(__file__).parent.parent / "docs"
EVERYWHERE = "Every command has `-h`, `--help`. `omnisearch --version` shows the version."
EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, 2 usage, 3 done but some files failed, 4 not ready (no index, model missing, "
    "index of another model), 130 interrupted."
)
MADE_HERE = {
    "data_dir": "the user's data folder",
    "weights_dir": "`weights` in the user's cache folder",
    "workers": "the cores, at most 4",
    "towers": "none",
}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name, in the order of the names."""
    pending = [("omnisearch", get_command(build()))]
    while pending:
        name, command = pending.pop()
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            pending += [(f"{name} {each}", below[each]) for each in sorted(below, reverse=True)]


def render_cli() -> str:
    """The reference of the command line, as Markdown."""
    parts = ["# Command line", "Made from the code by `make docs`.", EVERYWHERE, EXIT_CODES]
    for name, command in commands():
        parts += [f"## `{name}`", inspect.cleandoc(command.help)]
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
        usage = " ".join([name, *map(_place, arguments)])
        parts[-1] = f"    {usage}\n\n{_examples_apart(parts[-1])}"
        if options:
            rows = [f"| {_names(each)} | {_help(each)} | {_default(each)} |" for each in options]
            parts.append("\n".join(["| option | meaning | default |", "|---|---|---|", *rows]))
    parts += ["## Settings", _settings()]
    return "\n\n".join(parts) + "\n"


def render_openapi() -> str:
    """The description of the HTTP interface, as JSON."""
    from omnisearch.api.app import create_app

    return json.dumps(create_app(Settings()).openapi(), indent=1, ensure_ascii=False) + "\n"


def reasons() -> str:
    """The table of reasons for which a file is not indexed."""
    return _table(("reason", "what is wrong", "what to do"), ((f"`{r}`", r.what, r.remedy) for r in Reason))


def formats() -> str:
    """The table of formats that are read."""
    families = ("text", TEXTS), ("image", IMAGES), ("audio", SOUNDS), ("video", FILMS), ("point_cloud", OBJECTS)
    rows = (
        (modality, name, " ".join(kind.suffixes), kind.reader)
        for modality, kinds in families
        for name, kind in kinds.items()
    )
    return _table(("modality", "format", "extensions", "read by"), rows)


def load() -> str:
    """The table of what bench/load.py measured, from its JSON."""
    found = json.loads((DOCS.parent / "bench" / "load.json").read_text("utf-8"))
    names = ("texts a second", "p50 ms", "p95 ms", "p99 ms")
    phases = ("one client", "16 clients", "16 clients, indexing")
    rows = [(phase, *(str(found[phase][name]) for name in names)) for phase in phases]
    over, slow, memory = found["overload"], found["slow senders, longest seconds"], found["memory MB"]
    facts = [
        ("answers that failed", found["unplanned"]),
        (f"asked by {over['clients']} clients, as a multiple of what 16 get answered", over["asked over capacity"]),
        ("answered then, as a share of what 16 get answered", over["goodput over capacity"]),
        ("refused then, with and without `Retry-After`", f"{over['refused']}, {over['refused without Retry-After']}"),
        ("heads and bodies that come a byte a second are cut off after", f"{slow['head']:.0f} s, {slow['body']:.0f} s"),
        ("memory of the server while files are indexed, first, most and last", _megabytes(memory)),
    ]
    measures = ((what, str(value)) for what, value in facts)
    return f"{_table(('clients', *names), rows)}\n\n{_table(('measure', 'value'), measures)}"


def planted() -> str:
    """The table of what bench/planted.py measured, from its JSON."""
    found = json.loads((DOCS.parent / "bench" / "planted.json").read_text("utf-8"))
    names = {"mean": "equal factors", "routed": "trained routers", "centroids": "centroids", "oracle": "oracle"}
    rows = [
        (f"{each[0]['spaces']}", *(f"{one['mean']:.1f} ({one['least']:.1f} to {one['most']:.1f})" for one in each))
        for each in zip(*(found[name] for name in names), strict=True)
    ]
    return _table(("spaces", *names.values()), rows)


def everyday() -> str:
    """The table of the memory of the model everyday, by its plan; a machine has half of its memory for towers."""
    from omnisearch.binding.installed import find_config
    from omnisearch.binding.plan import plan
    from omnisearch.wording import byte_size

    rows = []
    for precision in ("fp32", "bf16", "int8"):
        settings = Settings(device="cpu", precision=precision)
        steps = plan(find_config("everyday", settings), settings)
        parts = dict.fromkeys(step.modality for step in steps)
        sizes = [sum(step.size for step in steps if step.modality is part) for part in parts]
        whole = sum({step.tower: step.size for step in steps}.values())
        fits = [f"{memory} GB" for memory in (4, 8, 16) if whole <= memory * 1e9 / 2]
        rows.append((f"`{precision}`", *map(byte_size, (*sizes, whole)), ", ".join(fits)))
    return _table(("precision", "text", "image, video", "audio", "3D", "all together", "fits"), rows)


COST_PLANS = ((1e6, 1), (1e8, 16), (1e9, 16))  # items, machines


def costs() -> str:
    """The table of what indexes of several sizes cost, by the formulas of `omnisearch bench plan`."""
    from omnisearch.binding.installed import find_config
    from omnisearch.costs import constants
    from omnisearch.costs import presentation as shown
    from omnisearch.costs.declarations import find_hardware, find_mix
    from omnisearch.costs.estimate import estimate

    dim, rows = find_config("mini", Settings()).dim, []
    for items, machines in COST_PLANS:
        for mix in ("photos", "mixed"):
            codes: Literal["none", "int8"] = "none" if items < 1e9 else "int8"
            found = estimate(items, find_mix(mix), find_hardware("cloud"), dim, constants.load(), machines, codes)
            assert found.indexing is not None
            assert found.month is not None
            rows.append(
                (
                    f"1e{len(f'{items:.0f}') - 1}",
                    mix,
                    shown.machines(machines),
                    f"{shown.duration(found.seconds)} ({found.limit})",
                    f"{shown.size(found.head)}, {shown.size(found.server)}",
                    shown.size(found.engine),
                    f"{shown.machines(found.nodes)}, {codes}" if found.nodes else "embedded",
                    shown.size(found.disk),
                    shown.money(found.indexing),
                    shown.money(found.month),
                )
            )
    head = ("items", "mix", "indexed by", "time (waits for)", "memory of run, server", "of points", "kept by", "disk")
    return _table((*head, "first run", "a month"), rows)


def cost_constants() -> str:
    """The table of all constants of `omnisearch bench plan`, and where each comes from."""
    from omnisearch.costs import constants, presentation

    rows = presentation.constant_rows(constants.load().all)
    return _table(
        ("constant", "value", "what it is", "where it comes from"),
        ((f"`{row['constant']}`", row["value"], row["about"], row["origin"]) for row in rows),
    )


def _megabytes(memory: list[float]) -> str:
    return ", ".join(f"{each:.0f} MB" for each in (memory[0], max(memory), memory[-1]))


def with_tables(page: str) -> str:
    """A page of docs/ with the tables between `<!-- table NAME -->` and `<!-- end -->` made from the code."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- table {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->.*?<!-- end -->", table, (DOCS / page).read_text("utf-8"), flags=re.DOTALL)


TABLES: dict[str, Callable[[], str]] = {
    "reasons": reasons,
    "formats": formats,
    "load": load,
    "planted": planted,
    "everyday": everyday,
    "costs": costs,
    "cost_constants": cost_constants,
}
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": render_cli,
    "openapi.json": render_openapi,
    "api.md": partial(with_tables, "api.md"),
    "media.md": partial(with_tables, "media.md"),
    "indexing.md": partial(with_tables, "indexing.md"),
    "training.md": partial(with_tables, "training.md"),
    "models.md": partial(with_tables, "models.md"),
    "benchmarks.md": benchmarks.render,
    "scale.md": partial(with_tables, "scale.md"),
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (names, ("---",) * len(names), *rows))


def _place(argument: Any) -> str:
    name = argument.name.upper()
    return argument.metavar or (name if argument.required else f"[{name}]...")


def _examples_apart(help_text: str) -> str:
    lines = (f"    {line}" if line.startswith("omnisearch ") else line for line in help_text.splitlines())
    return "\n".join(lines)


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _help(option: Any) -> str:
    required = " Required." if option.required else ""
    return (option.help or "").replace("|", "\\|") + required


def _default(option: Any) -> str:
    return "" if option.default in (None, False, "") else f"`{option.default}`"


def _settings() -> str:
    rows = ["| key | variable | meaning | default |", "|---|---|---|---|"]
    for name, one in declared(Settings).items():
        default = MADE_HERE.get(name) or (f"`{one.default}`" if one.default else "not set")
        rows.append(f"| `{name}` | `OMNISEARCH_{name.upper()}` | {one.description} | {default} |")
    rows.append(
        "| | `OMNISEARCH_DATASETS_DIR` | where `omnisearch train` and `eval` keep datasets | the user's cache folder |"
    )
    text = "A flag wins over a variable, that over `./omnisearch.toml`, that over the user's `config.toml`."
    return f"{text}\n\n" + "\n".join(rows)


if __name__ == "__main__":
    for page, render in PAGES.items():
        (DOCS / page).write_text(render(), encoding="utf-8")
