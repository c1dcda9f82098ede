"""Pictures of results, as SVG by matplotlib. Each function takes plain values, as reports in JSON have them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omnisearch.errors import NotReadyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bars = Mapping[str, Mapping[str, float]]  # values by the label of a bar, or of a group of bars, and by name
Lines = Mapping[str, Sequence[tuple[float, float]]]  # points (x, y) by name


def draw_stacks(path: Path, panels: Mapping[str, Bars], label: str) -> None:
    """Draw panels of horizontal bars, each divided among its names: shares that add up to one."""

    def stacks(axes: "Axes", bars: Bars) -> None:
        labels = list(bars)[::-1]
        start = [0.0] * len(labels)
        for name in dict.fromkeys(name for each in bars.values() for name in each):
            lengths = [bars[each].get(name, 0.0) for each in labels]
            axes.barh(labels, lengths, left=start, label=name)
            start = [a + b for a, b in zip(start, lengths, strict=True)]
        axes.set(xlim=(0, 1), xlabel=label)

    _panels(path, panels, stacks, max(map(len, panels.values())) * 0.2)


def draw_groups(path: Path, panels: Mapping[str, Bars], label: str) -> None:
    """Draw panels of groups of horizontal bars, one bar for each name."""

    def groups(axes: "Axes", bars: Bars) -> None:
        names = list(dict.fromkeys(name for each in bars.values() for name in each))
        labels, height = list(bars)[::-1], 0.8 / len(names)
        for i, name in enumerate(names):
            places = [row + 0.4 - (i + 0.5) * height for row in range(len(labels))]
            axes.barh(places, [bars[each].get(name, 0.0) for each in labels], height, label=name)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlabel=label)

    names = max(len(each) for bars in panels.values() for each in bars.values())
    _panels(path, panels, groups, max(map(len, panels.values())) * names * 0.12)


def draw_histograms(path: Path, panels: Mapping[str, Mapping[str, Sequence[int]]], label: str) -> None:
    """Draw panels of histograms of values in [0, 1], as outlines: the share of the items in each part."""

    def histograms(axes: "Axes", counts: Mapping[str, Sequence[int]]) -> None:
        for name, own in counts.items():
            edges = [i / len(own) for i in range(len(own) + 1)]
            axes.stairs([count / max(1, sum(own)) for count in own], edges, label=name)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=label, ylabel="share of the items")

    _panels(path, panels, histograms, 3)


def draw_lines(path: Path, panels: Mapping[str, Lines], x: str) -> None:
    """Draw panels of lines on logarithmic axes."""

    def lines(axes: "Axes", points: Lines) -> None:
        for name, own in points.items():
            axes.plot([at for at, _ in own], [value for _, value in own], marker="o", label=name)
        axes.set(xscale="log", yscale="log", xlabel=x)

    _panels(path, panels, lines, 3)


def _panels(path: Path, panels: Mapping[str, Any], draw: Callable[..., None], height: float) -> None:
    """Draw panels beside each other, each with its title and legend, and write the figure."""
    figure = _figure((4.5 * len(panels) + 1, 2.4 + height))
    for axes, (title, content) in zip(
        figure.subplots(ncols=len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        draw(axes, content)
        axes.set_title(title)
        axes.tick_params(axis="y", labelsize=7)
        axes.margins(y=0.01)
    names = [axes.get_legend_handles_labels()[1] for axes in figure.axes]
    if all(each == names[0] for each in names):
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
    else:
        for axes in figure.axes:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.6 / (height + 0.5)), ncols=4, fontsize=8)
    _save(figure, path)


def _figure(size: tuple[float, float]) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NotReadyError("pictures are drawn by matplotlib: run `pip install 'omnisearch[train]'`") from None
    return Figure(size, layout="constrained")


def _save(figure: "Figure", path: Path) -> None:
    """Write an SVG: equal files for equal values, and text as text."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
