"""Every figure of every sweep: listed once, the same bytes again, never empty, never a number that is not finite."""

import csv
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from houses import ROOT
from synthetic_sweep import build, rows_of, words_of

from ziplaw.base.documents import read_csv, read_json, write_csv, write_json
from ziplaw.report.figures import FIGURES, draw
from ziplaw.sweep.folder import finite

PKG = ROOT / "pkg"


# what a figure says instead of being empty
SILENT = {
    "saturated": {"frontiers": "0 of 36 cells scale", "loss_contours": "no frontier"},
    "tiny": {
        "links": "needs at least",
        "near_best": "no link could be fitted",
        "frontiers": "no dataset carries a law",
        "parameters_vs_h": "no fit converged",
    },
    "lost": {
        "frontiers": "every run diverged",
        "loss_contours": "every run diverged",
        "parameters_vs_h": "no fit converged",
        "predicted_vs_measured": "every run diverged",
        "links": "every run diverged",
        "split_vs_h": "every run diverged",
        "near_best": "no link could be fitted. z: every run diverged",
    },
    "imported": {"presets": "no presets.csv", "loss_contours": "regime not known"},
}


BROKEN = {
    "one": {"names": ("only",)},
    "saturated": {"names": ("s-1", "s-2"), "shrink": 0.01, "noise": 1e-4},
    "tiny": {"names": ("t",), "widths": (6, 8), "budgets": (65536, 131072)},
    "lost": {"names": ("z",), "diverged": ("z",), "budgets": (65536,)},
    "partly lost": {"names": ("d1", "d2"), "diverged": (("d1", 32), "d2")},
    "imported": {"names": ("r1",), "floors": False, "presets": False, "references": False},
    "odd names": {"names": ("データ-α", "$x_1$", "_a-b"), "seeds": (0, 1), "widths": (6, 12, 24), "references": False},
}


@pytest.fixture(scope="module", params=list(BROKEN))
def broken(request, tmp_path_factory):
    return request.param, build(tmp_path_factory.mktemp("broken"), **BROKEN[request.param])


def test_a_figure_is_one_file_and_one_entry():
    files = {path.stem for path in (PKG / "ziplaw" / "report" / "figures").glob("*.py")}
    # the figures of `ziplaw fit --plot` and `ziplaw skills --plot` are of one table, not of a sweep
    assert files - {"__init__", "style", "law_fit", "skills_by_task"} == {figure.module for figure in FIGURES.values()}
    for figure in FIGURES.values():
        assert figure.columns


def test_the_list_of_figures_is_cheap():
    code = "import sys; from ziplaw.report.figures import drawn_from; drawn_from(['laws'])\n"
    code += "print([name for name in ('numpy', 'matplotlib') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(PKG)}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_is_an_svg_without_date_or_fonts_of_the_reader(drawn, kind):
    text = (drawn / f"{kind}.svg").read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert "<text" not in text
    assert "dc:date" not in text
    width = float(root.attrib["width"].removesuffix("pt")) / 72
    assert 3 < width <= 7.01
    assert len(rows_of(drawn, kind)) > 5


def test_bytes_repeat_in_another_process_whatever_the_user_has_set(sweep, drawn, tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nlines.linewidth: 7\nsvg.fonttype: none\naxes.grid: False\n")
    code = (
        "import sys; from ziplaw.report.figures import FIGURES, draw\n"
        "for kind in FIGURES: draw(kind, sys.argv[1], f'{sys.argv[2]}/{kind}.svg')"
    )
    environment = {**os.environ, "PYTHONPATH": str(PKG), "PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code, sweep, tmp_path], check=True, env=environment, timeout=300)
    for kind in FIGURES:
        for ending in ("svg", "csv"):
            assert (tmp_path / f"{kind}.{ending}").read_bytes() == (drawn / f"{kind}.{ending}").read_bytes(), kind


def test_one_dataset_alone(sweep, tmp_path):
    for kind in ("training_curves", "loss_contours", "frontiers", "gzip_distributions"):
        draw(kind, sweep, tmp_path / f"{kind}.svg", dataset="syn-c")
        rows = rows_of(tmp_path, kind)
        names = {row.get("dataset") or row.get("source") or row.get("name") for row in rows}
        assert names - {"chinchilla"} == {"syn-c"}


@pytest.mark.parametrize("kind", FIGURES)
def test_no_figure_of_a_broken_sweep_is_empty(broken, kind, tmp_path, monkeypatch):
    case, folder = broken
    draw(kind, folder, tmp_path / f"{kind}.svg")
    marks = (tmp_path / f"{kind}.svg").read_text("utf-8").count("<use ")
    assert marks > 10
    with open(tmp_path / f"{kind}.csv", encoding="utf-8") as stream:
        assert len(next(csv.reader(stream))) > 5
    expected = SILENT.get(case, {}).get(kind)
    if expected:
        assert expected in words_of(kind, folder, monkeypatch)


def test_numbers_that_are_not_finite_are_left_out(sweep, tmp_path):
    folder = tmp_path / "holes"
    for name in ("runs.csv", "frontier.csv"):
        rows = read_csv(sweep / name)
        for row in rows[::5]:
            row.update({key: None for key in ("loss", "N_lo", "N_hi", "loss_stderr") if key in row})
        rows[1]["loss"] = float("inf")
        write_csv(folder / name, rows)
    for path in (sweep / "fits").iterdir():
        fit = read_json(path)
        for body in fit["variants"].values():
            body["intervals"] = {name: [None, None] for name in body["intervals"]}
            body["holdout"] = None
        fit["variants"]["free"]["parameters"] = dict.fromkeys(fit["variants"]["free"]["parameters"])
        write_json(folder / "fits" / path.name, fit, kind="fit")
    for kind in FIGURES:
        draw(kind, folder, tmp_path / f"{kind}.svg")
        for row in rows_of(tmp_path, kind):
            assert all(finite(value) for value in row.values() if isinstance(value, float))
