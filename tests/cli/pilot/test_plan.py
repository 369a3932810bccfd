"""``pilot-plan`` writes, ``plan --pilot`` prints: the same document, byte for byte, refused with status 2."""

import json

import pytest
from simulated_pilot import simulated_pilot
from verbs import ended, refuses, status

from ziplaw.base.documents import read_csv, read_json
from ziplaw.base.numerals import read_number
from ziplaw.base.text_table import WIDTH

WRITTEN = ["plan.json", "plan.csv", "isoflop.csv", "best_n.csv", "held_out.csv"]


@pytest.fixture
def pilot(tmp_path):
    return simulated_pilot(tmp_path / "planted")


def test_the_plan_is_written_with_its_tables_and_again_to_the_same_bytes(pilot, capsys):
    assert status("pilot-plan", pilot) == 0
    first = {name: (pilot / name).read_bytes() for name in WRITTEN}
    document = read_json(pilot / "plan.json", "pilot_plan")
    table = {row["quantity"]: row for row in read_csv(pilot / "plan.csv")}
    assert table["N"]["value"] == document["N"]
    assert [table["N"]["low"], table["N"]["high"]] == document["N_interval"]
    assert table["loss"]["unit"] == "nats per token"
    assert len(read_csv(pilot / "held_out.csv")) == document["check"]["n"]
    assert set(document["inputs"]) == {
        "runs.csv", "corpora/corpus/meta.json", "scores/corpus.json", "rounds/1.json"
    }  # fmt: skip
    assert status("pilot-plan", pilot) == 0
    assert {name: (pilot / name).read_bytes() for name in WRITTEN} == first
    out = capsys.readouterr().out
    assert all(name in out for name in WRITTEN)


def test_nothing_of_the_pilot_is_written_over(pilot, tmp_path, capsys):
    (pilot / "isoflop.csv").write_text("mine\n")
    assert "isoflop.csv, written beside" in refuses(capsys, "pilot-plan", pilot)
    assert "rounds/1.json is part of" in refuses(capsys, "pilot-plan", pilot, "-o", pilot / "rounds" / "1.json")
    assert status("pilot-plan", pilot, "-o", tmp_path / "out" / "p.json", "--flops", "1e20", "--price", "4") == 0
    document = read_json(tmp_path / "out" / "p.json", "pilot_plan")
    assert (document["C"], document["bill"]["price"]) == (1e20, 4.0)


def test_plan_prints_the_answer_first_in_few_lines(pilot, capsys):
    assert status("plan", "--pilot", pilot) == 0
    out = capsys.readouterr().out
    document = json.loads(_printed(capsys, "plan", "--pilot", pilot, "--json"))
    lines = out.splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= WIDTH
    first = lines[0].split(": ")[1].split()
    assert read_number(first[1]) == pytest.approx(document["N"], rel=0.005)
    assert "best split of C = 1e+18, all FLOPs, 95% bands" in out.replace("\n ", "")
    assert [line for line in lines if line.startswith("prior: web text")]
    assert any(line.startswith("Extrapolation check: ") for line in lines)


def test_no_plan_ends_with_status_2_and_its_reason_first(tmp_path, capsys):
    folder = simulated_pilot(tmp_path / "p", hidden=(16, 24), computes=(3e10, 1e11), noise=0.03)
    asked = ["plan", "--pilot", folder, "--flops", "1e22", "--prior", "none"]
    code, out, err = ended(capsys, *asked)
    assert code == 2
    assert out.startswith("The 95% band at C = 1e+22 is over 2 decades wide")
    assert "the split is not identified: the 95% band" in err
    assert "NO PLAN: p: N" in out
    # the workflow goes on: the page says so too
    assert status("pilot-plan", folder, "--flops", "1e22", "--prior", "none") == 0
    assert read_json(folder / "plan.json")["refused"]


def test_a_pilot_brings_its_own_corpus_and_compute(pilot, tmp_path, capsys):
    assert "leave PATHs, --runs and --where out" in refuses(capsys, "plan", pilot / "runs.csv", "--pilot", pilot)
    assert "Missing a PATH, or --pilot" in refuses(capsys, "plan", "--flops", "1e18")
    assert "Missing option --flops" in refuses(capsys, "plan", pilot / "runs.csv")
    assert "holds no runs.csv" in refuses(capsys, "plan", "--pilot", tmp_path)


def _printed(capsys, *arguments):
    assert status(*arguments) == 0
    return capsys.readouterr().out


def test_the_model_of_a_pilot_s_plan_as_a_config(pilot, tmp_path, capsys):
    asked = ["plan", "--pilot", pilot, "--write-config", "hf", "-o", tmp_path / "config.json"]
    assert status(*asked, "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    found = json.loads((tmp_path / "config.json").read_text())
    assert found["ziplaw"]["N"] == plan["shape"]["N"]
    assert found["vocab_size"] == plan["shape"]["vocab_size"]
    assert found["ziplaw"]["training_tokens"] == round(plan["D"])
    assert "leave --vocab-size and --context out" in refuses(capsys, *asked, "--context", "64")


def test_plan_asks_as_the_written_plan_was_asked(pilot, capsys):
    assert status("pilot-plan", pilot, "--prior", "none", "--level", ".9", "--price", "7") == 0
    capsys.readouterr()
    again = json.loads(_printed(capsys, "plan", "--pilot", pilot, "--json"))
    assert [line["from"] for line in again["lines"]] == ["runs"]
    assert (again["level"], again["bill"]["price"]) == (0.9, 7.0)
    other = json.loads(
        _printed(capsys, "plan", "--pilot", pilot, "--json", "--level", ".5", "--prior", "web", "--flops", "1e17")
    )
    assert (other["level"], other["bill"]["price"]) == (0.5, 7.0)
    assert len(other["lines"]) == 3
    assert other["N"] < again["N"]
    assert any("5.0 orders of magnitude above" in text for text in other["warnings"])
