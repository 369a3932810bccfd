"""``plan.html``: a pilot's plan as one file that opens offline and prints on two sheets."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base.checksums import check_made
from ...base.documents import read_csv, read_json, write_text
from ...base.numerals import counted
from ...base.outputs import Output, by_mark, check, image_outputs
from ...errors import FitError
from ...pilots.planning.plan_rows import HEADERS
from ...pilots.planning.plan_told import data_sentence, moved_rows, next_sentence, runs_sentence
from ..figures.pilots import PILOT_FIGURES, draw_pilot
from ..templates import as_written, image, needed, template
from .plan_words import captions, headline, recipe_rows, size_rows, spent_time, steps

MARK = "<title>ziplaw: plan of "
_AGAIN = "make the plan again with ziplaw pilot-plan"


def render_plan(folder: str | os.PathLike[str], drawn: Mapping[str, bytes] | None = None) -> str:
    """Return the page of a pilot that has a plan.

    Parameters
    ----------
    folder : path-like
        Where plan.json and the tables beside it lie.
    drawn : mapping, optional
        Figure -> SVG; those that lack are drawn.

    Raises
    ------
    FitError
        When there is no plan, or one that somebody edited.
    """
    needed()
    plan, tables = read_plan(folder)
    drawn = drawn or draw_all(plan, tables)
    with as_written(folder, _AGAIN):
        page = template(__package__ or "", "plan.html.j2", [plan["pilot"]], counted=counted, band=_band)
        return str(
            page.render(
                plan=plan,
                headline=headline(plan),
                steps=steps(plan),
                figures={name: image(svg) for name, svg in drawn.items()},
                captions=captions(plan),
                moved=moved_rows(plan),
                sizes=size_rows(plan),
                recipes=recipe_rows(plan),
                rests_on=runs_sentence(plan),
                data=data_sentence(plan).removeprefix("Data: "),
                spent=spent_time(plan["bill"]["gpu_hours"]),
                following=next_sentence(plan),
                tables=[*HEADERS],
            )
        )


def _band(ends: Any) -> str:
    """Both ends of a band of counts."""
    low, high = ends
    return f"{counted(low)} to {counted(high)}"


def read_plan(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Read plan.json and the tables of its figures, by the figures' names."""
    place = Path(folder)
    if not (place / "plan.json").is_file():
        raise FitError(f"{folder} holds no plan.json: make it with ziplaw pilot-plan {folder}")
    lost = [file.name for file in read_files(folder) if not file.is_file()]
    if lost:
        raise FitError(f"{folder} holds no {lost[0]}, which is written with plan.json: {_AGAIN}")
    for file in read_files(folder):
        check_made(file)
    plan = read_json(place / "plan.json", "pilot_plan")
    return plan, {name: read_csv(place / f"{name}.csv") for name in PILOT_FIGURES}


def read_files(folder: str | os.PathLike[str]) -> list[Path]:
    """List what a page is made from."""
    return [Path(folder, "plan.json"), *(Path(folder, f"{name}.csv") for name in PILOT_FIGURES)]


def draw_all(plan: Mapping[str, Any], tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, bytes]:
    """Return every figure of the page as SVG."""
    out = {}
    with tempfile.TemporaryDirectory() as scratch, as_written("the folder of the plan", _AGAIN):
        for name in PILOT_FIGURES:
            path = Path(scratch) / f"{name}.svg"
            draw_pilot(name, plan, tables[name], path)
            out[name] = path.read_bytes()
    return out


def page_outputs(path: str | os.PathLike[str]) -> list[Output]:
    """List what is written for a page: itself, and its figures as images beside it."""
    images = [Path(path).parent / f"{name}.svg" for name in PILOT_FIGURES]
    # the numbers of a figure are the plan's table, and not written here
    beside = [image_outputs(image, list, f"{image.name}, written beside {path},")[0] for image in images]
    return [Output(path, by_mark(MARK), str(path)), *beside]


def write_plan_page(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Write the page of a pilot's plan, and its figures as SVG beside it.

    Raises
    ------
    FitError, OutputError
        When there is no plan; when the page would replace something else.
    """
    check(page_outputs(output), homes=[folder], force=True)
    plan, tables = read_plan(folder)
    drawn = draw_all(plan, tables)
    page = render_plan(folder, drawn)
    for name, svg in drawn.items():
        write_text(Path(output).parent / f"{name}.svg", svg.decode("utf-8"))
    write_text(output, page)
