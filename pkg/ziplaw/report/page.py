"""The report of a sweep: one HTML file that opens offline, every number with its interval or the reason it has none."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..base.checksums import check_made
from ..base.documents import write_text
from ..base.outputs import Output, by_mark, check
from ..sweep.folder import VARIANTS, Sweep
from .about_scores import references
from .captions import caption, figures_of
from .figures import draw
from .findings import answer
from .page_tables import (
    dataset_rows,
    fit_rows,
    flags_with_meanings,
    holdout_rows,
    link_rows,
    ordered,
    preset_rows,
    split_table,
    way_rows,
)  # fmt: skip
from .provenance import provenance
from .remarks import one_reason
from .sentences import p_value, said
from .templates import as_written, image, needed, template

MARK = "<title>ziplaw: sweep "


def render(
    sweep_dir: str | Path,
    config: str | Path | None = None,
    command: str | None = None,
    files: Sequence[str | Path] = (),
) -> str:
    """Return the report of a finished sweep as HTML.

    Parameters
    ----------
    sweep_dir : path-like
        ``results/<sweep>``. Figures that it lacks are drawn.
    config : path-like, optional
        The config of the sweep, quoted in the provenance.
    command : str, optional
        The command that reproduces the sweep; by default the Snakemake call for ``config``.
    files : sequence of path-like
        Files of the folder that belong to the sweep; none: all of them.

    Raises
    ------
    FitError
        When the folder is no finished sweep.
    """
    needed()
    folder = Path(sweep_dir)
    sweep = Sweep(folder, files=tuple(map(Path, files)))
    _ = sweep.runs
    with as_written(folder, "make the sweep's tables and fits again"):
        return str(
            _template(sweep).render(
                name=folder.resolve().name,
                answer=answer(sweep),
                datasets=dataset_rows(sweep),
                ways=way_rows(sweep),
                links=link_rows(sweep),
                fits=fit_rows(sweep),
                flags=flags_with_meanings(sweep),
                allocation=split_table(sweep),
                regression=sweep.regression,
                claims=[] if one_reason(sweep) else sweep.table("claims.csv"),
                references=list(references(sweep).values()),
                presets=preset_rows(sweep),
                holdout=holdout_rows(sweep),
                figures=_figures(sweep),
                command=command or _command(config),
                config=Path(config).read_text("utf-8") if config else None,
                provenance=provenance(sweep, folder, config),
            )
        )


def _template(sweep: Sweep) -> Any:
    """Return the template; every filter that returns HTML has escaped what came from files."""
    return template(
        __package__ or "",
        "page.html.j2",
        sweep.datasets,
        variant_words=lambda variant: VARIANTS.get(variant, "no law"),
        said=lambda place: list(said(sweep, place).values()),
        p_cell=lambda value: p_value(value).replace("p = ", "").replace("p < ", "< ").replace("no p", "–"),
        ordered=ordered,
    )


def write_report(
    sweep_dir: str | Path,
    output: str | Path,
    config: str | Path | None = None,
    command: str | None = None,
    files: Sequence[str | Path] = (),
) -> None:
    """Write the report of a finished sweep, see ``render``.

    Raises
    ------
    FitError, OutputError
        When the folder is no finished sweep; when the report would replace a file of it, or the config.
    """
    read = [] if config is None else [config]
    check([Output(output, by_mark(MARK), str(output))], read, homes=[sweep_dir], force=True)
    write_text(output, render(sweep_dir, config, command, files))


def _command(config: str | Path | None) -> str | None:
    if config is None:
        return None
    # the config as named from the checkout, never an absolute path
    path = Path(config).resolve()
    return f"snakemake --cores all --configfile {shlex.quote(f'{path.parent.name}/{path.name}')}"


def _figures(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Figures with their captions, as images that need no other file; those that the folder lacks are drawn."""
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in figures_of(sweep):
            path = sweep.folder / "figures" / f"{kind}.svg"
            if not sweep.has(f"figures/{kind}.svg"):
                path = Path(scratch) / f"{kind}.svg"
                draw(kind, sweep.folder, path, files=sweep.files)
            check_made(path)
            figures[kind] = image(path.read_bytes()) | {"caption": caption(sweep, kind)}
    return figures
