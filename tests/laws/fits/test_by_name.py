"""Laws fitted by their names, and compared by their error on what they were not shown."""

import numpy as np
import pytest
from tables_of_laws import columns, planted, table

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import compare_laws, fit_law, unbeaten
from ziplaw.laws.fits.link_fit import LinkFit
from ziplaw.laws.forms.catalogue import LAWS, law
from ziplaw.laws.forms.coupled import JOINT
from ziplaw.laws.forms.links import with_link


def test_the_additive_law_by_its_name_is_fit():
    N, D, loss = planted(0.01)
    assert fit_law("chinchilla", {"N": N, "D": D}, loss).to_dict() == ziplaw.fit(N, D, loss).to_dict()


def test_the_envelope_keeps_what_nothing_beats():
    rows = unbeaten(np.array([1.0, 2, 3, 3, 4]), np.array([5.0, 4, 4.5, 3, 3]))
    assert rows.tolist() == [0, 1, 3]


def test_comparison_prefers_the_law_that_made_the_data():
    N, D, loss = planted(0.003)
    rows = compare_laws({"N": N, "D": D}, loss)
    # these contain the additive one, or may bend into it
    wider = ("bounded", "free", "chinchilla, link power")
    two_column = [row for row in rows if "envelope" not in row["law"] and row["law"] not in wider]
    assert two_column[0]["law"] == "chinchilla"
    assert two_column[0]["objective"] == min(row["objective"] for row in two_column)
    assert [row["law"] for row in rows if not row["converged"]] == []
    assert {row["law"].split()[0].rstrip(",") for row in rows} == {
        name for name in LAWS if set(law(name).columns) <= {"N", "D", "x"}
    }


def test_chinchillas_points_by_every_law():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    rows = {row["law"]: row for row in compare_laws({"N": N, "D": D}, loss)}
    assert rows["chinchilla"]["objective"] < rows["kaplan"]["objective"]


@pytest.mark.parametrize(
    ("law", "columns_", "message"),
    [
        ("magic", {}, "must be one of"),
        ("kaplan-steps", {"N": [1.0] * 9}, "needs the column S"),
        ("broken", {"C": [1.0, 2, 3]}, "cannot hold the 6 parameters"),
        ("kaplan", {"N": [1.0] * 9, "D": [1.0] * 8}, "one length"),
    ],
)
def test_tables_that_cannot_be_fitted(law, columns_, message):
    loss = np.linspace(3, 2, len(columns_.get("C", [1.0] * 9)))
    with pytest.raises(FitError, match=message):
        fit_law(law, columns_, loss)


def test_another_link_on_the_index_of_a_law():
    """A bounded Kaplan law comes back; the additive index under a link is a fit of its own kind."""
    N, D, _ = planted()
    form = with_link(JOINT, "bounded")
    centre = {"N": float(np.log(N).mean()), "D": float(np.log(D).mean())}
    loss = np.exp(form.log_loss(np.log([20.0, 15.0, 0.4, 0.5, 1.5, 6.0]), {"N": N, "D": D}, centre))
    found = fit_law("kaplan", {"N": N, "D": D}, loss, link="bounded")
    assert found.converged
    assert found.rms < 1e-3
    assert isinstance(fit_law("chinchilla", {"N": N, "D": D}, loss, link="power"), LinkFit)
    assert fit_law("bounded", {"N": N, "D": D}, loss, U=6.0).estimates["U"] == 6.0
