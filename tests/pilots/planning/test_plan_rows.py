"""The tables beside plan.json, and that docs/formats.md names every key and column."""

import re

import pytest
from houses import ROOT
from simulated_pilot import simulated_pilot

from ziplaw.pilots.planning.plan_rows import HEADERS, PLAN_CSV
from ziplaw.pilots.planning.whole_plan import pilot_plan

# whose keys are names of things, not of quantities
NAMES = {"beside", "inputs", "links", "parameters", "lines", "repeating", "recipe"}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return pilot_plan(simulated_pilot(tmp_path_factory.mktemp("rows") / "p"))


def keys(document):
    for key, value in document.items():
        yield key
        inner = value if isinstance(value, list) else [value]
        yield from (deep for one in inner if isinstance(one, dict) and key not in NAMES for deep in keys(one))


def test_every_key_and_column_is_documented(plan):
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    body = page.split("\n## pilot_plan\n")[1].split("\n## ")[0]
    words = {word for quoted in re.findall(r"`([^`]*)`", body) for word in quoted.split()}
    words |= {f"{word}_interval" for word in ("N", "D", "tokens_per_parameter", "a")}
    assert set(keys(plan.document)) - words == set()
    assert {column for columns in HEADERS.values() for column in columns} <= words
    assert set(HEADERS) <= words


def test_rows_have_the_declared_columns(plan):
    for name, columns in HEADERS.items():
        assert plan.tables[name]
        assert {key for row in plan.tables[name] for key in row} <= set(columns)


def test_the_plan_is_told_a_quantity_a_row(plan):
    document, rows = plan.document, {}
    for row in plan.tables["plan.csv"]:
        assert list(row) == PLAN_CSV
        rows.setdefault(row["quantity"], row)
    assert rows["D"]["value"] == document["D"]
    assert [rows["D"]["low"], rows["D"]["high"]] == document["D_interval"]
    assert rows["loss"]["value"] == document["loss"]
    assert rows["N by runs alone"]["value"] == document["lines"][-1]["alone"]["N"]
    assert rows["cost"]["value"] == document["bill"]["cost"]
    assert rows["GPU"]["from"] == "assumed"
    names = [row["quantity"] for row in plan.tables["plan.csv"] if row["quantity"] != "N beside"]
    assert len(names) == len(set(names))
    assert len(plan.tables["plan.csv"]) == len(names) + len(document["beside"])
