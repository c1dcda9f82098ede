"""The output of `omnisearch models check`: a matrix of directions, or of the user's own files."""

from pathlib import Path
from typing import TYPE_CHECKING

from omnisearch.cli import model_rows
from omnisearch.cli.console import Format, choose_format, err, write_rows
from omnisearch.cli.progress_bar import Bar
from omnisearch.config import Settings
from omnisearch.errors import WeightsError

if TYPE_CHECKING:
    from omnisearch.binding.model import OmniBind
    from omnisearch.binding.pull import Checked
    from omnisearch.binding.self_check import Report


def check_things(bound: "OmniBind", output: Format | None) -> None:
    """Check a model with the samples that ship; write a row for each direction, or their matrix as a table.

    Raises:
        WeightsError: the check found a fault; names it.
    """
    from omnisearch.binding.self_check import check_model

    with Bar("checking", "samples") as bar:
        report = check_model(bound, bar)
    if choose_format(output) is Format.TABLE:
        targets = dict.fromkeys(direction.target for direction in report.directions)
        write_rows(model_rows.matrix(report.directions), ("from", *(f"to {each}" for each in targets)), output)
    else:
        write_rows(map(model_rows.direction_row, report.directions), (), output)
    tell(bound.name, report)
    if report.faults:
        raise WeightsError(f"{bound.name} does not work: {'; '.join(report.faults)}")


def tell_pulled(found: "Checked") -> None:
    """Print the outcome of the check of a pulled model, also if it is an error."""
    if found.report is None:
        err.print(f"{found.model} cannot be checked: {found.problem}", markup=False, style="yellow")
        return
    tell(found.model, found.report)
    for fault in found.report.faults:
        err.print(f"{found.model} does not work: {fault}", markup=False, style="yellow")


def tell(model: str, report: "Report") -> None:
    """Print the notes of a model's report, and that the model works if it does."""
    for note in report.notes:
        err.print(note, markup=False)
    if report.works:
        good = sum(direction.grade != "chance" for direction in report.directions)
        total = len(report.directions)
        err.print(f"{model} works: {good} of {total} directions are better than chance", markup=False)


def check_files(bound: "OmniBind", samples: Path, settings: Settings, output: Format | None) -> None:
    """Compare the user's own files.

    Raises:
        WeightsError: a file is nearer to another thing than to its own.
    """
    from omnisearch.binding.sanity_check import compare_samples, read_samples
    from omnisearch.media.pool import DecoderPool

    with DecoderPool(settings) as pool:
        shown = read_samples(samples, pool, bound.modalities)
    found = list(compare_samples(bound, shown))
    things = dict.fromkeys(f"to {thing}" for contents in shown.values() for thing in contents)
    write_rows(map(model_rows.comparison_row, found), ("from", "to", "thing", *things, "nearest"), output)
    wrong = [each for each in found if each.nearest != each.thing]
    if wrong:
        raise WeightsError(f"{len(wrong)} of {len(found)} samples are nearer to another thing in {bound.name}")
    err.print(f"all {len(found)} samples are nearest to their own thing", markup=False)
