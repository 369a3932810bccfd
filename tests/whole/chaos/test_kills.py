"""Kills find what a workflow has wrong and nothing where it has not: a toy of Snakemake and of ziplaw, in seconds."""

import kills
import processes
import pytest
import sweeps
from houses import ROOT

TOY = ROOT / "tests" / "chaos" / "toy"
TARGETS = [f"results/try/{name}.csv" for name in ("sample/low", "fit/all")]


def house(parent, flaws):
    def build(folder):
        for part in TOY.glob("*.py"):
            (folder / part.name).symlink_to(part)
        (folder / "flaws").write_text(flaws)

    return sweeps.House(parent, {"sweep": "try"}, TARGETS, build)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    whole = house(tmp_path_factory.mktemp("undisturbed"), "")
    assert whole.finish()[0] == 0
    assert len(whole.files()) == 7
    assert "Nothing to be done" in whole.finish("--dry-run")[1]
    return whole.files()


def rounds(parent, flaws, undisturbed, count):
    for number in range(count):
        row = kills.kill_round(number, house(parent, flaws), undisturbed, 3.0, 3, seed=1)
        yield row
        if row.wrong:
            return


def test_what_writes_whole_files_survives(tmp_path, undisturbed):
    rows = [*rounds(tmp_path, "", undisturbed, 5)]
    assert [row.wrong for row in rows] == [[]] * 5
    assert sum(row.kills for row in rows) >= 8
    assert not processes.running(tmp_path / "house")


def test_half_a_file_is_found(tmp_path, undisturbed):
    assert any(row.differences for row in rounds(tmp_path, "torn", undisturbed, 30))


def test_a_driver_that_does_not_end_is_found(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(sweeps, "HANGS_AFTER_S", 1)
    rows = [*rounds(tmp_path, "deaf", undisturbed, 30)]
    assert any("hung" in broken for row in rows for broken in row.broken)
    assert not any(row.differences for row in rows)


def test_what_goes_on_for_ever_is_found(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(sweeps, "LIMIT_S", 5)
    assert any(row.orphans for row in rounds(tmp_path, "orphans", undisturbed, 30))
    assert not processes.running(tmp_path / "house")
