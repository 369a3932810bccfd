"""Text beyond a pilot's runs: what was measured, and that the loss told follows it."""

from pathlib import Path

import numpy as np
import pytest

from ziplaw.base.documents import read_csv
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.pilots.reading import predict_held_out, read_pilot
from ziplaw.laws.pilots.take_off import BY, BY_SD, learnt_faster
from ziplaw.models.shape.ladder import ladder

ATTEMPTS = Path(__file__).parents[3] / "results" / "reference" / "pilots"
SIZES = ladder(1025, 256, 1e9)
COMPUTE = Compute.of([size.N for size in SIZES], [size.flops_per_token for size in SIZES])


def pilot_of(attempt: str, corpus: str) -> dict[str, list]:
    rows = [row for row in read_csv(ATTEMPTS / attempt / "runs.csv") if row["corpus"] == corpus]
    table = {name: [row[name] for row in rows] for name in ("N", "D", "loss")}
    return table | {"trunk": [f"{row['model']}/{row['seed']}" for row in rows]}


def test_the_share_of_the_rise():
    assert learnt_faster([1e12, 3e12, 3e13, 1e20], 1e11) == pytest.approx([0, 0, 1, 1])
    assert learnt_faster(3e12 * 10**0.75, 3e12 * 10**0.25) == pytest.approx(0.5)
    # nothing is left of it above the window, nor below the pilot's own largest cell
    assert learnt_faster(1e20, 3e13) == 0
    assert learnt_faster(5e12, 1e13) == 0


def test_text_is_told_lower_and_with_a_wider_band():
    table = pilot_of("2", "python")
    plain, text = read_pilot(table, COMPUTE), read_pilot(table, COMPUTE, text=True)
    N, D = 325_208, 8_692_736
    share = float(learnt_faster(D * COMPUTE.per_token(N), plain.C[1]))
    assert 0.8 < share < 1
    (before, band), (after, wider) = plain.loss(N, D), text.loss(N, D)
    assert np.log(before / after) == pytest.approx(BY * share)
    sd = [np.log(high / low) / (2 * 1.96) for low, high in (band, wider)]
    assert np.hypot(sd[0], BY_SD * share) == pytest.approx(sd[1], rel=0.05)
    # where the pilot itself has run, and in the split, nothing changes
    assert plain.loss(82_240, 1e6) == text.loss(82_240, 1e6)
    assert plain.n_opt(2.7e13) == text.n_opt(2.7e13)
    assert [row["predicted"] for row in predict_held_out(table, COMPUTE)] > [
        row["predicted"] for row in predict_held_out(table, COMPUTE, text=True)
    ]


def test_the_shift_is_what_the_first_two_attempts_showed():
    errors, shares = [], []
    for attempt in ("1", "2"):
        for row in read_csv(ATTEMPTS / attempt / "held_out.csv"):
            if row["which"] == "best" and row["seed"] == 101:
                runs = read_pilot(pilot_of(attempt, row["corpus"]), COMPUTE)
                errors.append(np.log(row["loss"] / runs.loss(row["N"], row["D"])[0]))
                shares.append(float(learnt_faster(row["C"], runs.C[1])))
                low, high = read_pilot(pilot_of(attempt, row["corpus"]), COMPUTE, text=True).loss(row["N"], row["D"])[1]
                assert low < row["loss"] < high
    assert len(errors) == 8
    by = -np.dot(errors, shares) / np.dot(shares, shares)
    assert abs(by - BY) < BY_SD / 2
