"""``ziplaw plot``: the list of figures, one clear line for bad input, what is written where."""

import pytest
from click.testing import CliRunner
from synthetic_sweep import build

from ziplaw.cli.show.plot import command
from ziplaw.errors import FitError
from ziplaw.report.figures import FIGURES


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sweep"), ("syn-a",), bootstrap=10)


def test_the_command_knows_every_figure():
    listed = CliRunner().invoke(command, ["--list"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == list(FIGURES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["presets", "--sweep-dir", "{empty}"], "holds no runs.csv"),
        (["presets", "--sweep-dir", "{sweep}", "--dataset", "nope"], "choose from syn-a"),
        (["presets", "--sweep-dir", "{sweep}", "-o", "figure.doc"], "name it .svg, .png or .pdf"),
    ],
)
def test_bad_input_is_one_clear_line(sweep, tmp_path, arguments, words):
    arguments = [a.format(empty=tmp_path, sweep=sweep) for a in arguments]
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, FitError)
    assert words in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_beside_the_sweep(sweep):
    done = CliRunner().invoke(command, ["presets", "--sweep-dir", str(sweep)])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (sweep / "figures").iterdir()} == {"presets.svg", "presets.csv"}
