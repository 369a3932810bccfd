"""What is said of other learning rates: each arm's verdict, and only slopes that were measured."""

from ziplaw.report.studies.about_arms import told
from ziplaw.report.studies.sections import SECTIONS

PLACES = ("slope", "mup", "change")


def row(arm, quantity, kind, verdict, slope=None, **more):
    found = {"arm": arm, "covariate": "H", "quantity": quantity, "kind": kind, "n": 12, "verdict": verdict,
             "datasets": 12, "cells": 432, "not_started": 30, "not_started_mup": 40}  # fmt: skip
    for name in PLACES:
        found |= {name: slope, f"{name}_low": slope and slope - 1, f"{name}_high": slope and slope + 1}
    return found | more


TUNED = [
    row("tuned", "ln_N", "bounded", "same sign", 6.5),
    row("tuned", "ln_N", "any", "same sign"),
    row("tuned", "a", "bounded", "undecided", 0.25),
    row("tuned", "a", "any", "undecided"),
]
PAPER = [row("paper", quantity, "any", "not measured", not_started=432) for quantity in ("ln_N", "a")]


def test_each_arm_has_its_verdict():
    said = told({"training_arms": [*PAPER, *TUNED]})
    assert "432 of its 432 cells (100%) have not started to learn" in said.words
    assert "no trend can be measured under it." in said.words
    assert said.words.startswith("No trend is seen to change its sign. The published recipe")
    assert "; on H the same sign for ln N_opt (1 of 1 forms), undecided for a." in said.words
    assert "| tuned | ln N_opt | H | bounded | 12 | 6.5 (5.5 to 7.5) |" in said.words
    assert "| paper |" not in said.words
    assert said.numbers["tuned"]["ln_N on H"] == "same sign"
    assert said.numbers["paper"]["not_started"] == 432


def test_a_sign_that_changes_is_said_first():
    changed = [row("tuned", "a", "free", "sign changes", 0.5), row("tuned", "a", "any", "sign changes")]
    said = told({"training_arms": [*TUNED[:2], *changed]}).words
    assert said.startswith("Some do.")
    assert "another sign for a (1 of 1 forms)" in said
    assert told({"training_arms": PAPER}).words.startswith("That cannot be told.")


def test_without_slopes_there_is_no_table():
    assert "|" not in told({"training_arms": PAPER}).words


def test_the_section_waits_for_its_table():
    (section,) = [one for one in SECTIONS if one.name == "arms"]
    assert not section.holds({"training_arms": []})
    assert section.told({"training_arms": TUNED}).words.count("The best rate of each width") == 1
