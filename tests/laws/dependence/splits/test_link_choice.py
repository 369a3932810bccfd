"""The link that foretells best is chosen, the simpler of two that are equal, and H has no say."""

import pytest
from splits_in_H import sweep_of_splits

from ziplaw.laws.dependence.splits.link_choice import choose_link


@pytest.mark.parametrize(
    ("holdout", "link"),
    [
        ({"identity": 0.4, "power": 0.4, "bounded": 0.2, "free": 0.3}, "bounded"),
        ({"identity": 0.2, "power": 0.3, "bounded": 0.199, "free": 0.3}, "identity"),  # a tie
        ({"identity": 0.4, "power": 0.4, "bounded": 0.3, "free": 0.2}, "free"),
    ],
)
def test_the_smallest_error_wins_and_ties_go_to_the_simpler(holdout, link):
    _, fits = sweep_of_splits(5, holdout=holdout)
    chosen, choice = choose_link(fits)
    assert chosen == link
    assert {name: entry["holdout"] for name, entry in choice.items()} == pytest.approx(holdout)
    assert [name for name, entry in choice.items() if entry["chosen"]] == [link]
    # blind to H
    assert choose_link([fit | {"H": 1 - fit["H"]} for fit in fits]) == (chosen, choice)


def test_one_saturated_dataset_does_not_decide():
    _, fits = sweep_of_splits(5)
    fits[0]["links"]["bounded"]["holdout"]["rms_log_error"] = 9.0
    chosen, choice = choose_link(fits)
    assert chosen == "bounded"
    assert choice["bounded"]["rms"] > 1
    assert choice["bounded"]["n_datasets"] == 5


def test_links_are_compared_over_the_datasets_that_all_carry():
    _, fits = sweep_of_splits(5)
    fits[0]["links"]["free"]["converged"] = False
    fits[0]["links"]["bounded"]["holdout"]["rms_log_error"] = 9.0
    _, choice = choose_link(fits)
    assert choice["bounded"]["rms"] == pytest.approx(0.2)
    assert choice["bounded"]["by_dataset"]["d0"] == 9.0
    assert {entry["n_datasets"] for entry in choice.values()} == {4}


def test_errors_of_the_loss_and_of_the_excess_do_not_mix():
    _, fits = sweep_of_splits(5)
    for link in fits[0]["links"].values():
        link |= {"error_of": "loss", "holdout": {"n": 5, "rms_log_error": 0.001}}
    _, choice = choose_link(fits)
    assert choice["bounded"]["holdout"] == pytest.approx(0.2)
    assert choice["bounded"]["error_of"] == "excess"
    for fit in fits:
        for link in fit["links"].values():
            link["error_of"] = "loss"
    assert choose_link(fits)[1]["bounded"]["n_datasets"] == 5


def test_without_held_out_errors_the_simplest_stands():
    _, fits = sweep_of_splits(3)
    for fit in fits:
        for link in fit["links"].values():
            link["holdout"] = None
    chosen, choice = choose_link(fits)
    assert chosen == "identity"
    assert choice["bounded"]["holdout"] is None
    assert choose_link([]) == ("", {})
    assert choose_link(fits, ["bounded", "free"])[0] == "bounded"
