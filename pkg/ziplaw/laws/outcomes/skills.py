"""Skills in two steps: N and D give a task's loss, the loss gives its accuracy; intervals go through both.

After Bhagia et al. 2024 ("Establishing task scaling laws via compute-efficient model ladders"), with an index that the
tasks share (`task_losses`) and an accuracy that ends at 1 (`accuracy`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.distributions import f_beyond, normal_inverse, student_quantile
from ..forms.allocation import optimal_split
from ..forms.arguments import Array, check_column
from ..forms.chinchilla import PARAMETERS
from .accuracy import Sigmoid, fit_sigmoid
from .task_losses import TaskLosses, fit_task_losses

LEAST_RUNS = 6
# accuracies that rise by less than this many of their own standard errors over the runs have not left chance
_RISES = 3.0


@dataclass(frozen=True)
class Outcome:
    """Predictions of one target, by task.

    Attributes
    ----------
    N, D : float
    loss, accuracy : ndarray float64 (T,)
        NaN where the skill has not emerged.
    loss_interval, accuracy_interval : ndarray float64 (T, 2)
        Of a run yet to be measured: the laws' uncertainty and a run's scatter.
    mean : float
        Mean accuracy over the tasks that have emerged; NaN where none has.
    mean_interval : tuple of float
    """

    N: float
    D: float
    loss: Array
    accuracy: Array
    loss_interval: Array
    accuracy_interval: Array
    mean: float
    mean_interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Skills:
    """Both steps of every task.

    Attributes
    ----------
    tasks : tuple of str
    losses : TaskLosses
        Step one.
    sigmoids : tuple of Sigmoid
        Step two, a task each.
    accuracy : ndarray float64 (n, T)
    chance : ndarray float64 (T,)
        Accuracy of a guess; NaN where it is not known.
    emerged : tuple of bool
    ends : tuple
        The lower and upper end that were asked for.
    """

    tasks: tuple[str, ...]
    losses: TaskLosses
    sigmoids: tuple[Sigmoid, ...]
    accuracy: Array
    chance: Array
    emerged: tuple[bool, ...]
    ends: tuple[float | None, float | None]
    _drawn: dict[tuple[int, int], _Refits] = field(default_factory=dict, repr=False)

    def predict(self, N: float, D: float, *, level: float = 0.95, draws: int = 1000, seed: int = 42) -> Outcome:
        """Predict every task's loss and accuracy at N and D.

        Each draw gives every run the errors of a run taken at random (those of all tasks and both steps together, so
        that what they share stays shared), refits both steps, and adds such errors to the prediction.

        Raises
        ------
        FitError
            When N and D move together in the runs and these are off that line.
        """
        if why := self.losses.off_the_ladder(N, D):
            raise FitError(why)
        drawn = self._refits(draws, seed)
        loss = self.losses.predict(N, D)[0]
        drawn_loss = self.losses.predict(N, D, drawn.losses)[:, 0]
        return self._outcome(float(N), float(D), loss, drawn_loss, drawn, level)

    def accuracy_at(self, loss: Array) -> Array:
        """Accuracy by step two alone, (..., T), at losses (..., T); NaN where the skill has not emerged."""
        found = np.stack([s.predict(loss[..., t]) for t, s in enumerate(self.sigmoids)], axis=-1)
        return np.where(self.emerged, found, np.nan)

    def best_split(self, C: float) -> tuple[float, float]:
        """Return the N and D at which the shared index, and so every task's loss, is lowest at C = 6 N D FLOPs.

        Raises
        ------
        FitError
            When each task has an index of its own, or N and D move together in the runs.
        """
        if self.losses.group.max() > 0:
            raise FitError("each task has a best split of its own: give N and D, or let the tasks share their index")
        p = self.losses.parameters(0)
        if why := self.losses.off_the_ladder(float(self.losses.N[0]), 1e30):
            raise FitError(f"no best split: {why.partition('; ')[0]}; add runs of other D/N")
        N, D, _ = optimal_split(np.array([p[name] for name in PARAMETERS]), np.array([C]))
        return float(N[0]), float(D[0])

    def splits(self, C: float, draws: int = 1000, seed: int = 42) -> Array:
        """N of the best split of C by every refit, (draws,)."""
        p = self.losses.parameters(0, self.redrawn(draws, seed)[0])
        return optimal_split(np.stack([p[name] for name in PARAMETERS], axis=-1)[:, None], np.array([C]))[0][:, 0]

    def redrawn(self, draws: int = 1000, seed: int = 42) -> tuple[Array, list[Array]]:
        """Refits of both steps: theta of the losses (draws, p), and of each task's sigmoid (draws, 4)."""
        found = self._refits(draws, seed)
        return found.losses, found.sigmoids

    def _refits(self, draws, seed):
        if (draws, seed) not in self._drawn:
            self._drawn[draws, seed] = _draw(self, draws, seed)
        return self._drawn[draws, seed]

    def _outcome(self, N, D, loss, drawn_loss, drawn, level):
        law = self.losses
        with_run = drawn_loss * (1 + drawn.run_loss)
        accuracy = self.accuracy_at(loss)
        found = np.stack([s.predict(with_run[:, t], drawn.sigmoids[t]) for t, s in enumerate(self.sigmoids)], axis=-1)
        found = np.clip(found + drawn.run_accuracy, 0.0, 1.0)
        of_loss = np.array([widened_interval(with_run[:, t], loss[t], level, law.freedom) for t in range(law.n_tasks)])
        of_accuracy = np.array(
            [
                widened_interval(found[:, t], accuracy[t], level, s.freedom) if here else (np.nan, np.nan)
                for t, (s, here) in enumerate(zip(self.sigmoids, self.emerged))
            ]
        )
        here = np.flatnonzero(self.emerged)
        mean, ends = np.nan, (np.nan, np.nan)
        if here.size:
            mean = float(accuracy[here].mean())
            ends = widened_interval(found[:, here].mean(axis=1), mean, level, law.freedom)
        return Outcome(N, D, loss, accuracy, of_loss, np.clip(of_accuracy, 0, 1), mean, ends)

    def held_out(self, rows: npt.NDArray[np.bool_]) -> dict[str, Array]:
        """Errors on the rows left out by a refit to the others, both steps and each alone, per task (m, T).

        "loss": relative, law over measured less 1. "step_two": of the accuracy read off the measured loss.
        "accuracy": of the chain. NaN where the refit finds that the skill has not emerged.
        """
        law = self.losses
        other = fit_skills(
            law.N[~rows], law.D[~rows], law.losses[~rows], self.accuracy[~rows], tasks=self.tasks, chance=self.chance,
            shared=law.group.max() == 0, tie=law.tie, ends=self.ends,
        )  # fmt: skip
        return other.errors(law.N[rows], law.D[rows], law.losses[rows], self.accuracy[rows])

    def errors(self, N: Array, D: Array, losses: Array, accuracy: Array) -> dict[str, Array]:
        """Errors at measured runs: see `held_out`."""
        found = self.losses.predict(N, D)
        return {"loss": found / losses - 1, "step_two": self.accuracy_at(losses) - accuracy,
                "accuracy": self.accuracy_at(found) - accuracy}  # fmt: skip

    def own_indices(self) -> dict[str, float] | None:
        """Test of the shared index against one for each task: F, df1, df2 and p_value; None where it is not shared.

        Errors of a run that tasks share make the p-value too small.
        """
        law = self.losses
        if law.group.max() > 0 or law.n_tasks < 2:
            return None
        own = fit_task_losses(law.N, law.D, law.losses, shared=False, tie=law.tie)
        squares = np.square(own.residuals).sum(axis=0)
        df1, df2 = (2 if law.tie else 3) * (law.n_tasks - 1), law.n_tasks * own.freedom
        F = float(((np.square(law.residuals).sum(axis=0) - squares) / (squares / own.freedom + 1e-30)).sum() / df1)
        return {"F": max(F, 0.0), "df1": df1, "df2": df2, "p_value": float(f_beyond(max(F, 0.0), df1, df2))}


