"""The ranges of numbers that laws are asked about: refused by name, as written, before anything is read or scored."""

from importlib.resources import files

import numpy as np
import pytest
from tables_of_laws import planted
from verbs import refuses

import ziplaw
from ziplaw.base import limits
from ziplaw.base.documents import read_json
from ziplaw.corpora import readers
from ziplaw.corpora.importing import import_corpus
from ziplaw.errors import FitError, ZiplawError
from ziplaw.laws.forms import allocation, arguments, constrained, kaplan
from ziplaw.laws.forms.chinchilla import CHINCHILLA
from ziplaw.laws.plans.document import law_document
from ziplaw.laws.plans.other_laws import other_document
from ziplaw.laws.plans.serving import serve
from ziplaw.laws.plans.split_at_H import prediction
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.shapes import shapes
from ziplaw.tables import measured_runs
from ziplaw.training import checkpoint
from ziplaw.training.recipe.recipe import TrainConfig

RANGES = {name: value for name, value in vars(limits).items() if isinstance(value, limits.Range)}
NEVER = ["-5", "-1e-300", "1e300", "nan", "-inf", "inf", "1e999", "99999999999999999999999999999999999999999"]
TINY = ["0", "1e-300"]
SHARE = ["1.1", "2"]
# verb, options beside, option -> values that its range leaves out beside NEVER
OPTIONS = [
    ("fit", (), "--flops", TINY),
    ("fit", (), "--at", TINY),
    ("fit", ("--serve", "1e12"), "--target-loss", TINY),
    ("fit", ("--target-loss", "2.5"), "--serve", []),
    ("fit", ("--law", "data-constrained", "--flops", "1e20"), "--unique", TINY),
    ("fit", (), "--n-unit", TINY),
    ("fit", (), "--d-unit", TINY),
    ("fit", (), "--bytes-per-token", TINY),
    ("fit", (), "--fix-e", []),
    ("fit", (), "--delta", TINY),
    ("fit", (), "--level", ["0", "1e-300", "1", *SHARE]),
    ("plan", (), "--flops", TINY),
    ("plan", ("--flops", "1e20"), "--level", ["0", "1e-300", "1", *SHARE]),
    ("plan", ("--flops", "1e20"), "--epsilon", SHARE),
    ("predict", ("--gzip", ".3"), "--flops", TINY),
    ("predict", ("--flops", "1e20"), "--gzip", ["0", "1.5", "7"]),
    ("predict", ("--flops", "1e20", "--gzip", ".3"), "--level", ["0", "1e-300", "1", *SHARE]),
    ("predict", ("--flops", "1e20", "--gzip", ".3"), "--epsilon", SHARE),
    (
        "train",
        ("--hidden", "8", "--layers", "1", "-o", "new"),
        "--budgets",
        ["0", "0.1", "1e16", "9999999999999999999"],
    ),
    ("train", ("--hidden", "8", "--layers", "1", "--budgets", "64", "-o", "new"), "--checkpoint-minutes", []),
    ("shapes", ("--hidden", "8", "--layers", "1"), "--tolerance", SHARE),
]


@pytest.mark.parametrize(
    ("verb", "beside", "option", "value"),
    [(verb, beside, option, value) for verb, beside, option, more in OPTIONS for value in NEVER + more],
)
def test_an_option_out_of_range_is_named_with_its_value_before_any_work(
    tmp_path, capsys, monkeypatch, verb, beside, option, value
):
    def never(*args, **options):
        raise AssertionError("work was begun")

    monkeypatch.setattr(measured_runs, "read_table", never)
    monkeypatch.setattr(readers, "open_source", never)
    (tmp_path / "runs.csv").write_text("N,D,loss\n")
    path = {"fit": [tmp_path / "runs.csv"], "plan": [tmp_path / "runs.csv"], "train": [tmp_path]}.get(verb, [])
    given = f"{value},1e10" if option == "--at" else value
    line = refuses(capsys, verb, *path, *beside, f"{option}={given}")
    assert line.startswith(f"ziplaw: error: Invalid value for '{option}': {value} must ")
    assert f" ({verb.join(['ziplaw ', ' --help explains)'])}" in line


@pytest.mark.parametrize("value", ["", "  ", "12x", "\u0661\u0662\u0663x", "9" * 400])
def test_what_is_no_number_is_told_in_a_line_of_bounded_length(capsys, value):
    line = refuses(capsys, "predict", "--gzip", ".3", f"--flops={value}")
    assert "'--flops'" in line
    assert "is no number" in line
    assert len(line) < 300


def test_whole_numbers_of_any_length_are_told_in_a_line_of_bounded_length(capsys):
    for digits in (400, 5000):
        line = refuses(capsys, "shapes", "--hidden", "8", "--layers", "1", f"--deepest={'9' * digits}")
        assert "Invalid value for '--deepest': " in line
        assert f"{'9' * 60}..." in line
        assert len(line) < 250


