"""A sweep whose splits are refused: its page and its figures say why."""

from synthetic_sweep import build, stub_figures

from ziplaw.base.documents import read_csv
from ziplaw.report.page import render
from ziplaw.sweep.folder import Sweep


def test_the_report_and_figures_of_a_sweep_with_refused_splits(tmp_path):
    folder = build(tmp_path / "noisy", noise=0.15)
    table = read_csv(folder / "frontier.csv")
    lost = {row["source"]: row["reason"] for row in table if not row["identified"]}
    assert lost
    page = render(folder)
    assert "Not identified, so not shown" in page
    for source, reason in lost.items():
        assert source in page
        assert reason.split("(")[0][:30] in page
    assert Sweep(folder).table("frontier.csv")[0]["N_opt"] is None
    assert {row["source"] for row in table} == {"chinchilla", *lost}
    assert "no frontier: no split is identified" in " ".join(_words(folder))
    good = build(tmp_path / "good", names=("a", "b", "c"))
    stub_figures(good)
    assert "Not identified, so not shown" not in render(good)


def _words(folder):
    from xml.etree import ElementTree

    from ziplaw.report.figures import draw

    draw("frontiers", folder, folder / "frontiers.svg")
    svg = (folder / "frontiers.svg").read_text()
    assert ElementTree.fromstring(svg) is not None
    return [word for part in svg.split("<!--")[1:] for word in part.split("-->")[0].split()]