@dataclass(frozen=True)
class _Refits:
    """Redrawn laws (B, p), sigmoids a task (B, 4), and the errors of a new run (B, T) of both steps."""

    losses: Array
    sigmoids: list[Array]
    run_loss: Array
    run_accuracy: Array


def _draw(skills, draws, seed):
    """Bootstrap of residuals by run: to each run's fitted values the errors of a run drawn at random, all its tasks and
    both steps together, with one random sign.
    """
    law, random = skills.losses, np.random.default_rng(seed)
    n = len(law.N)
    first = law.residuals * np.sqrt(n / law.freedom)
    second = np.stack([s.residuals * np.sqrt(n / s.freedom) for s in skills.sigmoids], axis=1)
    # the last is the run that is foretold
    run, sign = random.integers(0, n, size=(draws, n + 1)), random.choice([-1.0, 1.0], size=(draws, n + 1, 1))
    of_loss, of_accuracy = np.maximum(first[run] * sign, -0.99), second[run] * sign
    thetas, _ = law.redrawn(law.predict(law.N, law.D) * (1 + of_loss[:, :n]))
    sigmoids = [
        s.redrawn(np.clip(s.predict(s.loss) + of_accuracy[:, :n, t], 0.0, 1.0))[0]
        for t, s in enumerate(skills.sigmoids)
    ]
    return _Refits(thetas, sigmoids, of_loss[:, n], of_accuracy[:, n])


