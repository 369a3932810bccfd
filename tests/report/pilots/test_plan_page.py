"""The page of a plan: the answer first, whole, one file, safe whatever a folder is called, the same bytes again."""

import re
import shutil
from pathlib import Path

import pytest
from simulated_pilot import edited, simulated_pilot
from verbs import refuses, status

from ziplaw.base.documents import read_json
from ziplaw.base.numerals import counted
from ziplaw.errors import ZiplawError
from ziplaw.report.figures.pilots import PILOT_FIGURES
from ziplaw.report.pilots.plan_page import render_plan
from ziplaw.report.pilots.plan_words import spent_time

STUB = dict.fromkeys(PILOT_FIGURES, b"<svg width='3pt'/>")


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    folder = simulated_pilot(tmp_path_factory.mktemp("page") / "alpha")
    assert status("pilot-plan", folder) == 0
    return folder


def planned(pilot, tmp_path):
    """A copy of the planned pilot's folder."""
    return Path(shutil.copytree(pilot, tmp_path / "copy"))


def words_of(html):
    html = re.sub(r"<style>.*?</style>|<img[^>]*>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_answer_stands_first_and_the_page_is_one_file(pilot):
    assert status("pilot-page", pilot) == 0
    html = (pilot / "plan.html").read_text("utf-8")
    plan, words = read_json(pilot / "plan.json"), words_of(html)
    first = f"Train about {counted(plan['N'])} parameters on {counted(plan['D'])} tokens: such as a decoder"
    assert words.index(first) < 200
    assert words.startswith("ziplaw: plan of alpha alpha: how to spend 1·10 18 training FLOPs on this corpus")
    for key in ("N", "D", "tokens_per_parameter"):
        assert f"{counted(plan[key])} {' to '.join(map(counted, plan[f'{key}_interval']))}" in words
    assert not re.search(r"\bnan\b|\bNone\b|\{\{|\{%", words)
    assert html.count("<img ") == len(PILOT_FIGURES) == html.count('src="data:image/svg+xml;base64,')
    assert not re.search(r"https?:|<script|<link|@import", re.sub(r'"data:[^"]*"', "", html))
    assert {"@media print", "prefers-color-scheme: dark", "size: A4"} <= set(
        re.findall(r"@media print|prefers-color-scheme: dark|size: A4", html)
    )


def test_same_bytes_again_and_figures_beside_their_tables(pilot):
    written = ["plan.html", *(f"{name}.svg" for name in PILOT_FIGURES)]
    assert status("pilot-page", pilot) == 0
    first = {name: (pilot / name).read_bytes() for name in written}
    tables = {name: (pilot / f"{name}.csv").stat().st_mtime_ns for name in PILOT_FIGURES}
    assert status("pilot-page", pilot) == 0
    assert {name: (pilot / name).read_bytes() for name in written} == first
    # a table is the plan's: the page reads it, and never writes it
    assert {name: (pilot / f"{name}.csv").stat().st_mtime_ns for name in PILOT_FIGURES} == tables
    assert all(b"<svg" in first[f"{name}.svg"] for name in PILOT_FIGURES)


def test_names_are_escaped_and_never_set_as_mathematics(pilot, tmp_path):
    folder = planned(pilot, tmp_path)
    edited(folder, "plan.json", lambda plan: plan["warnings"].append("<script>alert(2)</script>"))
    edited(folder, "plan.json", lambda plan: plan.update(pilot="<img src=x onerror=alert(1)>&beta"))
    html = render_plan(folder, STUB)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;beta: how to spend" in html


def test_no_plan_is_said_first(pilot, tmp_path):
    folder = planned(pilot, tmp_path)
    doubt = {"reason": "the 95% band at C = 1e+22 is over 2 decades wide", "remedy": "add runs", "C": 1e22}
    edited(folder, "plan.json", lambda plan: plan.update(refused=[doubt]))
    words = words_of(render_plan(folder, STUB))
    assert words.index("No plan yet: the 95% band at C = 1·10 22 is over 2 decades wide. To get one, add runs") < 150
    assert "Train about" not in words


def test_a_pilot_without_a_split_of_its_own_has_a_page(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(16,), computes=(1e11, 3e11))
    assert status("pilot-plan", folder) == 0
    html = render_plan(folder)
    words = words_of(html)
    assert "no runs that tell" in words
    assert "own runs say nothing about the split yet" in words
    assert not re.search(r"\bnan\b|\bNone\b", words)


def test_what_is_no_plan_is_refused_in_one_line(tmp_path, capsys, pilot):
    assert "holds no plan.json: make it with ziplaw pilot-plan" in refuses(capsys, "pilot-page", tmp_path)
    folder = planned(pilot, tmp_path)
    edited(folder, "plan.json", lambda plan: plan.pop("bill"))
    with pytest.raises(ZiplawError, match="is not as ziplaw wrote it"):
        render_plan(folder, STUB)
    (folder / "held_out.csv").unlink()
    with pytest.raises(ZiplawError, match=r"holds no held_out\.csv"):
        render_plan(folder, STUB)
    (tmp_path / "notes.html").write_text("mine")
    assert "no earlier output of this command" in refuses(capsys, "pilot-page", pilot, "-o", tmp_path / "notes.html")
    assert "is part of" in refuses(capsys, "pilot-page", pilot, "-o", pilot / "plan.json")


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.00694, "25 s"), (0.25, "15 min"), (3.21, "3.2 h"), (52_300, "52\u202f300 h"), (1e-6, "0.0036 s")],
)
def test_a_time_is_said_in_the_largest_unit_of_which_there_is_one(hours, said):
    assert spent_time(hours) == said
