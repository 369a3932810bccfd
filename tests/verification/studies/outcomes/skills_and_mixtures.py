"""Skills and mixtures on published tables, and how often their intervals hold what is measured or planted.

    python tests/verification/studies/outcomes/skills_and_mixtures.py --data ../shared/data

prints the tables of docs/outcomes.md. The published tables are read where they lie and not kept here.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import read_csv
from ziplaw.base.text_table import aligned
from ziplaw.laws.outcomes.best_mixture import best_mixture
from ziplaw.laws.outcomes.mixtures import fit_mixtures
from ziplaw.laws.outcomes.mixtures_document import mixtures_test
from ziplaw.laws.outcomes.skills import fit_skills

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "helpers" / "laws"))
WAYS = {
    "shared index, upper end 1 (default)": {},
    "an index a task": {"shared": False},
    "shared index, alpha and beta apart": {"tie": False},
    "shared index, both ends free": {"ends": (None, None)},
    "an index a task, apart, ends free": {"shared": False, "tie": False, "ends": (None, None)},
}


def ladder(folder):
    """Tasks, N, D, losses and accuracies of the published ladder."""
    rows = read_csv(folder / "ladder_skills.csv")
    tasks = [name[4:] for name in rows[0] if name.startswith("bpb_")]
    N, D = (np.array([float(row[name]) for row in rows]) for name in ("N", "D"))
    losses, accuracy = (
        np.array([[float(row[mark + task]) for task in tasks] for row in rows]) for mark in ("bpb_", "acc_")
    )
    return tasks, N, D, losses, accuracy


def splits(N, D):
    """What is fitted and what is foretold: the last run, and parts of the ladder itself."""
    small, order = np.arange(16), np.argsort(N[:16] * D[:16], kind="stable")
    yield "7B from 190M to 1.3B", small, np.array([16])
    yield "1.3B from 190M to 760M", small[:12], small[12:]
    yield "760M and 1.3B from 190M and 370M", small[:8], small[8:]
    yield "the 3 largest C from the other 13", order[:-3], order[-3:]
    yield "the 6 largest C from the other 10", order[:-6], order[-6:]


def skills_rows(folder):
    """Errors of both steps, and how many accuracies and losses the 95 % intervals hold."""
    tasks, N, D, losses, accuracy = ladder(folder)
    for split, fitted, foretold in splits(N, D):
        for way, options in WAYS.items():
            skills = fit_skills(N[fitted], D[fitted], losses[fitted], accuracy[fitted], tasks=tasks, **options)
            errors = skills.errors(N[foretold], D[foretold], losses[foretold], accuracy[foretold])
            inside = np.zeros(2, dtype=int)
            for i in foretold:
                found = skills.predict(N[i], D[i], draws=400)
                for k, (ends, value) in enumerate(
                    ((found.accuracy_interval, accuracy[i]), (found.loss_interval, losses[i]))
                ):
                    inside[k] += ((ends[:, 0] <= value) & (value <= ends[:, 1])).sum()
            size = len(foretold) * len(tasks)
            yield {
                "foretold": split,
                "way": way,
                "step one, %": round(100 * float(np.abs(errors["loss"]).mean()), 2),
                "step two, points": round(100 * float(np.nanmean(np.abs(errors["step_two"]))), 2),
                "both, points": round(100 * float(np.nanmean(np.abs(errors["accuracy"]))), 2),
                "accuracies held": f"{inside[0]} of {int(np.isfinite(errors['accuracy']).sum())}",
                "losses held": f"{inside[1]} of {size}",
            }


def task_rows(folder):
    """The 7B model, task by task."""
    tasks, N, D, losses, accuracy = ladder(folder)
    skills = fit_skills(N[:16], D[:16], losses[:16], accuracy[:16], tasks=tasks)
    found = skills.predict(N[16], D[16])
    errors = skills.errors(N[16:], D[16:], losses[16:], accuracy[16:])
    for t, task in enumerate(tasks):
        yield {
            "task": task,
            "accuracy": "{:.3f} ({:.3f} .. {:.3f})".format(found.accuracy[t], *found.accuracy_interval[t]),
            "measured": f"{accuracy[16, t]:.3f}",
            "step one": f"{errors['loss'][0, t]:+.1%}",
            "step two, points": f"{100 * errors['step_two'][0, t]:+.1f}",
            "both, points": f"{100 * errors['accuracy'][0, t]:+.1f}",
        }


def mixture_rows(folder):
    """Rank correlations on further mixtures, beside linear peers; and gains of the best mixture."""
    rows = read_csv(folder / "mixtures.csv")
    names = [name for name in rows[0] if name.startswith("w_")]
    domains = [name for name in rows[0] if name.startswith("loss_")]
    scale = np.array([row["scale"] for row in rows])
    weights, losses = (
        np.array([[float(row[name]) for name in columns] for row in rows]) for columns in (names, domains)
    )
    law = fit_mixtures(weights[scale == "1M-1B"], losses[scale == "1M-1B"], names=names, domains=domains)
    tests = {
        name: mixtures_test(law, weights[scale == name], losses[scale == name]) for name in ("1M-1B-test", "60M-test")
    }
    for domain in domains:
        same, other = (tests[name]["domains"][domain] for name in tests)
        yield {
            "loss": domain.removeprefix("loss_"),
            "1M": "{:.3f} ({:.3f} .. {:.3f})".format(same["rank"], *same["rank_interval"]),
            "linear": f"{same['rank_linear']:.3f}",
            "RMS error": f"{same['rms_log_error']:.1%}",
            "held": f"{same['within']:.1%}",
            "60M": "{:.3f} ({:.3f} .. {:.3f})".format(other["rank"], *other["rank_interval"]),
            "linear 60M": f"{other['rank_linear']:.3f}",
        }
    for name, test in tests.items():
        print(name, {key: value for key, value in test.items() if key != "domains"})
    for target in (None, *np.eye(len(domains))[[domains.index("loss_pile_cc")]]):
        print(best_mixture(law, target))


def coverage_rows(n):
    """Planted ladders: how often the intervals of a run far out hold it."""
    import planted_outcomes as planted

    for name, shift in (("a third to a half", 0.0), ("a sixth to a third", -0.15), ("a tenth to a fifth", -0.3)):
        usual = planted.X0.copy()
        planted.X0[:] = usual + shift
        inside, count = np.zeros(2), np.zeros(2)
        for seed in range(n):
            N, D, losses, accuracy = planted.ladder(seed=seed)
            skills = fit_skills(N[:16], D[:16], losses[:16], accuracy[:16])
            found = skills.predict(N[16], D[16], draws=300)
            for k, (ends, value) in enumerate(
                ((found.accuracy_interval, accuracy[16]), (found.loss_interval, losses[16]))
            ):
                here = np.isfinite(ends[:, 0])
                inside[k] += ((ends[:, 0] <= value) & (value <= ends[:, 1]))[here].sum()
                count[k] += here.sum()
        planted.X0[:] = usual
        yield {"rise seen": name, "accuracies held": f"{inside[0] / count[0]:.1%}", "of": int(count[0]),
               "losses held": f"{inside[1] / count[1]:.1%}"}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[4] / "shared" / "data")
    parser.add_argument("--simulations", type=int, default=200)
    given = parser.parse_args()
    for rows in (
        task_rows(given.data),
        skills_rows(given.data),
        mixture_rows(given.data),
        coverage_rows(given.simulations),
    ):
        print("\n".join(aligned(list(rows))), end="\n\n")


if __name__ == "__main__":
    main()
