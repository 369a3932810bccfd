"""Configs are typed: a typo is one line, and what is generated is in step with the model."""

import re
from typing import get_args

import pytest
import yaml
from houses import ROOT

from ziplaw import ModelConfig, TrainConfig, random_grammar, sample
from ziplaw.cli import main
from ziplaw.errors import ConfigError, TrainError
from ziplaw.sweep.config import (
    CorpusSettings,
    GrammarShape,
    ImportedCorpus,
    Model,
    SweepConfig,
    Training,
    load_config,
    parse_config,
)
from ziplaw.sweep.default import DEFAULT

CONFIG = ROOT / "config"


def test_default_and_schema_are_generated(tmp_path):
    generated = {"default.yaml": "default", "schema.json": "schema"}
    generated |= {"pilot.yaml": "pilot", "pilot_schema.json": "pilot-schema"}
    for name, verb in generated.items():
        with pytest.raises(SystemExit) as stop:
            main(["config", verb, "-o", str(tmp_path / name)])
        assert stop.value.code == 0
        assert (tmp_path / name).read_text() == (CONFIG / name).read_text(), (
            f"config/{name} is stale: run `make config`"
        )
    assert load_config(CONFIG / "default.yaml") == DEFAULT


SWEEPS = [path for path in sorted(CONFIG.glob("*.yaml")) if path.stem != "pilot"]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda p: p.name)
def test_every_config_is_valid_and_named_after_its_file(path):
    assert load_config(path).sweep == path.stem


def test_every_field_is_described():
    def walk(schema, where):
        for name, field in schema.get("properties", {}).items():
            assert field.get("description"), f"{where}.{name} has no description"

    schema = SweepConfig.model_json_schema()
    for name, part in [("sweep", schema), *schema["$defs"].items()]:
        walk(part, name)


SHAPE = {"n_nonterminals": 6, "n_terminals": 9, "max_rhs_options": 3, "max_rhs_length": 3}


