"""Plans where the data has fewer unique tokens than they ask for."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from houses import ROOT
from verbs import run

from ziplaw.cli.laws.repetition import repeating, show_epochs, tokens_here, with_epochs
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


def test_tokens_of_a_source():
    text = SimpleNamespace()
    score = {"tokens": 512, "text_bytes": 4_000_000, "tokenised_bytes": 4_000_000, "bytes_per_token": 4.0}
    assert tokens_here(text, score) == (1e6, "counted")
    assert tokens_here(text, score | {"tokenised_bytes": 2_000_000})[1].startswith("estimated from its bytes")
    corpus = SimpleNamespace(draws=False, unique_tokens=None)
    assert tokens_here(corpus, {"tokens": 512}) == (512, "counted")
    # a corpus may be a sample of what it was imported from
    corpus.unique_tokens = 7e9
    assert tokens_here(corpus, {"tokens": 512}) == (7e9, "as its import counted them")
    # a grammar can be drawn from without end
    assert tokens_here(SimpleNamespace(draws=True), {"tokens": 512}) is None


def with_tokens(unique=None, here=None, **changes):
    result = PLAN | {"warnings": []} | changes
    with_epochs(result, unique, here, hidden=changes.get("N", 1) is None)
    return result


def test_epochs_are_shown_and_many_of_them_are_warned_of(capsys):
    enough = with_tokens(here=(1e12, "counted"))
    show_epochs(enough)
    assert capsys.readouterr().out == "Epochs: 0.017 of the 1e+12 unique tokens (counted).\n"
    some = with_tokens(unique=8e9)
    show_epochs(some)
    assert capsys.readouterr().out == f"Repetition: {some['repeating']['sentence']}.\n"
    assert enough["warnings"] == some["warnings"] == []
    # as often as no word was said of: with the cost, or that there is none to be told
    for here, said in ((1e9, "which costs"), (1e5, "beyond what was ever run on repeated data")):
        many = with_tokens(here=(here, "counted"))
        show_epochs(many)
        assert capsys.readouterr().out == ""
        (warning,) = many["warnings"]
        assert f"{PLAN['D'] / here:.3g} epochs of" in warning
        assert said in warning
        assert warning.endswith("(of the tokens here, counted; of a sample give --unique)")
    assert with_tokens(unique=1e9)["warnings"][0].endswith(with_tokens(unique=1e9)["repeating"]["sentence"])


def test_nothing_is_said_where_nothing_is_known():
    for result in (with_tokens(), with_tokens(unique=1e9, N=None)):
        assert result["epochs"] is result["repeating"] is None
        assert result["warnings"] == []


def test_predict_and_plan_say_what_repetition_changes(tmp_path):
    asked = ["predict", "--gzip", ".4951", "--flops", "1e20"]
    document = json.loads(run(*asked, "--unique", "1B", "--json").stdout)
    advice = document["repeating"]
    assert document["unique"] == advice["U"] == 1e9
    assert advice["split"]["N_interval"][0] < advice["split"]["N"] < advice["split"]["N_interval"][1]
    assert json.loads(run(*asked, "--json").stdout)["repeating"] is None
    enough = document["enough_for"]
    assert enough["tokens"] == 4e9
    assert enough["N_interval"][0] < enough["N"] < enough["N_interval"][1]
    assert enough["C"] < document["C"]
    text = f"Warning: repetition: {advice['sentence']}; 4 epochs are what C = {enough['C']:.2g} asks for, with N"
    assert any(line.startswith(text) for line in run(*asked, "--unique", "1B").output.splitlines())
    # the tokens of that split are those that all FLOPs pay for
    split, head = advice["split"], document["compute"]
    assert split["D"] * 6 * split["N"] < document["C"]
    assert split["D"] * head["flops_per_token"] * split["factor"] == pytest.approx(document["C"], rel=0.02)
    text = tmp_path / "text.txt"
    text.write_bytes((ROOT / "README.md").read_bytes())
    found = json.loads(run("plan", text, "--flops", "1e20", "--unique", "1e9", "--json").stdout)
    assert found["repeating"]["epochs"] == pytest.approx(found["D"] / 1e9)
    # without --unique those of the text
    found = json.loads(run("plan", text, "--flops", "1e20", "--json").stdout)
    assert found["unique"] == found["score"]["tokens"]
    assert found["epochs"] == pytest.approx(found["D"] / found["unique"])
    assert any("epochs of" in warning for warning in found["warnings"])
    # nobody knows which model so small a text is enough for
    assert found["enough_for"] is None


def test_the_page_of_formats_names_every_key():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    named = {word for quoted in re.findall(r"`([^`]*)`", page) for word in quoted.split()}
    advice = repeating(PLAN, 1e9)
    for part in (advice, advice["split"], advice["published"]):
        assert set(part) <= named