def widened_interval(draws: Array, estimate: float, level: float, freedom: float) -> tuple[float, float]:
    """Percentiles of draws (B,), widened about the estimate by Student's t for the scatter was estimated."""
    wide = student_quantile(freedom, 0.5 + level / 2) / normal_inverse(0.5 + level / 2)
    lo, hi = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(estimate + (lo - estimate) * wide), float(estimate + (hi - estimate) * wide)


def fit_skills(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    losses: npt.ArrayLike,
    accuracy: npt.ArrayLike,
    *,
    tasks: Sequence[str] | None = None,
    chance: npt.ArrayLike | Mapping[str, float] | None = None,
    shared: bool = True,
    tie: bool = True,
    ends: tuple[float | None, float | None] = (None, 1.0),
) -> Skills:
    """Fit both steps of every task.

    Parameters
    ----------
    N, D : array-like (n,)
        Parameters and training tokens.
    losses : array-like (n, T)
        Loss of the right answer (bits per byte or nats), above 0.
    accuracy : array-like (n, T)
        From 0 to 1.
    tasks : sequence of str, optional
        Their names.
    chance : float, (T,) or mapping, optional
        Accuracy of a guess, which tells whether a skill has emerged. Without it a skill has emerged where its accuracy
        rises with falling loss.
    shared, tie : bool
        One index for all tasks; alpha = beta. See `fit_task_losses`.
    ends : pair
        Lower and upper end of the sigmoids; None fits it. See `fit_sigmoid`.

    Raises
    ------
    FitError
        When the columns do not fit together, a value is out of range or there are too few runs.
    """
    N, D = check_column(N, "N"), check_column(D, "D")
    losses, accuracy = np.asarray(losses, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    if losses.ndim != 2 or losses.shape != accuracy.shape or len(losses) != len(N) or len(N) != len(D):
        raise FitError(
            f"N {N.shape}, D {D.shape}, losses {losses.shape} and accuracy {accuracy.shape} do not fit together: give "
            "(n,), (n,), (n, tasks) and (n, tasks)"
        )
    tasks = tuple(tasks) if tasks is not None else tuple(f"task {t + 1}" for t in range(losses.shape[1]))
    if len(tasks) != losses.shape[1] or not tasks:
        raise FitError(f"{len(tasks)} names for {losses.shape[1]} tasks: give one each")
    if len(N) < LEAST_RUNS:
        raise FitError(f"{len(N)} runs are too few for two steps: at least {LEAST_RUNS} are needed")
    for t, task in enumerate(tasks):
        check_column(losses[:, t], f"the loss of {task}")
        outside = np.flatnonzero(~((accuracy[:, t] >= 0) & (accuracy[:, t] <= 1)))
        if outside.size:
            raise FitError(
                f"the accuracy of {task} is {accuracy[outside[0], t]:g} in row {outside[0] + 1}, must be from 0 to 1: "
                "divide per cents by 100, as in --task bpb_x=acc_x*0.01"
            )
    by_chance = _chance(chance, tasks)
    low, high = ends
    first = fit_task_losses(N, D, losses, shared=shared, tie=tie)
    second = tuple(fit_sigmoid(losses[:, t], accuracy[:, t], low=low, high=high) for t in range(len(tasks)))
    here = tuple(_has_emerged(losses[:, t], accuracy[:, t], by_chance[t], second[t]) for t in range(len(tasks)))
    return Skills(tasks, first, second, accuracy, by_chance, here, ends)


def _chance(given, tasks):
    """Chance of each task (T,), NaN where it is not known."""
    if given is None:
        return np.full(len(tasks), np.nan)
    if isinstance(given, Mapping):
        if unknown := [name for name in given if name not in tasks]:
            raise FitError(f"chance is given for {unknown[0]}, which is no task: choose of {', '.join(tasks)}")
        given = [given.get(task, np.nan) for task in tasks]
    values = np.broadcast_to(np.asarray(given, dtype=np.float64), len(tasks)).copy()
    if ((values < 0) | (values >= 1)).any():
        raise FitError(f"chance is {values[(values < 0) | (values >= 1)][0]:g}, must be from 0 to below 1")
    return values


def _has_emerged(loss, accuracy, chance, sigmoid):
    """Tell whether accuracy rises with falling loss, and above chance where that is known."""
    n = len(loss)
    left, right = np.sort(loss)[: n // 2][-1], np.sort(loss)[-(n // 2) :][0]
    better, worse = accuracy[loss <= left], accuracy[loss >= right]
    noise = max(sigmoid.scatter, 1e-9)
    gain = better.mean() - worse.mean()
    rises = gain > _RISES * noise * np.sqrt(1 / len(better) + 1 / len(worse))
    above = np.isnan(chance) or better.mean() - chance > _RISES * noise / np.sqrt(len(better))
    return bool(rises and above)
