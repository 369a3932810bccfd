"""Both steps on planted ladders: predictions, intervals that hold the truth, what has not emerged, refusals."""

import numpy as np
import planted_outcomes as planted
import pytest
from tables_of_laws import table

from ziplaw.errors import FitError
from ziplaw.laws.outcomes.skills import fit_skills

FITTED = slice(0, 16)


def fitted(seed=0, **options):
    N, D, losses, accuracy = planted.ladder(seed=seed)
    return fit_skills(N[FITTED], D[FITTED], losses[FITTED], accuracy[FITTED], tasks=planted.TASKS, **options)


def test_a_planted_chain_is_predicted_far_out():
    N, D, losses, accuracy = planted.ladder()
    found = fitted().predict(N[16], D[16], draws=300)
    np.testing.assert_allclose(found.loss, losses[16], rtol=0.05)
    np.testing.assert_allclose(found.accuracy, accuracy[16], atol=0.05)
    assert (found.loss_interval[:, 0] < found.loss).all()
    assert (found.loss < found.loss_interval[:, 1]).all()
    assert found.mean_interval[0] < found.mean < found.mean_interval[1]


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(12):
        N, D, losses, accuracy = planted.ladder(seed=seed)
        found = fitted(seed).predict(N[16], D[16], draws=200)
        held += [lo <= value <= hi for (lo, hi), value in zip(found.accuracy_interval, accuracy[16])]
        held += [lo <= value <= hi for (lo, hi), value in zip(found.loss_interval, losses[16])]
    # 95 of 100 are promised, 68 of these 72; they hang together in threes
    assert sum(held) >= 62


def test_the_same_seed_gives_the_same_interval():
    skills = fitted()
    first, again = (skills.predict(7e9, 4e12, draws=100, seed=3).accuracy_interval for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("chance", [None, 0.25])
def test_a_skill_at_chance_has_not_emerged(chance):
    N, D, losses, accuracy = planted.ladder()
    accuracy[:, 1] = 0.25 + 0.005 * np.random.default_rng(5).normal(size=17)
    skills = fit_skills(N[FITTED], D[FITTED], losses[FITTED], accuracy[FITTED], tasks=planted.TASKS, chance=chance)
    assert skills.emerged == (True, False, True)
    found = skills.predict(N[16], D[16], draws=100)
    assert np.isnan(found.accuracy[1])
    assert np.isnan(found.accuracy_interval[1]).all()
    assert np.isfinite(found.loss).all()
    assert found.mean == pytest.approx(found.accuracy[[0, 2]].mean())


def test_nothing_has_emerged():
    N, D, losses, _ = planted.ladder()
    skills = fit_skills(N, D, losses, np.full((17, 3), 0.25), chance=0.25)
    assert skills.emerged == (False, False, False)
    assert np.isnan(skills.predict(1e10, 1e12, draws=100).mean)


def test_the_best_split_is_that_of_the_shared_index():
    skills = fitted()
    N, D = skills.best_split(1e22)
    assert 6 * N * D == pytest.approx(1e22, rel=1e-6)
    others = skills.losses.predict([N / 1.3, N, N * 1.3], [D * 1.3, D, D / 1.3])
    assert (others.argmin(axis=0) == 1).all()
    low, high = np.quantile(skills.splits(1e22, 100), [0.025, 0.975])
    assert low < N < high
    with pytest.raises(FitError, match="own"):
        fitted(shared=False).best_split(1e22)


def test_a_ladder_of_one_ratio_foretells_only_itself():
    N = np.geomspace(1e8, 2e9, 8)
    losses = planted.planted_losses(N, 20 * N)
    skills = fit_skills(N, 20 * N, losses, planted.planted_accuracy(losses))
    truth = planted.planted_losses(np.array([7e9]), np.array([1.4e11]))[0]
    np.testing.assert_allclose(skills.predict(7e9, 1.4e11, draws=100).loss, truth, rtol=0.01)
    with pytest.raises(FitError, match=r"move together .*D = 20 N.*ask at D = 1.4e\+11"):
        skills.predict(7e9, 4e12)
    with pytest.raises(FitError, match="no best split"):
        skills.best_split(1e22)


def test_own_indices_are_tested_for():
    # the planted tasks share theirs
    assert fitted().own_indices()["p_value"] > 1e-3
    N, D, losses, accuracy = planted.ladder()
    losses[:, 2] = 0.3 + (N / 1e8) ** -0.9  # a task that size alone decides
    skills = fit_skills(N, D, losses, accuracy)
    assert skills.own_indices()["p_value"] < 1e-4
    assert fitted(shared=False).own_indices() is None


def test_errors_are_told_apart():
    N, D, losses, accuracy = planted.ladder()
    skills = fitted()
    errors = skills.errors(N[16:], D[16:], losses[16:], accuracy[16:])
    chain = skills.accuracy_at(skills.losses.predict(N[16:], D[16:])) - accuracy[16:]
    np.testing.assert_allclose(errors["accuracy"], chain)
    np.testing.assert_allclose(errors["step_two"], skills.accuracy_at(losses[16:]) - accuracy[16:])
    rows = np.arange(16) >= 12
    assert {key: value.shape for key, value in skills.held_out(rows).items()} == dict.fromkeys(errors, (4, 3))


def change(name, value):
    N, D, losses, accuracy = planted.ladder()
    given = {"N": N, "D": D, "losses": losses, "accuracy": accuracy}
    given[name] = value(given[name])
    return given


@pytest.mark.parametrize(("given", "options", "words"), [
    (change("accuracy", lambda a: a * 100), {}, "per cents"),
    (change("losses", lambda x: x - 5), {}, "must be above 0"),
    (change("N", lambda n: n[:5]), {}, "fit together"),
    (change("N", lambda n: n), {"tasks": ["one"]}, "names"),
    (change("N", lambda n: n), {"chance": {"none": 0.2}}, "no task"),
    (change("N", lambda n: n), {"chance": 1.5}, "chance is 1.5"),
])  # fmt: skip
def test_refusals(given, options, words):
    with pytest.raises(FitError, match=words) as found:
        fit_skills(**given, **options)
    assert "\n" not in str(found.value)


def test_too_few_runs():
    N, D, losses, accuracy = planted.ladder()
    with pytest.raises(FitError, match="too few"):
        fit_skills(N[:5], D[:5], losses[:5], accuracy[:5])


def test_a_published_ladder_is_foretold():
    """Fitted to 190M to 1.3B, the 7B model's seven accuracies: 5 points on average."""
    rows = table("ladder_skills.csv")
    tasks = [name[4:] for name in rows[0] if name.startswith("bpb_")]
    N, D = (np.array([float(row[name]) for row in rows]) for name in ("N", "D"))
    losses, accuracy = (np.array([[float(row[mark + task]) for task in tasks] for row in rows])
                        for mark in ("bpb_", "acc_"))  # fmt: skip
    skills = fit_skills(N[:16], D[:16], losses[:16], accuracy[:16], tasks=tasks)
    found = skills.predict(N[16], D[16], draws=400)
    assert np.abs(found.accuracy - accuracy[16]).mean() < 0.05
    held = [lo <= value <= hi for (lo, hi), value in zip(found.accuracy_interval, accuracy[16])]
    assert sum(held) >= 5
    assert np.diff(found.accuracy_interval, axis=1).max() < 0.35
