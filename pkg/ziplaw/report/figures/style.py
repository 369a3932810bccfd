"""One look for every figure: sizes of a paper's column, marks that survive black and white, bytes that repeat."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib import font_manager, ticker
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...base.atomic import atomic_path
from ...base.documents import write_csv
from ...base.outputs import CREATOR, numbers_of
from ...numerics.functions import log10

Row = dict[str, Any]  # of a table: column -> cell

COLUMN, PAGE = 3.4, 7.0  # inches: one column of a two-column page, and both
INK, GREY, PALE = "#1a1a1a", "#6e6e6e", "#b8b8b8"
ACCENT = "#c2410c"  # the one colour that means "compute-optimal"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
DASHES = ((0, ()), (0, (6, 1.5)), (0, (3, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (1.2, 1)), (0, (7, 1.5, 1, 1.5, 1, 1.5)))

RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelpad": 2.5,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.titlesize": 7.5,
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.4,
    "hatch.linewidth": 0.4,
    "legend.borderaxespad": 0.2,
    "legend.borderpad": 0.2,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.title_fontsize": 6.5,
    "lines.linewidth": 1.0,
    "lines.markeredgewidth": 0.5,
    "lines.markersize": 3.5,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "ziplaw",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 6.5,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.5,
    "xtick.minor.size": 1.4,
    "xtick.minor.width": 0.4,
    "ytick.color": INK,
    "ytick.labelsize": 6.5,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.5,
    "ytick.minor.size": 1.4,
    "ytick.minor.width": 0.4,
}


def style() -> Any:
    """Return the context in which figures are drawn: matplotlib's defaults and ours, whatever the user's own say."""
    return matplotlib.style.context(["default", RC])


def look(index: int, count: int, ramp: str = "viridis") -> dict[str, Any]:
    """Return colour, marker and dash of the index-th of count ordered series, dark to light as in a grey copy."""
    place = 0.0 if count < 2 else 0.84 * index / (count - 1)
    return {
        "color": matplotlib.colors.to_hex(matplotlib.colormaps[ramp](place)),
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
    }


def figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Any]]:
    """Return a figure of width x height inches and its axes, row by row."""
    made = Figure(figsize=(width, height), layout="constrained")
    engine: Any = made.get_layout_engine()
    engine.set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.03)
    return made, list(made.subplots(rows, columns, squeeze=False, **options).flat)


def panels(n: int, *, height: float = 1.9, **options: Any) -> tuple[Figure, list[Any]]:
    """Return a figure with one axes for each of n datasets, in rows of up to three (four from ten datasets on)."""
    n = max(n, 1)
    columns = {1: 1, 2: 2, 4: 2}.get(n, 3 if n < 10 else 4)
    rows = -(-n // columns)
    width = {1: 1.25 * COLUMN, 2: 0.78 * PAGE}.get(columns, PAGE)
    made, grid = figure(width, height * rows + 0.45, rows, columns, **options)
    for position, spare in enumerate(grid[n:]):
        # the panel above a removed one becomes the last of its column and needs its ticks
        grid[n + position - columns].tick_params(labelbottom=True)
        spare.remove()
    return made, grid[:n]


def legend(made: Figure, handles: Sequence[Any], words: Sequence[str], most: int = 4, **options: Any) -> None:
    """Put a legend above a figure, in as many columns as its width bears (``most`` on a whole page)."""
    columns = max(1, round(most * made.get_figwidth() / PAGE - 0.3))
    made.legend(handles, words, loc="outside upper center", ncols=min(columns, len(words)), **options)


def say(axes: Any, words: str, width: int = 34) -> None:
    """Write in an axes why it shows nothing, instead of leaving it empty."""
    axes.grid(False)
    axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    for side in axes.spines.values():
        side.set_color(PALE)
    axes.text(0.5, 0.5, wrap(words, width), transform=axes.transAxes, ha="center", va="center", color=GREY, size=6.5)


def reasons(found: dict[str, str]) -> str:
    """Join reasons by name into one sentence; names that share a reason share its words."""
    groups: dict[str, list[str]] = {}
    for name, reason in found.items():
        groups.setdefault(reason, []).append(label(name))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in groups.items())


def wrap(words: str, width: int) -> str:
    """Break a sentence into lines of at most width characters."""
    return "\n".join(textwrap.wrap(" ".join(words.split()), width)) or " "


def label(name: str, limit: int = 26) -> str:
    """Return a name as it can be drawn: no mathematics, no characters that the font lacks, not too long."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    shown = "".join(c if font.get_char_index(ord(c)) and c.isprintable() else f"\\u{ord(c):04x}" for c in name)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    # a legend drops names that begin with an underscore; a dollar sign would open mathematics
    return shown.replace("$", r"\$").replace("_", "\u2009_", 1) if shown.startswith("_") else shown.replace("$", r"\$")


