"""regression.json: two-stage lines, the law in H, predictions from it, the commands; and what happens without data."""

import json
import math

import numpy as np
import pytest
from laws_in_H import sweep
from scipy import stats

from ziplaw.base.documents import plain, read_csv, write_csv, write_json
from ziplaw.cli import main
from ziplaw.errors import FitError
from ziplaw.laws.dependence import law_in_H
from ziplaw.laws.dependence.regress import choose, evidence, ols, prediction, regress
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA
from ziplaw.sweep.runs_table import COLUMNS


@pytest.fixture(scope="module")
def planted():
    return sweep(noise=0.003)


@pytest.fixture(scope="module")
def document(planted):
    return regress(*planted, bootstrap=50)


@pytest.fixture(scope="module")
def folder(planted, tmp_path_factory):
    where = tmp_path_factory.mktemp("sweep")
    rows, fits = planted
    write_csv(where / "runs.csv", rows, list(COLUMNS))
    for fit in fits:
        write_json(where / "fits" / f"{fit['dataset']}.json", fit, kind="fit")
    return where


def run(capsys, *arguments):
    """Run the command in this process; returns exit status, standard output and error."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code, *capsys.readouterr()


def test_ols_is_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=8), rng.normal(size=8)
    found, peer = ols(x, y), stats.linregress(x, y)
    t = stats.t.ppf(0.975, 6)
    assert found["slope"] == pytest.approx(peer.slope)
    assert found["intercept"] == pytest.approx(peer.intercept)
    assert found["p_value"] == pytest.approx(peer.pvalue)
    assert found["r2"] == pytest.approx(peer.rvalue**2)
    assert found["slope_ci"][1] - found["slope"] == pytest.approx(t * peer.stderr)
    assert found["intercept_ci"][1] - found["intercept"] == pytest.approx(t * peer.intercept_stderr)


def test_planted_law_is_found(document):
    assert document["n_datasets"] == 5
    assert document["variant"] == "floor"
    assert document["two_stage"]["label"].startswith("two-stage OLS, ignores first-stage error, anti-conservative")
    assert set(document["two_stage"]["parameters"]) == {"E", "A", "B", "alpha", "beta", "ln_A", "ln_B", "a"}
    lines = document["law"]["lines"]
    for name, slope in (("ln_E", -5.0), ("alpha", -3.0), ("beta", -1.0)):
        low, high = lines[name]["slope_ci"]
        assert low - 1e-6 <= slope <= high + 1e-6, name
    assert document["joint_test"]["p_permutation"] <= 3 / 120
    assert document["conclusion"].startswith("the exponents depend on H")
    # alpha = .5 - 3 h meets beta = .6 - h at h = -.05, H = .30; there a is one half and rises, for alpha falls faster
    cross = document["crossings"]["alpha_equals_beta"]
    assert cross["H"] == pytest.approx(0.30, abs=0.03)
    assert cross["interval"][0] < 0.30 < cross["interval"][1]
    assert cross["in_range"]
    assert cross["slope_of_a"] > 0
    json.dumps(plain(document), allow_nan=False)


def test_lines_at_N_1_and_at_the_centre_are_one_law(document):
    law = document["law"]
    for H in (0.2, 0.33, 0.5):
        at = law_in_H.parameters_at(law, H)
        lines = [law["lines"][name]["intercept"] + law["lines"][name]["slope"] * H for name in law_in_H.PARAMETERS]
        assert at.tolist() == pytest.approx([*np.exp(lines[:3]), *lines[3:]], rel=1e-9)
    c = law["centre"]
    middle = np.array(law["coefficients"])[:, 0]
    A, alpha = law_in_H.parameters_at(law, c["H"])[[1, 3]]
    assert A * np.exp(-alpha * c["ln_N"]) == pytest.approx(np.exp(middle[1]))


def test_too_few_datasets_give_no_numbers(planted):
    rows, fits = planted
    for kept in ([], fits[:1], fits[:2]):
        found = regress(rows, kept)
        assert found["law"] is found["two_stage"] is found["joint_test"] is found["crossings"] is None
        assert "not enough datasets" in found["conclusion"]
        assert evidence(rows, kept) == (None, None)
        with pytest.raises(FitError, match="holds no law"):
            prediction(found, 0.3, 1e15)


def test_same_H_three_times_is_not_three_datasets(planted):
    rows, fits = planted
    same = [fit | {"H": 0.3} for fit in fits]
    assert "1 different values of H" in regress(rows, same)["conclusion"]


def test_left_out_datasets_are_counted_with_their_reason(planted):
    rows, fits = planted
    bad = fits[1] | {"reportable": False, "reason": "3 of 36 cells scale"}
    lost = json.loads(json.dumps(plain(fits[2])))
    lost["variants"]["floor"]["flags"] = ["alpha at its bound"]
    found = regress(rows, [fits[0], bad, lost, *fits[3:]], bootstrap=0)
    assert found["n_datasets"] == 3
    assert [(e["dataset"], e["reason"].split(":")[0]) for e in found["left_out"]] == [
        ("d1", "not reportable"),
        ("d2", "its law is not identified"),
    ]
    assert "2 of 5 datasets left out" in found["conclusion"]


def test_one_dataset_without_a_floor_frees_E_in_all(planted):
    rows, fits = planted
    free = [*fits[:4], fits[4] | {"variants": fits[4]["variants"] | {"floor": None}}]
    used, variant, _ = choose(free)
    assert variant == "free"
    assert len(used) >= 3
    found = regress(rows, free, bootstrap=0)
    assert found["variant"] == "free"
    assert found["joint_test"]["E"].startswith("free")


def test_runs_and_fits_of_different_sweeps(planted):
    rows, fits = planted
    with pytest.raises(FitError, match="no cell of d0"):
        regress([row for row in rows if row["dataset"] != "d0"], fits)
    with pytest.raises(FitError, match="d0 has 2 fits"):
        choose([fits[0], fits[0]])


def test_prediction(document):
    found = prediction(document, 0.35, 1e12)
    N, D, loss = optimal_split(law_in_H.parameters_at(document["law"], 0.35), 1e12)
    assert [found["N"], found["D"], found["loss"]] == pytest.approx([N, D, loss])
    assert 6 * found["N"] * found["D"] == pytest.approx(1e12)
    for name in ("N", "D", "loss"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    low, high = found["a_interval"]
    assert 0 <= low < found["a"] < high <= 1
    with pytest.raises(FitError, match=r"the split is not identified.*measure datasets like yours nearer to C = 1e.21"):
        prediction(document, 0.6, 1e21)
    far = prediction(document, 0.6, 1e21, check=False)
    assert far["refused"]
    assert found["refused"] == []
    on = document["fitted_on"]
    assert far["extrapolation"]["C_decades"] == pytest.approx(math.log10(1e21 / on["C"][1]))
    assert far["extrapolation"]["H_distance"] == pytest.approx(0.6 - on["H"][1])
    assert "orders of magnitude outside" in far["warnings"][0]
    # no parameters or no tokens are no plan
    with pytest.raises(FitError, match=r"which means nothing; .* orders of magnitude outside"):
        prediction(document, 0.9, 1e21, check=False)
    near = prediction(document, 0.35, on["C"][1])
    assert near["extrapolation"]["in_range"]
    assert not any("extrapolation" in text for text in near["warnings"])
    # bands widen away from the measured C
    assert math.log(far["N_interval"][1] / far["N_interval"][0]) > math.log(
        near["N_interval"][1] / near["N_interval"][0]
    )


def test_mean_law_beside_the_law_in_H(document):
    mean = document["law_without_H"]
    assert mean["df"] == document["law"]["df"] + 1
    laws = [law_in_H.parameters_at(mean, H) for H in (0.2, 0.4)]
    assert (laws[0] == laws[1]).all()
    exponents = [d["parameters"]["alpha"] for d in document["datasets"]]
    assert min(exponents) < laws[0][3] < max(exponents)
    found = prediction(document, 0.35, 1e12)["without_H"]
    low, high = found["N_interval"]
    assert low < found["N"] < high
    older = {key: value for key, value in document.items() if key != "law_without_H"}
    assert prediction(older, 0.35, 1e12)["without_H"] is None


def test_blend_goes_from_chinchilla_to_the_law(document):
    at = law_in_H.parameters_at(document["law"], 0.35)
    assert law_in_H.blend(at, 0) == pytest.approx(CHINCHILLA.array)
    assert law_in_H.blend(at, 1) == pytest.approx(at)
    assert law_in_H.blend(at, 0.25) == pytest.approx(0.75 * CHINCHILLA.array + 0.25 * at)
    none = prediction(document, 0.35, 1e20, epsilon=0)
    assert none["N"] == pytest.approx(none["chinchilla"]["published"]["N"])
    assert none["N_interval"][0] == pytest.approx(none["N"])
    with pytest.raises(FitError, match=r"epsilon is 1\.5"):
        law_in_H.blend(at, 1.5)


@pytest.mark.parametrize("H", [0, -0.1, 2.0, "x", float("nan")])
def test_impossible_H(document, H):
    with pytest.raises(FitError, match="H is"):
        prediction(document, H, 1e15)


def test_fieller_interval_holds_the_crossing_as_often_as_it_says():
    rng = np.random.default_rng(1)
    H = np.linspace(0.2, 0.5, 8)
    truth = np.column_stack([0 * H, 0 * H, 0 * H, 0.5 - 2 * (H - 0.3), 0.5 + 0.5 * (H - 0.3)])
    S = np.diag([1e-4, 1e-4, 1e-4, 0.02**2, 0.02**2])
    inside = []
    for _ in range(60):
        y = truth + rng.multivariate_normal(np.zeros(5), S, len(H))
        law = law_in_H.fit_law(y, [S] * len(H), H, ln_N=0.0, ln_D=0.0)
        low, high = law_in_H.crossing(law)["interval"]
        inside.append(low <= 0.3 <= high)
    assert np.mean(inside) >= 0.9


def test_damaged_laws_are_refused(document):
    for change in ({"coefficients": [[1, 2]]}, {"df": 0}, {"centre": {}}, {"covariance": "x"}):
        with pytest.raises(FitError, match="law"):
            law_in_H.parameters_at(document["law"] | change, 0.3)


def test_commands_write_the_same_bytes_twice(folder, tmp_path, capsys):
    fits = sorted((folder / "fits").glob("*.json"))
    for name in ("one", "two"):
        code, out, _ = run(capsys, "regress", "--runs", folder / "runs.csv", "--fits", *fits, "--bootstrap", 20,
                           "-o", tmp_path / f"{name}.json", "--claims", tmp_path / f"{name}.csv")  # fmt: skip
        assert code == 0
        assert "permutation p" in out
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    law = tmp_path / "one.json"
    code, out, _ = run(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, "--law", law)
    assert code == 0
    assert "orders of magnitude outside" in out
    assert "Chinchilla" in out
    assert "fitted on 5 datasets" in out
    code, out, _ = run(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, "--law", law, "--json")
    assert json.loads(out)["N"] > 0
    (tmp_path / "ids.txt").write_bytes(b"the same words, again and again; " * 400)
    code, out, _ = run(capsys, "plan", tmp_path / "ids.txt", "--tokenizer", "bytes", "--flops", 1e12, "--law", law,
                       "--threads", 1)  # fmt: skip
    assert code == 0
    assert "Best split" in out
    assert "H = 0." in out


def test_rivals_of_H_from_a_table(folder, tmp_path, capsys):
    write_csv(tmp_path / "rivals.csv", [{"dataset": f"d{k}", "zstd": 0.2 + 0.01 * k * k} for k in range(5)])
    fits = sorted((folder / "fits").glob("*.json"))
    code, out, _ = run(capsys, "regress", "--runs", folder / "runs.csv", "--covariates", tmp_path / "rivals.csv",
                       "--bootstrap", 0, "--json", "--fits", *fits)  # fmt: skip
    assert code == 0
    found = json.loads(out)["comparison"]
    assert {row["covariate"] for row in found["rows"]} == {"none", "H", "floor", "unigram_entropy", "zstd"}
    assert "vocab_size" in found["skipped"]
    write_csv(tmp_path / "wrong.csv", [{"name": "d0", "zstd": 1.0}])
    code, _, error = run(
        capsys, "regress", "--runs", folder / "runs.csv", "--covariates", tmp_path / "wrong.csv", *fits
    )
    assert code == 2
    assert "no column dataset" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--gzip", "0.3", "--flops", "-1"], "'--flops': -1 must"),
        (["predict", "--gzip", "7", "--flops", "1e20"], "'--gzip': 7 must"),
        (["predict", "--gzip", "0.3", "--flops", "1e20", "--level", "2"], "'--level': 2 must"),
        (["predict", "--gzip", "0.3", "--flops", "1e20", "--epsilon", "-1"], "'--epsilon': -1 must"),
    ],
)
def test_nonsense_gets_one_line(document, tmp_path, capsys, arguments, message):
    write_json(tmp_path / "law.json", document, kind="regression")
    code, _, error = run(capsys, *arguments, "--law", tmp_path / "law.json")
    assert code == 2
    assert error.count("\n") == 1
    assert message in error


def test_regress_without_fits(folder, capsys):
    code, _, error = run(capsys, "regress", "--runs", folder / "runs.csv")
    assert code == 2
    assert "no fits given" in error


def test_two_datasets_still_write_their_files(folder, tmp_path, capsys):
    fits = sorted((folder / "fits").glob("*.json"))[:2]
    code, out, _ = run(capsys, "regress", "--runs", folder / "runs.csv", "--fits", *fits, "-o", tmp_path / "r.json",
                       "--claims", tmp_path / "c.csv")  # fmt: skip
    assert code == 0
    assert "not enough datasets" in out
    assert {row["verdict"] for row in read_csv(tmp_path / "c.csv")} == {"undecided"}
    code, _, error = run(capsys, "predict", "--gzip", 0.3, "--flops", 1e20, "--law", tmp_path / "r.json")
    assert code == 2
    assert "holds no law" in error