def change(**keys):
    return {**yaml.safe_load((CONFIG / "default.yaml").read_text()), **keys}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (change(budgetz=1), "unknown key budgetz .did you mean budgets"),
        (change(training={"learning_rat": 1}), "did you mean learning_rate"),
        # only what is valid at that place is proposed: corpus.seed is no help at the top, presets.seeds none in corpus
        (change(seed=3), r"unknown key seed .did you mean seeds\?"),
        (change(corpus={"seeds": 3}), r"unknown key corpus.seeds .did you mean seed\?"),
        (change(datasets={"import": {"import": {"pth": "x"}}}), r"datasets.import.import.pth .did you mean path\?"),
        (change(models={"m": {"width": 8, "layers": 1}}), "unknown key models.m.width: remove it"),
        (change(learning_rate=0.1), "unknown key learning_rate: it belongs under training"),
        (change(window=64), "unknown key window: it belongs under scoring"),
        (change(models={"m": {"layers": 1}}), "models.m.hidden is missing: width"),
        (change(training={"learning_rate": "fast"}), "training.learning_rate.*'fast'"),
        (
            change(training={"learning_rate": -1}),
            "training.learning_rate must be at least 1e-12 and at most 100, not -1",
        ),
        (change(budgets=[10]), "10 tokens is less than one step of 1024"),
        (change(budgets=[]), "distinct integers"),
        (change(budgets=[4096, 4096]), "distinct integers"),
        (change(corpus={"documents": 3}), "3 documents of 256 tokens are fewer than"),
        (change(datasets={}), "name at least one"),
        (change(datasets={"a/b": {"grammar_file": "x"}}), "'a/b' cannot name a file"),
        (change(datasets={"a": {}}), "exactly one of grammar, grammar_file, import"),
        (change(datasets={"code": {"grammar_file": "x"}}), "also a reference"),
        (change(models={"m": {"hidden": 7, "layers": 1}}), "even width: use 8"),
        (change(models={"m": {"architecture": "lstm", "hidden": 7, "layers": 1, "heads": 1}}), "lstm has no heads"),
        (change(models={"m": {"architecture": "gru", "hidden": 7, "layers": 1}}), "models.m.architecture.*'gru'"),
        (change(training={"ensemble": 0}), "training.ensemble: must be auto, or a whole number from 1 to 1024, not 0"),
        (change(training={"ensemble": "all"}), "training.ensemble: must be auto, or"),
        (change(sweep="../up"), "cannot name a folder"),
        (change(training={"weight_decay": 1e30}), "weight_decay must be at least 0 and at most 100, not 1e.30"),
        (change(training={"weight_decay": float("nan")}), "weight_decay"),
        (change(training={"base_hidden": 1 << 21}), "base_hidden must be"),
        (change(seeds=[1 << 63]), "distinct integers from 0 to 9223372036854775807"),
        (change(budgets=[10**16]), "distinct integers from 1 to 1000000000000000"),
        (change(budgets=[65536, 65537]), "both round to 64 steps"),
        (change(corpus={"seed": 1 << 64}), "corpus.seed must be"),
        (change(corpus={"context": 1 << 21}), "corpus.context must be at least 2"),
        (change(corpus={"valid_documents": 1 << 40}), "valid_documents.*more than"),
        (change(scoring={"samples": 1 << 31}), "scoring.samples must be"),
        (change(laws={"bootstrap": 99}), "laws.bootstrap must be at least 100"),
        (change(models={"m": {"hidden": 8, "layers": 1, "heads": 3}}), "3 heads do not divide hidden 8"),
        (
            change(models={"m": {"architecture": "lstm", "hidden": 8, "layers": 1}}, training={"precision": "bf16"}),
            "an lstm computes in fp32",
        ),
        (change(datasets={"a": {"grammar": SHAPE | {"n_terminals": 1 << 24}}}), "n_terminals must be"),
        (change(datasets={"a": {"grammar": SHAPE | {"max_rhs_options": 10**9}}}), "max_rhs_options must be"),
        (change(datasets={"a": {"grammar": SHAPE | {"max_rhs_options": 4 * 10**7}}}), "needs about 2.4e.08 symbols"),
        ({}, "sweep is missing: name of the sweep"),
        ([], "holds list"),
        (None, "holds NoneType"),
    ],
)
def test_a_bad_config_is_one_clear_line(raw, message):
    with pytest.raises(ConfigError, match=message) as error:
        parse_config(raw)
    assert "\n" not in str(error.value)


def numbers(model, end):
    """Fields of a model that are numbers within bounds, with one of the bounds: 0 the least, 1 the most."""
    found = {}
    for name, field in model.model_fields.items():
        bounds = {type(bound).__name__: bound for bound in field.metadata}
        if {"Ge", "Le"} <= set(bounds):
            found[name] = bounds["Le"].le if end else bounds["Ge"].ge
    return found


@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_what_the_config_check_lets_pass_the_stages_take(end):
    """Each number at the end of its range: the stage refuses the next one, so the two have one limit."""
    found = numbers(Training, end)
    TrainConfig([1 << 20], **found)
    for name, value in found.items():
        beyond = value * 2 + 1 if end else value / 2 - 1 if isinstance(value, float) else value - 1
        with pytest.raises(TrainError, match=f"{name} is"):
            TrainConfig([1 << 20], **{name: beyond})
    shape = numbers(Model, end)
    TrainConfig([1 << 20], learning_rate=shape.pop("learning_rate"))
    shape["hidden"] += shape["hidden"] % 2
    ModelConfig(**shape, vocab_size=9)
    ModelConfig(hidden=8, layers=1, vocab_size=9, context=numbers(CorpusSettings, end)["context"])
    grammar = random_grammar(3, 9, 2, 2, seed=numbers(GrammarShape, end)["seed"])
    sample(grammar, 1, context=8, seed=numbers(CorpusSettings, end)["seed"])


