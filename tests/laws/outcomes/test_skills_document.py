"""Skills as plain numbers: what is said of them, and what there is to doubt."""

import json

import numpy as np
import planted_outcomes as planted

from ziplaw.base.documents import plain
from ziplaw.laws.outcomes.skills import fit_skills
from ziplaw.laws.outcomes.skills_document import skills_document


def skills_of(accuracy=None, losses=None, seed=0, **options):
    N, D, own, measured = planted.ladder(seed=seed)
    losses = own if losses is None else losses
    measured = measured if accuracy is None else accuracy
    return fit_skills(N[:16], D[:16], losses[:16], measured[:16], tasks=planted.TASKS, **options)


def test_the_document_is_whole():
    N, D, losses, accuracy = planted.ladder()
    test = {"N": N[16:], "D": D[16:], "losses": losses[16:], "accuracy": accuracy[16:]}
    found = json.loads(json.dumps(plain(skills_document(skills_of(), [(1e10, 1e12)], [1e23], test, draws=100))))
    assert [entry["emerged"] for entry in found["tasks"].values()] == [True] * 3
    at, best = found["predictions"]
    assert at["split_intervals"] is None
    assert best["split_intervals"]["N"][0] < best["N"] < best["split_intervals"]["N"][1]
    assert best["split_intervals"]["D"][0] < best["D"] < best["split_intervals"]["D"][1]
    low, high = at["tasks"]["easy"]["accuracy_interval"]
    assert low < at["tasks"]["easy"]["accuracy"] < high
    assert found["test"]["n"] == 1
    assert found["test"]["accuracy_within"][1] == 3
    easy = found["test"]["runs"][0]["tasks"]["easy"]
    assert np.isclose(easy["accuracy"] - easy["measured_accuracy"], easy["error"])
    assert np.isclose(easy["loss"] / easy["measured_loss"] - 1, easy["step_one_error"])
    assert found["holdout"]["n"] == 2
    assert any("times the largest" in text for text in found["warnings"])


def test_intervals_of_the_laws_hold_what_was_planted():
    held = {"alpha": 0, "low": 0}
    for seed in range(8):
        tasks = skills_document(skills_of(seed=seed), draws=100)["tasks"]
        low, high = tasks["easy"]["loss_law_intervals"]["alpha"]
        held["alpha"] += low <= planted.ALPHA <= high
        for task, truth in zip(planted.TASKS, planted.LOW):
            low, high = tasks[task]["sigmoid_intervals"]["low"]
            held["low"] += low <= truth <= high
    # of 8, and of 24
    assert held["alpha"] >= 6
    assert held["low"] >= 20


def test_what_is_said_of_an_early_skill():
    planted_losses = planted.ladder()[2]
    early = 0.25 + 0.75 / (1 + np.exp(8 * (planted_losses - 0.95)))
    found = skills_document(skills_of(early), draws=100)["warnings"]
    assert any("below the middle of the rise" in text for text in found)


def test_what_is_said_of_a_skill_at_chance():
    flat = np.full((17, 3), 0.25) + 0.003 * np.random.default_rng(0).normal(size=(17, 3))
    found = skills_document(skills_of(flat, chance=0.25), [(1e10, 1e12)], draws=100)
    assert any("not emerged: easy, hard, odd" in text and "chance" in text for text in found["warnings"])
    assert plain(found["predictions"][0]["tasks"]["easy"]["accuracy"]) is None


def test_what_is_said_of_tasks_that_differ():
    N, _, losses, accuracy = planted.ladder()
    losses = losses.copy()
    losses[:, 2] = 0.3 + (N / 1e8) ** -0.9
    found = skills_document(skills_of(accuracy, losses), draws=100)["warnings"]
    assert any("--own-index" in text for text in found)


def test_too_few_runs_to_hold_any_out():
    N, D, losses, accuracy = planted.ladder()
    small = fit_skills(N[4:11], D[4:11], losses[4:11], accuracy[4:11])
    assert skills_document(small, draws=100)["holdout"] is None
