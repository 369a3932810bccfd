"""What of a trained study is kept, and how its results come into the docs."""

import importlib.util
import math
import shutil

import pytest
from houses import ROOT
from synthetic_sweep import build

from ziplaw.base.documents import read_csv, read_json
from ziplaw.report.studies.study_results import write_results
from ziplaw.studies.answers.claim_powers import SIXTEEN
from ziplaw.tables.declared import DESIGN, RUNS


def script(name):
    spec = importlib.util.spec_from_file_location(f"study_{name}", ROOT / "bench" / "study" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


keep, page = script("keep"), script("page")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small sweep with the table of each dataset's runs, as Snakemake leaves it."""
    folder = build(tmp_path_factory.mktemp("study"), ("b", "a", "c"), widths=(6, 8), bootstrap=10, presets=False)
    runs = RUNS.read(folder / "runs.csv")
    for name in ("b", "a", "c"):
        RUNS.write(folder / "runs" / name / "runs.csv", [row for row in runs if row["dataset"] == name])
    return folder


def design(folder, names):
    folder.mkdir()
    DESIGN.write(folder / "design.csv", [{"dataset": name, "half": "exploratory"} for name in names])
    return folder


def test_what_is_kept_of_a_whole_study_is_its_table_of_runs(trained, tmp_path):
    to = design(tmp_path / "kept", ["b", "a", "c"])
    assert keep.keep(trained, to, "abc", "2 cores") == ["b", "a", "c"]
    assert (to / "runs.csv").read_bytes() == (trained / "runs.csv").read_bytes()
    score = read_json(to / "scores" / "a.json", "score")
    whole = read_json(trained / "scores" / "a.json", "score")
    assert {**score, "sizes": whole["sizes"], "sha256": whole["sha256"]} == whole
    document = read_json(to / "provenance.json", "provenance")
    assert (document["commit"], document["machine"]) == ("abc", "2 cores")
    assert (document["datasets"], document["runs"]) == (3, 6)
    before = {path: path.read_bytes() for path in to.rglob("*") if path.is_file()}
    keep.keep(trained, to, "abc", "2 cores")
    assert {path: path.read_bytes() for path in to.rglob("*") if path.is_file()} == before


def test_a_part_is_kept_in_the_order_of_the_design(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "study")
    (tmp_path / "study" / "runs" / "a" / "runs.csv").unlink()
    to = design(tmp_path / "kept", ["c", "a", "b"])
    assert keep.keep(tmp_path / "study", to, "abc", "2 cores") == ["c", "b"]
    runs = RUNS.read(to / "runs.csv")
    assert list(dict.fromkeys(row["dataset"] for row in runs)) == ["c", "b"]


def test_the_machine_is_told_in_words():
    assert " cores, " in keep.machine_in_words()


def test_results_come_between_the_marks():
    before = f"# Title\n\nby hand\n\n{page.BEGIN}old\n{page.END}\nmore by hand\n"
    made = page.page("<!-- mark -->\n\n## One\n\n![x](figures/x.svg)\n", before)
    assert (
        made == f"# Title\n\nby hand\n\n{page.BEGIN}\n## One\n\n![x](images/study/x.svg)\n\n{page.END}\nmore by hand\n"
    )
    assert page.page("<!-- mark -->\n\n## One\n\n![x](figures/x.svg)\n", made) == made


def test_the_committed_page_has_its_marks():
    text = page.DOCS.read_text(encoding="utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    assert text.index(page.BEGIN) < text.index(page.END)


def test_the_committed_page_and_figures_are_what_the_committed_tables_give(tmp_path):
    for path in (page.REFERENCE / "answers").glob("*.csv"):
        shutil.copyfile(path, tmp_path / path.name)
    write_results(tmp_path)
    text = page.DOCS.read_text(encoding="utf-8")
    assert page.page((tmp_path / "results.md").read_text(encoding="utf-8"), text) == text
    drawn = {path.name: path.read_bytes() for path in tmp_path.glob("figures/*.svg")}
    assert drawn == {path.name: path.read_bytes() for path in page.IMAGES.iterdir()}
    made = read_json(tmp_path / "study.json", "study")
    assert made == read_json(page.REFERENCE / "answers" / "study.json", "study")


def test_the_readme_quotes_the_tables():
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    tables = ROOT / "results" / "reference" / "study" / "answers"
    asked = {(r["about"], r["half"]): r for r in read_csv(tables / "questions.csv")}
    fall = asked["the best N falls with H", "confirmatory"]
    factors = [math.exp(fall[name] / 2) for name in ("estimate", "low", "high")]
    rises = asked["the best N rises with what lies beyond a bigram", "confirmatory"]
    doubled = [100 * (2 ** rises[name] - 1) for name in ("estimate", "low", "high")]
    saved = [100 * asked["a law in H pays (6ND)", "confirmatory"]["estimate"]]
    verdicts = [row for row in read_csv(tables / "claim_verdicts.csv") if row["half"] == "confirmatory"]
    decided = [r["verdict"] for r in verdicts if r["claim"] in SIXTEEN and r["verdict"] != "undecided"]
    lost = {
        row["rule"]: 100 * row["lost"]
        for row in read_csv(tables / "worth.csv")
        if row["main"] and (row["half"], row["trained_on"], row["compute"]) == ("confirmatory", "exploratory", "6ND")
    }
    for words in (
        "x{:.2f} for .1 of H (95 % interval {:.2f} to {:.2f};".format(*factors).replace("0.", "."),
        f"p = {fall['p_value']:.3f}".replace("0.", "."),
        "N grows by {:.0f} % ({:.0f} to {:.0f})".format(*doubled),
        f"rank correlation +{rises['rank_correlation']:.2f}".replace("0.", "."),
        f"a law in H costs {lost['H']:.2f} % of the loss".replace("0.", "."),
        f"20 tokens a parameter costs {lost['20:1']:.1f} %",
        "H saves {:.2f} %".format(*saved).replace("0.", "."),
    ):
        assert words in said, words
    assert (len(decided), decided.count("not supported")) == (9, 8)
    assert "nine are decided, eight of them not supported" in said
