"""``ziplaw study``: tables, figures and a page from the folder of a study."""

import re
import shutil

import pytest
from planted_study import planted_study, write_study

from ziplaw.base.documents import read_json
from ziplaw.cli import main
from ziplaw.report.studies.sections import SECTIONS
from ziplaw.report.studies.study_results import MARK, read_tables
from ziplaw.studies.answers.all_answers import ANSWERS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    study = planted_study((("v", 4), ("h", 3)), effects={"H": 6.0}, seeds=1, fitted=True, bootstrap=20)
    return write_study(tmp_path_factory.mktemp("study"), study)


@pytest.fixture(scope="module")
def answered(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("answers")
    with pytest.raises(SystemExit) as stop:
        main(["study", str(folder), "-o", str(out)])
    assert stop.value.code == 0
    return out


def run(*words):
    with pytest.raises(SystemExit) as stop:
        main(["study", *map(str, words)])
    return stop.value.code


def test_every_answer_has_a_table_and_the_page_its_figures(answered):
    assert {path.stem for path in answered.glob("*.csv")} == set(ANSWERS)
    page = (answered / "results.md").read_text()
    assert page.startswith(MARK)
    for path in answered.glob("figures/*.svg"):
        assert f"](figures/{path.name})" in page
        assert path.with_suffix(".csv").exists()
    sections = read_json(answered / "study.json", "study")["sections"]
    assert sections["measured"]["exploratory"]["datasets"] == 7
    assert "The exploratory half has 7 grammars" in page


def test_tables_made_one_by_one_give_the_same_bytes(folder, answered, tmp_path, capsys):
    mine, others = ["what_was_measured", "chosen_link"], set(ANSWERS)
    for name in mine:
        assert run(folder, "--only", name, "-o", tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.csv" for name in mine)
    for name in others - {*mine}:
        shutil.copyfile(answered / f"{name}.csv", tmp_path / f"{name}.csv")
    assert run(folder, "--made", "-o", tmp_path) == 0
    files = sorted(path.relative_to(answered) for path in answered.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    for file in files:
        assert (tmp_path / file).read_bytes() == (answered / file).read_bytes(), file


def test_every_section_whose_tables_are_there_is_on_the_page(answered):
    page, tables = (answered / "results.md").read_text(), read_tables(answered)
    there = [section for section in SECTIONS if section.holds(tables)]
    assert {"measured", "split", "carriers", "covariates"} <= {section.name for section in there}
    assert re.findall(r"^## (.*)$", page, re.M) == [section.title for section in there]
    assert "None" not in page
    assert "nan" not in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "everything"], "no answer 'everything': --only takes questions, what_was_measured"),
        (["--only", "what_was_measured", "--made"], "give one of the two"),
        (["--made"], "has no questions.csv: make it first"),
    ],
)
def test_bad_input_is_one_clear_line(folder, tmp_path, capsys, words, said):
    assert run(folder, *words, "-o", tmp_path) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_others_made_is_not_replaced(folder, tmp_path, capsys):
    (tmp_path / "results.md").write_text("mine\n")
    assert run(folder, "-o", tmp_path) == 2
    assert "results.md in" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_a_table_of_its_own_is_written_beside_what_is_not_touched(folder, tmp_path, capsys):
    (tmp_path / "split_moves.csv").write_text("columns,of,another,version\n")
    assert run(folder, "--only", "what_was_measured", "-o", tmp_path) == 0
    assert run(folder, "--only", "split_moves", "-o", tmp_path) == 2
    assert "split_moves.csv in" in capsys.readouterr().err
    assert (tmp_path / "split_moves.csv").read_text() == "columns,of,another,version\n"


def test_the_answers_are_listed(capsys):
    assert run("--list") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(ANSWERS)