def test_a_key_given_twice_is_an_error(tmp_path):
    text = (CONFIG / "smoke.yaml").read_text()
    again = text.replace("datasets:\n", "datasets:\n  high: {grammar_file: mine.txt}\n")
    (tmp_path / "c.yaml").write_text(again)
    with pytest.raises(ConfigError, match=r"c\.yaml, line \d+: the key high is given twice"):
        load_config(tmp_path / "c.yaml")
    (tmp_path / "d.yaml").write_text(text + "seeds: [1]\nseeds: [2]\n")
    with pytest.raises(ConfigError, match=r"d\.yaml, line \d+: the key seeds is given twice"):
        load_config(tmp_path / "d.yaml")


def test_invalid_yaml_names_the_file(tmp_path):
    (tmp_path / "c.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match=r"c\.yaml is not valid YAML"):
        load_config(tmp_path / "c.yaml")


def test_an_import_takes_what_the_verb_takes():
    from ziplaw.corpora.readers.bin import BIN_DTYPES
    from ziplaw.corpora.storage.files import KINDS

    fields = ImportedCorpus.model_fields
    assert set(get_args(get_args(fields["format"].annotation)[0])) == set(KINDS)
    assert set(get_args(get_args(fields["dtype"].annotation)[0])) == set(BIN_DTYPES)
    with pytest.raises(ConfigError, match="field says how a path is read: leave it out beside builtin"):
        parse_config(
            yaml.safe_load((CONFIG / "smoke.yaml").read_text())
            | {"datasets": {"python": {"import": {"builtin": "code", "field": "text"}}}}
        )


@pytest.mark.parametrize("written", ["[64k, 1e5, '130,000']", "[64000, 100000, 130000]", "[6.4e4, 0.1M, 130_000]"])
def test_budgets_are_read_as_the_command_line_reads_them(written, tmp_path):
    text = yaml.safe_dump({key: value for key, value in change().items() if key != "budgets"})
    (tmp_path / "a.yaml").write_text(f"{text}budgets: {written}\n")
    assert load_config(tmp_path / "a.yaml").budgets == [64_000, 100_000, 130_000]


@pytest.mark.parametrize("budget", ["abc", "nan", "inf", "1.5", 2.5, None, [1]])
def test_budgets_that_are_none_are_refused(budget):
    with pytest.raises(ConfigError, match=r"budgets\.0 must be a whole number"):
        parse_config(change(budgets=[budget]))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"seeds": 2}, "seeds must be a list, in brackets, not 2"),
        ({"presets": 5}, "presets must hold keys and values, not 5"),
        ({"datasets": {"a": None}}, r"datasets\.a must hold keys and values"),
        ({"datasets": {7: {"grammar": SHAPE}}}, r"datasets\.7: a name must be text.*quotes"),
        ({"models": [{"hidden": 8}]}, "models must hold keys and values"),
    ],
)
def test_messages_speak_of_yaml(raw, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(change(**raw))


def test_the_check_names_files_that_are_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.txt").write_text("a")
    datasets = {
        "a": {"import": {"path": "there.txt", "tokenizer": "gpt2"}},
        "b": {"import": {"path": "gone.txt"}},
        "c": {"grammar_file": "gone.cfg"},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(change(datasets=datasets)))
    with pytest.raises(SystemExit) as stop:
        main(["config", "check", "a.yaml"])
    assert stop.value.code == 0
    said = capsys.readouterr().err
    for line in ("a.import.tokenizer: there is no gpt2", "b.import.path: there is no gone.txt", "c.grammar_file"):
        assert line in said
    assert "there.txt" not in said


def test_pages_that_are_named_exist():
    root = CONFIG.parent
    sources = [
        *root.glob("pkg/**/*.py"),
        *root.glob("docs/**/*.md"),
        *CONFIG.glob("*"),
        *root.glob("*.md"),
        root / "Snakefile",
    ]
    for source in sources:
        for page in re.findall(r"docs/[\w/-]+\.md", source.read_text()):
            assert (root / page).exists(), f"{source} names {page}"
