"""Skills and mixtures with planted laws, as arrays, shared by the tests of outcomes."""

import numpy as np

ALPHA, RHO = 0.3, 0.4
TASKS = ("easy", "hard", "odd")
E, S = np.array([0.5, 0.7, 0.3]), np.array([0.35, 0.5, 0.4])
LOW, K, X0 = np.array([0.25, 0.22, 0.5]), np.array([9.0, 6.0, 5.0]), np.array([1.1, 1.4, 1.0])
N0, D0 = 5e8, 3e10


def planted_losses(N, D):
    """Losses (n, 3) of three tasks over one index."""
    u = np.exp(RHO) * (N / N0) ** -ALPHA + (D / D0) ** -ALPHA
    return E + S * u[:, None]


def planted_accuracy(losses):
    """Accuracies (n, 3) at losses (n, 3)."""
    return LOW + (1 - LOW) / (1 + np.exp(K * (losses - X0)))


def ladder(noise=0.004, points=0.005, seed=0):
    """Four sizes of four budgets each, and a model far beyond: N, D, losses, accuracy of 17 runs."""
    random = np.random.default_rng(seed)
    N = np.repeat([1.9e8, 3.7e8, 7.6e8, 1.3e9], 4)
    D = N * np.tile([20.0, 40.0, 100.0, 200.0], 4)
    N, D = np.append(N, 7e9), np.append(D, 4e12)
    losses = planted_losses(N, D) * np.exp(noise * random.normal(size=(17, 3)))
    accuracy = np.clip(planted_accuracy(losses) + points * random.normal(size=(17, 3)), 0, 1)
    return N, D, losses, accuracy


C = np.array([3.0, 2.5])
U = np.array([[-3.0, 0.6, 0.8, 0.5, 0.9], [0.4, -6.0, 0.2, 0.7, -0.5]])


def mixture_table(n=120, noise=0.005, seed=0):
    """Mixtures (n, 5) and losses (n, 2): c + exp(u . w)."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.full(5, 0.7), size=n)
    losses = C + np.exp(weights @ U.T)
    return weights, losses * np.exp(noise * random.normal(size=losses.shape))
