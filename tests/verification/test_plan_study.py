"""The prior is what the published tables give, and plans with it keep to their limits on budgets not shown."""

from importlib.resources import files
from statistics import median

import pytest
from houses import ROOT

from ziplaw.base.documents import read_csv, read_json

DATA = ROOT.parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent: the published tables are not part of the project"),
]


@pytest.fixture(scope="module")
def prior():
    from verification.studies.plan_study import web_prior

    return web_prior(DATA)


def test_the_shipped_prior_is_made_from_the_published_tables(prior):
    shipped = read_json(files("ziplaw.sweep") / "web_prior.json", "prior")
    for key in ("ln_N", "a", "tokens_per_parameter"):
        assert prior[key] == pytest.approx(shipped[key], rel=0.01), key
    for mine, theirs in zip(prior["grids"], shipped["grids"], strict=True):
        assert mine["name"] == theirs["name"]
        assert [mine["ln_N"], mine["a"]] == pytest.approx([theirs["ln_N"], theirs["a"]], rel=0.01), mine["name"]


def test_plans_of_budgets_that_were_not_shown(prior):
    from verification.studies.plan_study import HERE, held_out

    rows = list(held_out(DATA, prior["grids"]))
    assert len(rows) == len(read_csv(HERE / "plan_study.csv"))
    own = [row for row in rows if row["prior_without"] == "grid"]
    top = [row["regret_plan"] for row in own if row["top"]]
    assert len(top) == 6
    assert max(top) < 0.003, top
    assert median(top) < 0.0006, top
    for without in ("grid", "source"):
        some = [row for row in rows if row["prior_without"] == without]
        assert sum(row["held_prior"] for row in some) >= 0.9 * len(some)
        assert sum(row["agrees_plan"] for row in some) >= 0.9 * len(some)
        # of the two largest budgets every one
        assert all(row["held_plan"] for row in some if row["top"])
