"""The figure of skills: its numbers, and what has not emerged."""

import planted_outcomes as planted

from ziplaw.base.documents import read_csv
from ziplaw.laws.outcomes.skills import fit_skills
from ziplaw.laws.outcomes.skills_document import skills_document
from ziplaw.report.figures.skills_by_task import COLUMNS, skills_figure


def test_the_numbers_beside_it(tmp_path):
    N, D, losses, accuracy = planted.ladder()
    losses, accuracy = losses[:, :2], accuracy[:, :2].copy()
    accuracy[:, 1] = 0.25
    skills = fit_skills(N[:16], D[:16], losses[:16], accuracy[:16], tasks=["easy", "flat"], chance=0.25)
    test = {"N": N[16:], "D": D[16:], "losses": losses[16:], "accuracy": accuracy[16:]}
    document = skills_document(skills, [(1e10, 1e12)], test=test, draws=100)
    skills_figure(skills, document, test, tmp_path / "a.svg")
    rows = read_csv(tmp_path / "a.csv")
    assert list(rows[0]) == COLUMNS
    predicted = [row for row in rows if row["series"] == "predicted"]
    # two predictions in each of four panels, but none of an accuracy that has not emerged
    assert len(predicted) == 2 * (4 - 1)
    assert all(float(row["low"]) <= float(row["high"]) for row in predicted)
