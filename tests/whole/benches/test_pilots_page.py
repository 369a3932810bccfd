"""docs/pilots.md is what its tables give, and what the tables say follows from the runs in them."""

import importlib.util
import sys
from datetime import datetime, timedelta
from math import log
from statistics import median

import pytest
from houses import ROOT

from ziplaw.laws.pilots.take_off import BY

sys.path.insert(0, str(ROOT / "bench" / "pilots"))  # where page.py, run as a script, finds what it imports
spec = importlib.util.spec_from_file_location("pilots_page", ROOT / "bench" / "pilots" / "page.py")
pilots_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pilots_page)


@pytest.fixture(scope="module", params=pilots_page.attempts())
def attempt(request):
    return request.param


@pytest.fixture
def verdicts(attempt):
    return pilots_page.by_corpus(attempt, "verdicts")


@pytest.fixture
def held_out(attempt):
    rows = pilots_page.rows_of(attempt, "held_out")
    return lambda corpus: [row for row in rows if row["corpus"] == corpus]


def test_the_page_is_what_its_tables_give():
    assert pilots_page.DOCS.read_text(encoding="utf-8") == pilots_page.page()


def test_six_corpora_with_three_sizes_each(attempt, verdicts, held_out):
    assert len(pilots_page.by_corpus(attempt, "pilots")) == 6
    # the second attempt was cut short
    assert len(verdicts) == {"1": 6, "2": 2, "3": 6}[attempt]
    for corpus in verdicts:
        assert {row["which"] for row in held_out(corpus)} == {"half", "best", "twice"}


def test_runs_are_of_eight_times_the_largest_compute_and_see_each_token_twice_at_most(attempt, verdicts, held_out):
    largest, tokens = pilots_page.by_corpus(attempt, "pilots"), pilots_page.by_corpus(attempt, "corpora")
    for corpus, verdict in verdicts.items():
        cells = [row["C"] for row in pilots_page.rows_of(attempt, "runs") if row["corpus"] == corpus]
        assert largest[corpus]["largest_C"] == max(cells)
        assert verdict["C"] == pytest.approx(8 * max(cells))
        for row in held_out(corpus):
            assert row["C"] == pytest.approx(verdict["C"], rel=1e-3)
            assert row["D"] <= 2 * tokens[corpus]["training_tokens"]


@pytest.mark.parametrize("attempt", ["2", "3"])
def test_what_is_judged_is_what_was_predicted(attempt):
    predicted = pilots_page.rows_of(attempt, "predictions")
    assert {row["corpus"] for row in predicted} == set(pilots_page.by_corpus(attempt, "pilots"))
    for row in predicted:
        for run in pilots_page.rows_of(attempt, "held_out"):
            if (run["corpus"], run["which"]) == (row["corpus"], row["which"]):
                assert all(run[name] == row[name] for name in ("model", "N", "D", "low", "high"))
                assert run["predicted"] == row["loss"]


def test_predictions_were_written_before_the_runs_began(verdicts, held_out):
    second = timedelta(seconds=1)  # to which moments are written
    for corpus, verdict in verdicts.items():
        written = datetime.fromisoformat(verdict["written"])
        for row in held_out(corpus):
            began = datetime.fromisoformat(row["ended"]) - timedelta(seconds=row["seconds"])
            assert written <= began + second


def test_verdicts_follow_from_the_runs(attempt, verdicts, held_out):
    for corpus, verdict in verdicts.items():
        runs = held_out(corpus)
        mean = {}
        for which in ("half", "best", "twice"):
            losses = [row["loss"] for row in runs if row["which"] == which]
            mean[which] = sum(losses) / len(losses)
        best = min(mean, key=mean.get)
        (N,) = {row["N"] for row in runs if row["which"] == best}
        assert (verdict["best_of_three"], verdict["best_N"]) == (best, N)
        assert verdict["N_held"] == (verdict["N_lo"] <= N <= verdict["N_hi"])
        first = next(row for row in runs if row["which"] == "best")
        assert verdict["loss_held"] == (first["low"] <= first["loss"] <= first["high"])
        assert verdict["losses_held"] == sum(row["low"] <= row["loss"] <= row["high"] for row in runs)
        (plan,) = (r for r in pilots_page.rows_of(attempt, "rules") if r["corpus"] == corpus and r["rule"] == "plan")
        assert (plan["N"], plan["N_lo"], plan["N_hi"]) == (verdict["N"], verdict["N_lo"], verdict["N_hi"])


def test_readme_and_validation_say_what_the_last_attempt_showed():
    last = pilots_page.attempts()[-1]
    verdicts = pilots_page.by_corpus(last, "verdicts")
    held = [pilots_page.WORDS[sum(v[name] for v in verdicts.values())] for name in ("N_held", "loss_held")]
    six = pilots_page.WORDS[len(verdicts)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"lay in the band of N on {held[0]} of {six}" in readme
    assert f"the loss lay in its band on {held[1]} of {six}" in readme
    assert ("and was the plan's own" in readme) == all(v["best_of_three"] == "best" for v in verdicts.values())
    leads = sorted(v["lead"] for v in verdicts.values())
    assert f"leads of {100 * leads[0]:.0f} to {100 * leads[-1]:.0f} %" in readme
    after = {r["corpus"]: r["N"] for r in pilots_page.rows_of(last, "rules") if r["rule"] == "with held-out runs"}
    outside = sum(not v["N_lo"] <= after[corpus] <= v["N_hi"] for corpus, v in verdicts.items())
    assert f"outside of the band on {pilots_page.WORDS[outside]}." in readme
    at_plan = [r for r in pilots_page.rows_of(last, "held_out") if r["which"] == "best"]
    widths = sorted(log(r["high"] / r["low"]) / 2 for r in at_plan)
    assert f"(up to {BY:.2f} lower".replace("0.", ".") in readme
    assert f"in a band of +-{widths[0]:.2f} to {widths[-1]:.2f})".replace("0.", ".") in readme
    seconds = [row["seconds"] for row in pilots_page.rows_of(last, "pilots")]
    assert f"pilots of about {pilots_page.WORDS[round(median(seconds) / 60)]} minutes" in readme
    validation = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert f"in a third attempt they held on {held[1]} of {six}" in validation
