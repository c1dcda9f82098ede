"""The output of `omnisearch models check`: a matrix of directions, or of the user's own files."""

from pathlib import Path
from typing import TYPE_CHECKING

from omnisearch.cli import model_rows
from omnisearch.cli.console import Format, choose_format, err, write_rows
from omnisearch.cli.progress_bar import Bar
from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError, WeightsError

if TYPE_CHECKING:
    from omnisearch.binding.model import OmniBind
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
    tell(bound, report)
    if report.faults:
        raise WeightsError(f"{bound.name} does not work: {'; '.join(report.faults)}")


def calibrate(settings: Settings) -> None:
    """Calibrate the model of the settings if that was not done yet, and show the progress."""
    from omnisearch.binding.installed import find_config
    from omnisearch.binding.model import OmniBind

    if find_config(settings.model, settings).calibration == "samples":
        with Bar("calibrating", "samples") as bar:
            OmniBind.load(settings.model, settings, meter=bar)


def check_pulled(model: str, settings: Settings) -> None:
    """Calibrate a model that was pulled, if necessary, and check it; print the outcome, also if it is an error."""
    from omnisearch.binding.model import OmniBind
    from omnisearch.binding.self_check import check_model

    try:
        with Bar("calibrating", "samples") as bar:
            bound = OmniBind.load(model, settings, meter=bar)
        with Bar("checking", "samples") as bar:
            report = check_model(bound, bar)
    except OmnisearchError as error:
        err.print(f"{model} cannot be checked: {error}", markup=False, style="yellow")
        return
    tell(bound, report)
    for fault in report.faults:
        err.print(f"{bound.name} does not work: {fault}", markup=False, style="yellow")


def tell(bound: "OmniBind", report: "Report") -> None:
    """Print the notes of a report, and that the model works if it does."""
    for note in report.notes:
        err.print(note, markup=False)
    if report.works:
        good = sum(direction.grade != "chance" for direction in report.directions)
        total = len(report.directions)
        err.print(f"{bound.name} works: {good} of {total} directions are better than chance", markup=False)


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