def test_the_wrong_one_of_a_list_is_named(tmp_path, capsys):
    (tmp_path / "runs.csv").write_text("N,D,loss\n")
    for text, part in (("1e18,-5,1e19", "-5"), ("1e18; 1e300", "1e+300"), ("1e18 0", "0")):
        assert f"'--flops': {part} must be" in refuses(capsys, "fit", tmp_path / "runs.csv", f"--flops={text}")


def test_serving_needs_its_loss_before_the_table_is_read(tmp_path, capsys):
    (tmp_path / "runs.csv").write_text("no table\n")
    assert "go together" in refuses(capsys, "fit", tmp_path / "runs.csv", "--serve", "1e12")


@pytest.mark.parametrize("range", RANGES.values(), ids=list(RANGES))
def test_ends_of_a_range_are_in_it_unless_it_says_otherwise(range):
    assert [end in range for end in (range.lowest, range.highest)] == [not range.within] * 2
    assert all(value not in range for value in (np.nextafter(range.lowest, -9), np.nan, np.inf, -np.inf))
    assert f"{range.highest:g}" in range.demand


@pytest.mark.parametrize(
    "value", [-1, 10**400, 10**5000, -(10**400), np.nan, np.inf, "x", None, []], ids=lambda v: type(v).__name__
)
def test_settings_of_any_length_and_kind_are_refused_in_a_line_of_bounded_length(tmp_path, value):
    asked = [
        lambda v, name=name: TrainConfig([64], **{name: v}) for name in ("base_hidden", "cooldown", "seed", "epochs")
    ]
    asked += [lambda v: TrainConfig([v]), lambda v: ModelConfig(8, v, 16), lambda v: ModelConfig(v, 1, 16)]
    asked += [checkpoint.Timer, lambda v: shapes(v, 2), lambda v: shapes(1000, 2, v)]
    asked += [lambda v: import_corpus(None, tmp_path, n_valid=v), lambda v: import_corpus(None, tmp_path, seed=v)]
    asked += [lambda v: measured_runs.Reading(units={"N": v}), lambda v: arguments.check_within(v, "C", limits.FLOPS)]
    for call in asked:
        with pytest.raises(ZiplawError, match=r"^[a-zA-Z_ ]+ (is|are) .*must be ") as caught:
            call(value)
        assert len(str(caught.value)) < 250


@pytest.fixture(scope="module")
def asked():
    """What can be asked of a law in Python: name -> a call with one number."""
    law = read_json(files("ziplaw.sweep") / "reference_law.json", "regression")
    N, D, loss = planted(0.01)
    fitted = ziplaw.fit(N, D, loss)
    columns = {"N": N, "D": D, "U": D / 2}
    return {
        "C": [
            lambda v: prediction(law, 0.38, v, check=False),
            lambda v: allocation.allocate(CHINCHILLA.array, v),
            lambda v: fitted.allocate(C=v, check=False),
            lambda v: constrained.repeating_plan(v, 1e9),
            lambda v: kaplan.efficient_plan(v),
            lambda v: kaplan.loss_of_C(v),
            lambda v: law_document(fitted, method="delta", flops=[1e20, v]),
            lambda v: other_document("data-constrained", columns, loss, flops=[v]),
        ],
        "N": [lambda v: law_document(fitted, method="delta", points=[(v, 1e10)])],
        "D": [lambda v: law_document(fitted, method="delta", points=[(1e8, v)])],
        "U": [lambda v: constrained.repeating_plan(1e20, v)],
        "unique": [lambda v: other_document("data-constrained", columns, loss, flops=[1e20], unique=v)],
        "loss": [lambda v: serve(CHINCHILLA.array, v, 1e12)],
        "H": [lambda v: prediction(law, v, 1e12, check=False)],
        "delta": [lambda v: ziplaw.fit(N, D, loss, delta=v)],
    }


@pytest.mark.parametrize("value", [0, -5, 1e-300, 1e300, 10**400, np.nan, np.inf, "x", []], ids=repr)
def test_python_refuses_what_the_command_line_refuses(asked, value):
    for name, calls in asked.items():
        for call in calls if not (name == "H" and value == 1e-300) else []:
            with pytest.raises(FitError, match=rf"^{name} is .*must (be from|lie between) \S+ (to|and) "):
                call(value)


@pytest.mark.parametrize("value", [1.0, 1e40])
def test_the_ends_of_flops_give_numbers_without_a_warning(asked, value):
    # all but the shipped law, which may find less than one parameter there, and what fits again
    for call in asked["C"][1:-1]:
        call(value)


def test_serving_is_finite_or_refused_at_the_ends():
    for tokens in (0.0, 1.0, 1e30):
        for loss in (1.7, 2.0, 10.0, 1e6):
            plan = serve(CHINCHILLA.array, loss, tokens)
            assert np.isfinite([plan.N, plan.D, plan.total_flops]).all()
    with pytest.raises(FitError, match=r"served_tokens is 1e\+31, must be from 0 to 1e\+30 tokens"):
        serve(CHINCHILLA.array, 2.0, 1e31)
