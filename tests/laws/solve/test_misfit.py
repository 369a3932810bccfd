"""Residuals that do not scatter: runs that no law describes, and replicates that show a misfit."""

import numpy as np
from tables_of_laws import columns, planted, table

import ziplaw
from ziplaw.laws.solve import diagnostics


def test_early_pcfg_runs_are_no_usable_law():
    rows = table("pcfg_early_runs.csv")
    N, tokens, epoch, loss = columns(rows, "N_total", "unique_tokens", "epoch", "valid_loss")
    fit = ziplaw.fit(N, tokens * epoch, loss)
    assert {"poor fit", "mixed runs"} <= set(fit.flags)
    assert not diagnostics.usable(fit)
    assert any("RMS error of log loss" in line for line in diagnostics.warnings(fit))


def test_seed_replicates_give_a_lack_of_fit_test():
    N, D, loss = planted(0.01)
    again = planted(0.01, seed=1)[2]
    good = ziplaw.fit(np.tile(N, 2), np.tile(D, 2), np.concatenate([loss, again]))
    assert good.diagnostics["lack_of_fit"]["p_value"] > 1e-3
    bent = np.exp(0.1 * np.log(N / 1e8) * np.log(D / 1e10))
    bad = ziplaw.fit(np.tile(N, 2), np.tile(D, 2), np.concatenate([loss * bent, again * bent]))
    assert bad.diagnostics["lack_of_fit"]["p_value"] < 1e-6