def log_axis(axis: Any, *, si: bool = False, power: bool = False) -> None:
    """Give a logarithmic axis ticks that fit its span, labelled plainly, with SI prefixes, or as powers of ten."""
    low, high = sorted(axis.get_view_interval())
    decades = log10(high / low) if low > 0 else 1.0
    # the coarsest set of ticks that leaves at least three in view
    for subs in (
        (1.0,),
        (1.0, 3.0),
        (1.0, 2.0, 5.0),
        (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0),
        tuple(np.arange(1.0, 10.0, 0.5)),
    ):
        axis.set_major_locator(ticker.LogLocator(subs=subs, numticks=20))
        if (seen := [t for t in axis.get_majorticklocs() if low <= t <= high]) and len(seen) >= 3:
            break
    axis.set_minor_locator(ticker.LogLocator(subs=tuple(range(1, 10)), numticks=60))
    axis.set_minor_formatter(ticker.NullFormatter())
    if power:
        axis.set_major_locator(ticker.LogLocator(numticks=7))
        axis.set_minor_locator(ticker.NullLocator() if decades > 8 else axis.get_minor_locator())
        axis.set_major_formatter(ticker.LogFormatterSciNotation())
    else:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: prefixed(value) if si else f"{value:g}"))


def prefixed(value: float) -> str:
    """Write 65536 as 66k, 2e6 as 2M: counts of parameters and tokens."""
    for scale, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * scale:
            return f"{value / scale:.3g}{sign}"
    return f"{value:.3g}"


def handle(**options: Any) -> Line2D:
    """Return a legend handle; no line unless a linestyle is given."""
    return Line2D([], [], **({"linestyle": "none", "color": INK} | options))


def save(made: Figure, output: str | Path, rows: Sequence[dict[str, Any]], columns: Iterable[str]) -> None:
    """Write a figure (``write_image``) and the numbers in it as CSV beside it, both atomically."""
    write_image(made, output)
    write_csv(numbers_of(output), rows, list(columns))


def write_image(made: Figure, output: str | Path) -> None:
    """Write a figure as SVG (or PNG, PDF by its ending), atomically.

    The SVG holds no date and counts its ids, so equal numbers give equal bytes.
    """
    output = Path(output)
    kind = output.suffix[1:] or "svg"
    metadata = {
        "svg": {"Date": None, "Creator": CREATOR},
        "pdf": {"CreationDate": None, "Creator": CREATOR},
        "png": {"Software": CREATOR},
    }[kind]
    with atomic_path(output) as temporary:
        made.savefig(temporary, format=kind, metadata=metadata)
        if kind == "svg":
            drawn = Path(temporary)
            drawn.write_text(_counted_ids(drawn.read_text(encoding="utf-8")), encoding="utf-8")


def _counted_ids(svg: str) -> str:
    """Number the ids that matplotlib takes from digests of places on the page, whose last bits are the machine's."""
    names: dict[str, str] = {}
    for found in re.finditer(r'id="([a-z])[0-9a-f]{10}"', svg):
        names.setdefault(found[0][4:-1], f"{found[1]}{len(names)}")
    return re.sub(r"(?<=[\"#])[a-z][0-9a-f]{10}(?=[\")])", lambda found: names.get(found[0], found[0]), svg)
