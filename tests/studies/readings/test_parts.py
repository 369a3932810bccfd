"""Parts of a study, and covariates as columns."""

import numpy as np
from planted_study import planted_study

from ziplaw.studies.measured import Study
from ziplaw.studies.readings.parts import column, covariates_of, halves, parts, readings_of


def test_parts_are_those_that_were_measured():
    study = planted_study((("v", 1), ("f", 1)), seed=1)
    assert halves(study) == ["exploratory", "confirmatory", "both"]
    assert halves(study.half("confirmatory")) == ["confirmatory"]
    assert [(half, family, len(part.design)) for half, family, part in parts(study)][:4] == [
        ("exploratory", "all", 2), ("exploratory", "varied", 1), ("exploratory", "vocabulary", 1),
        ("confirmatory", "all", 2),
    ]  # fmt: skip


def test_readings_leave_out_what_diverged():
    study = planted_study((("v", 1),), seed=1).half("exploratory")
    lost = [{**row, "status": "diverged", "loss": None} if row["model"] == "h32" else row for row in study.runs]
    whole, part = (
        readings_of(study)["ev01"],
        readings_of(Study(study.design, tuple(lost), (), study.covariates))["ev01"],
    )
    assert part.N[1] < whole.N[1]


def test_columns_are_numbers_or_nan():
    study = planted_study((("v", 2),), seed=1).half("exploratory")
    known = {name: {**values, "zstd": "" if name == "ev01" else 0.3} for name, values in study.covariates.items()}
    study = Study(study.design, study.runs, study.fits, known)
    assert covariates_of(study) == [
        "H", "unigram_entropy", "floor", "productions", "vocab_size", "sentence_length", "zstd",
    ]  # fmt: skip
    np.testing.assert_array_equal(column(study, ("ev01", "ev02"), "zstd"), [np.nan, 0.3])


def test_what_lies_beyond_the_last_token_enters_as_its_logarithm():
    study = planted_study((("v", 2),), seed=1).half("exploratory")
    known = {
        name: {**values, "beyond_bigram": 0.0 if name == "ev01" else 1.0} for name, values in study.covariates.items()
    }
    study = Study(study.design, study.runs, study.fits, known)
    np.testing.assert_array_equal(column(study, ("ev01", "ev02"), "beyond_bigram"), [np.nan, 0.0])
