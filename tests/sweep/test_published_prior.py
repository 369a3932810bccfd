"""The prior shipped with ziplaw is what its own grids, and the published tables behind them, give."""

from importlib.resources import files

import numpy as np
import pytest
from houses import ROOT

from ziplaw.base.documents import read_csv, read_json, write_json
from ziplaw.errors import FitError
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.plans.evidence.gaussian_split import REFERENCE_C
from ziplaw.laws.plans.evidence.own_runs import pair_at
from ziplaw.laws.plans.evidence.published_grids import summarise
from ziplaw.sweep.published_prior import read_prior

DATA = ROOT.parent / "shared" / "data"


def shipped():
    return read_json(files("ziplaw.sweep") / "web_prior.json", "prior")


def test_it_is_the_summary_of_the_grids_that_it_lists():
    document = shipped()
    found = summarise(document["grids"])
    assert found["ln_N"] == pytest.approx(document["ln_N"], rel=1e-4)
    assert found["a"] == pytest.approx(document["a"], rel=1e-4)
    assert np.array(found["covariance"]) == pytest.approx(np.array(document["covariance"]), rel=1e-3)
    assert found["n_sources"] == document["n_sources"]
    for grid in document["grids"]:
        assert {"name", "source", "url", "licence", "n", "C_range", "link"} <= set(grid)


def test_it_says_what_a_reader_may_expect():
    prior = read_prior("web")
    found = prior.split.split(1e20)
    assert 10 < found["tokens_per_parameter"] < 25
    assert 0.4 < found["a"] < 0.55
    low, high = prior.split.split(1e21)["N_interval"]
    assert high / low < 12
    assert prior.name == "web text"
    H = prior.document["H"]
    assert 0.4 < H["value"] < 0.6
    assert H["tokenizer"] == "bundled"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent: the published tables are not part of the project")
def test_the_additive_law_of_each_published_table_is_the_one_listed():
    from verification.studies.plan_study import GRIDS, table

    document = {grid["name"]: grid for grid in shipped()["grids"]}
    assert set(document) == set(GRIDS)
    for name, grid in document.items():
        N, D, loss, _ = table(DATA, name)
        assert len(N) == grid["n"]
        C = float(np.exp(np.log(6 * N * D).mean()))
        mine = pair_at(fit_link(N, D, loss, link="identity").parameters, C)
        listed = grid["links"]["identity"]
        assert mine == pytest.approx([listed["ln_N"], listed["a"]], rel=1e-4), name
        assert grid["C"] == REFERENCE_C


def test_names_and_files(tmp_path):
    assert read_prior("none") is None
    write_json(tmp_path / "p.json", {"C": 1e19, "ln_N": 20.0, "a": 0.5, "covariance": [[1, 0], [0, 1]]}, kind="prior")
    found = read_prior(tmp_path / "p.json")
    assert found.name == str(tmp_path / "p.json")
    assert found.split.C == 1e19
    with pytest.raises(FitError, match="must be web, none or a file"):
        read_prior(tmp_path / "no.json")


def test_tables_are_read_as_the_studies_say():
    from verification.studies import plan_study

    assert plan_study.rounded({"a": [1 / 3, {"b": 2}]}) == {"a": [0.333333, {"b": 2}]}
    assert read_csv(plan_study.HERE / "plan_study.csv")
