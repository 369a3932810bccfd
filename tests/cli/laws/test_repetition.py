"""Plans where the data has fewer unique tokens than they ask for."""

import json
import re

import numpy as np
import pytest
from houses import ROOT
from verbs import run

from ziplaw.cli.laws.repetition import repeating, show_repeating, tokens_here
from ziplaw.laws.plans.repeating import repeating_advice

PLAN = {"C": 1e20, "N": 1e9, "D": 1e20 / 6e9, "N_interval": [4e8, 2.5e9], "level": 0.95}


def test_the_plans_band_is_taken_in():
    found = repeating(PLAN, 1e9)
    sd = np.log(2.5e9 / 4e8) / (2 * 1.959964)
    expected = repeating_advice(1e20, 1e9, PLAN["D"], 1e9, log_sd=sd)
    assert found["split"]["N_interval"] == pytest.approx(expected["split"]["N_interval"], rel=1e-6)
    assert found["sentence"] == expected["sentence"]
    assert repeating(PLAN, None) is None
    assert repeating(PLAN, 1e11) is None
    assert repeating(PLAN | {"N": None, "D": None}, 1e9) is None
    endless = repeating(PLAN | {"N_interval": [0.0, np.inf]}, 1e9)
    assert endless == repeating_advice(1e20, 1e9, PLAN["D"], 1e9)


def test_tokens_of_a_score():
    assert tokens_here({"tokens": 512, "text_bytes": 4_000_000, "bytes_per_token": 4.0}) == 1e6
    assert tokens_here({"tokens": 512}) == 512


def test_a_corpus_that_is_too_small_is_said_to_be(capsys):
    show_repeating(PLAN | {"unique": None, "repeating": None}, 1e8)
    assert capsys.readouterr().out.startswith("D asks for 1.7e+02 epochs of the 1e+08 tokens here: if there is no more")
    # a page is a sample, enough is enough, and who has said how many there are knows
    for here, unique in ((1e4, None), (1e12, None), (1e8, 1e11)):
        show_repeating(PLAN | {"unique": unique, "repeating": None}, here)
        assert capsys.readouterr().out == ""


def test_predict_and_plan_say_what_repetition_changes(tmp_path):
    asked = ["predict", "--gzip", ".4951", "--flops", "1e20"]
    document = json.loads(run(*asked, "--unique", "1B", "--json").stdout)
    advice = document["repeating"]
    assert document["unique"] == advice["U"] == 1e9
    assert advice["split"]["N_interval"][0] < advice["split"]["N"] < advice["split"]["N_interval"][1]
    assert json.loads(run(*asked, "--json").stdout)["repeating"] is None
    lines = run(*asked, "--unique", "1B").output.splitlines()
    assert f"Repetition: {advice['sentence']}." in lines
    text = tmp_path / "text.txt"
    text.write_bytes((ROOT / "README.md").read_bytes())
    found = json.loads(run("plan", text, "--flops", "1e20", "--unique", "1e9", "--json").stdout)
    assert found["repeating"]["epochs"] == pytest.approx(found["D"] / 1e9)


def test_the_page_of_formats_names_every_key():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    named = {word for quoted in re.findall(r"`([^`]*)`", page) for word in quoted.split()}
    advice = repeating(PLAN, 1e9)
    for part in (advice, advice["split"], advice["published"]):
        assert set(part) <= named
