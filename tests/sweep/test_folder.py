"""A sweep folder with leftovers of an earlier config: figures and report show the files that they are told, no
others.
"""

import csv

import pytest
from synthetic_sweep import build, stub_figures

from ziplaw.cli import main
from ziplaw.report.figures import draw
from ziplaw.report.page import render
from ziplaw.sweep.folder import Sweep


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sweep") / "left", names=("a", "b", "c"))


def belongs(folder, *left_over):
    files = [path for path in folder.rglob("*") if path.is_file() and "runs" not in path.parent.parts]
    return [path for path in files if not any(part in path.name for part in left_over)]


def test_without_a_list_everything_in_the_folder_counts(folder):
    sweep = Sweep(folder)
    assert {"code", "prose.bytes"} <= set(sweep.scores)
    assert sweep.table("presets.csv")
    assert not sweep.has("no/such.json")


def test_what_is_not_listed_is_not_there(folder):
    sweep = Sweep(folder, files=tuple(belongs(folder, "code", "presets")))
    assert set(sweep.scores) == {"a", "b", "c", "prose", "prose.bytes"}
    assert sweep.table("presets.csv") == []
    assert len(sweep.grammars) == 3


def test_the_report_shows_no_leftovers(folder):
    stub_figures(folder)
    (folder / "figures" / "presets.svg").unlink()
    draw("presets", folder, folder / "figures" / "presets.svg")
    everything = render(folder)
    assert "code.bytes" in everything
    assert "sha256 of presets.csv" in everything
    shown = render(folder, files=belongs(folder, "code", "prose", "presets"))
    assert "code.bytes" not in shown
    assert "presets.csv" not in shown
    assert 'id="presets-' not in shown


def test_a_dataset_that_was_a_grammar_has_none_when_it_is_imported(folder):
    files = [
        path for path in belongs(folder) if path.parent.name not in ("grammars", "floors") or path.name != "a.json"
    ]
    sweep = Sweep(folder, files=tuple(files))
    assert set(sweep.grammars) == set(sweep.floors) == {"b", "c"}


def test_plot_takes_the_list_too(folder, tmp_path):
    output = tmp_path / "h.svg"
    files = map(str, belongs(folder, "prose"))
    with pytest.raises(SystemExit) as stop:
        main(["plot", "gzip_distributions", "--sweep-dir", str(folder), "-o", str(output), *files])
    assert not stop.value.code
    with open(output.with_suffix(".csv")) as stream:
        assert {row["name"] if "name" in row else row["dataset"] for row in csv.DictReader(stream)} == {
            "a", "b", "c", "code", "code.bytes",
        }  # fmt: skip
