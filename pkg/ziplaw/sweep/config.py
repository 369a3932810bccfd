"""The typed model of a sweep's config: every key with its meaning, unknown keys refused.

The JSON schema and ``config/default.yaml`` are generated from here (``ziplaw config schema|default``) and a
test holds them in step.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from ..base import limits
from ..base.numerals import read_number
from ..errors import ConfigError, TrainError, shown
from ..training.recipe.recipe import TrainConfig
from ..training.recipe.schedule import plan_budgets
from ..training.recipe.settings import settings_of

# decoders up to this width leave most of a GPU idle, each by itself; so many of them train at once
NARROW, SIDE_BY_SIDE = 256, 8
ENDS = {"Ge": "at least", "Le": "at most"}
SHAPES = dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "hold keys and values")
SHAPES |= {"list_type": "be a list, in brackets"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
Typed = TypeVar("Typed", bound=BaseModel)


def within(range_: tuple, default: Any = ..., **more: Any) -> Any:
    """A number of a range of `limits`, which the stage that takes it checks too."""
    return Field(default, ge=range_[0], le=range_[1], **more)


def distinct(value: list[int], range_: tuple) -> list[int]:
    """Sort a list of at least one integer, which must differ and lie in a range of `limits`."""
    least, most = range_
    if not value or min(value) < least or max(value) > most or len(set(value)) != len(value):
        raise ValueError(f"{value} must be distinct integers from {least} to {most}")
    return sorted(value)


class Strict(BaseModel):
    """A section that refuses keys it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class GrammarShape(Strict):
    """A random grammar by its definition (see docs/formats.md)."""

    n_nonterminals: int = within(limits.NONTERMINALS, description="number of nonterminals")
    n_terminals: int = within(limits.TERMINALS, description="number of terminals; ids 1..n, 0 is the separator")
    max_rhs_options: int = within(limits.RHS, description="each nonterminal gets 1..this many productions")
    max_rhs_length: int = within(limits.RHS, description="each production has 1..this many symbols")
    seed: int = within(limits.SEED, 0, description="seed of the grammar itself")
    supercritical: Literal["redraw", "truncate"] = Field(
        "redraw", description="redraw until rho(M) < 1, or accept rho(M) >= 1 when rho(LC) < 1 (truncate)"
    )

    @model_validator(mode="after")
    def _fits_memory(self):
        symbols = limits.grammar_symbols(self.n_nonterminals, self.max_rhs_options, self.max_rhs_length)
        if symbols > limits.MAX_SYMBOLS:
            raise ValueError(
                f"needs about {symbols:.3g} symbols, the limit is {limits.MAX_SYMBOLS}: ask for fewer rules"
            )
        return self


class ImportedCorpus(Strict):
    """A real corpus: a path, or one of the two that every machine has."""

    path: str | None = Field(None, description="file or folder: text, sources, jsonl[.zst], parquet, .bin, .npy")
    builtin: Literal["code", "prose"] | None = Field(None, description="a corpus that every machine can have")
    tokenizer: str = Field("bundled", description="bundled, bytes, or bpe:<tokenizer.json>")
    by: Literal["document", "file"] = Field("document", description="what is held out as a whole")
    field: str | None = Field(None, description="field or column of the text, chat or ids; data.text if nested")
    ext: list[str] = Field([], description="in a folder read only files ending so")
    format: Literal["text", "jsonl", "parquet", "arrow", "npy", "bin"] | None = Field(
        None, description="read the path as this, whatever its name"
    )
    dtype: Literal["uint8", "uint16", "int32", "uint32", "int64"] | None = Field(
        None, description="type of the ids in a .bin file"
    )

    @model_validator(mode="after")
    def _one_source(self):
        if (self.path is None) == (self.builtin is None):
            raise ValueError("give exactly one of path and builtin")
        if self.builtin and (given := [name for name in ("field", "ext", "format", "dtype") if getattr(self, name)]):
            raise ValueError(f"{given[0]} says how a path is read: leave it out beside builtin")
        return self


class Dataset(Strict):
    """One dataset: exactly one of grammar, grammar_file, import."""

    grammar: GrammarShape | None = Field(None, description="draw a random grammar of this shape")
    grammar_file: str | None = Field(None, description="a grammar written by hand: ziplaw JSON or NLTK text")
    imported: ImportedCorpus | None = Field(None, alias="import", description="tokenise a real corpus")
    seeds: list[int] | None = Field(None, description="training seeds of this dataset; default: the sweep's seeds")

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, value: Any) -> Any:
        return value if value is None else distinct(value, limits.TRAINING_SEED)

    @model_validator(mode="after")
    def _one_kind(self):
        if sum(x is not None for x in (self.grammar, self.grammar_file, self.imported)) != 1:
            raise ValueError("give exactly one of grammar, grammar_file, import")
        return self


class Model(Strict):
    """The shape of one model size."""

    architecture: Literal["llama", "lstm"] = Field("llama", description="decoder, or LSTM of the same interface")
    hidden: int = within(limits.HIDDEN, description="width; of a decoder's residual stream, then even")
    layers: int = within(limits.LAYERS, description="number of decoder blocks or LSTM layers")
    heads: int | None = Field(None, ge=1, description="attention heads; default: head width 64 or narrower")
    learning_rate: float | None = within(
        limits.LEARNING_RATE, None, description="peak learning rate of this size; default: training.learning_rate"
    )

    @model_validator(mode="after")
    def _fits_architecture(self):
        if self.architecture == "llama" and self.hidden % 2:
            raise ValueError(f"hidden is {self.hidden}, a decoder needs an even width: use {self.hidden + 1}")
        if self.architecture == "lstm" and self.heads is not None:
            raise ValueError("an lstm has no heads: leave heads out")
        if self.heads is not None and not limits.even_heads(self.hidden, self.heads):
            raise ValueError(f"{self.heads} heads do not divide hidden {self.hidden} into even widths: leave heads out")
        return self


class CorpusSettings(Strict):
    """How much of every dataset is made."""

    context: int = within(limits.CONTEXT, 256, description="tokens in a document, and the model's context")
    documents: int | None = Field(
        None, ge=1, description="training documents; default: enough for the largest budget, each seen once"
    )
    valid_documents: int = Field(256, ge=2, description="held-out documents, from a random stream of their own")
    seed: int = within(limits.SEED, 0, description="seed of the documents (the grammar has its own)")

    @field_validator("documents", "valid_documents")
    @classmethod
    def _fits_a_corpus(cls, value: Any, info: ValidationInfo) -> Any:
        context = info.data.get("context")
        if value and context and value * context > limits.MAX_TOKENS:
            raise ValueError(f"{value} documents of {context} tokens are more than {limits.MAX_TOKENS}: ask for fewer")
        return value


class Scoring(Strict):
    """How H, the gzip-compressibility, is measured."""

    window: int = within(limits.WINDOW, 256, description="tokens in a scored window")
    samples: int = within(limits.SAMPLES, 1000, description="windows scored; H is their median")


# the order of the section's keys in a file; what is not listed comes last
_ORDER = (
    "arm batch_documents learning_rate base_hidden warmup_steps cooldown weight_decay ensemble loss device precision"
)


def section_of(config: type, **more: tuple[Any, Any]) -> Any:
    """Return a model with the settings that a training config declares for sweeps, and ``more`` fields (type,
    Field).
    """
    made: dict[str, Any] = dict(more)
    for one in settings_of(config):
        if one.in_config:
            kind = Literal[tuple(one.choices)] if one.choices else one.kind
            low, high = one.within or (None, None)
            value = Field(one.default, ge=low, le=high, description=one.help)
            made[one.name] = (kind | None if one.optional else kind, value)
    order = {name: i for i, name in enumerate(_ORDER.split())}
    keys = sorted(made, key=lambda name: order.get(name, len(order)))
    return create_model("Training", __base__=Strict, **{name: made[name] for name in keys})


def _runs_of_a_job(value: object) -> object:
    if value == "auto" or (type(value) is int and 1 <= value <= 1024):
        return value
    raise ValueError(f"must be auto, or a whole number from 1 to 1024, not {shown(value)}")


_SECTION: Any = section_of(
    TrainConfig,
    ensemble=(
        Annotated[int | Literal["auto"], BeforeValidator(_runs_of_a_job)],
        Field("auto", description=f"runs of one size in a job; auto: 1, on a GPU {SIDE_BY_SIDE} of hidden <= {NARROW}"),
    ),
)


class Training(_SECTION):
    """How every model is trained."""


class Laws(Strict):
    """How the laws are fitted."""

    cells: Literal["scaling", "all"] = Field("scaling", description="cells that enter a fit: see the glossary, regime")
    bootstrap: int = within(limits.BOOTSTRAP, 1000, description="resamples behind each interval")
    level: float = within(
        (limits.LEVEL.lowest, limits.LEVEL.highest), 0.95, description="coverage that an interval claims"
    )


class Presets(Strict):
    """The paper's preset grammars, scored but not trained (its Table 1 and Figure 1)."""

    seeds: int = within(limits.PRESET_SEEDS, 5, description="grammars drawn for each preset")


class SweepConfig(Strict):
    """One sweep: datasets x models x budgets x seeds."""

    sweep: str = Field(description="name of the sweep; results go to results/<sweep>/")
    datasets: dict[str, Dataset] = Field(description="datasets by name: random grammars, grammar files, real corpora")
    models: dict[str, Model] = Field(description="model sizes by name")
    budgets: list[int] = Field(description="training tokens D at which every model is measured")
    seeds: list[int] = Field([0], description="training seeds (initial weights and data order)")
    corpus: CorpusSettings = Field(CorpusSettings(), description="how much of every dataset is made")
    scoring: Scoring = Field(Scoring(), description="how H is measured")
    references: list[Literal["code", "prose"]] = Field(
        [], description="real corpora that are scored beside the datasets: code, prose; default: none"
    )
    presets: Presets | None = Field(
        None, description="score the paper's preset grammars too; default: null, which leaves it out"
    )
    covariates: bool = Field(
        False, description="measure rivals of H of every dataset too: entropies, correlations, zstd; default: false"
    )
    training: Training = Field(Training(), description="how every model is trained")
    laws: Laws = Field(Laws(), description="how the laws are fitted")

    @field_validator("sweep")
    @classmethod
    def _sweep_name(cls, value: Any) -> Any:
        if not NAME.fullmatch(value):
            raise ValueError(f"{value!r} cannot name a folder: use letters, digits, '-' and '_'")
        return value

    @field_validator("datasets", "models")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if not value:
            raise ValueError("is empty: name at least one")
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a file: use letters, digits, '-' and '_'")
        return value

    def files(self) -> dict[str, str]:
        """Return the user's files that the sweep reads, by the keys that name them."""
        from ..corpora.tokenizers import tokenizer_path

        found: dict[str, Any] = {}
        for name, dataset in self.datasets.items():
            found[f"datasets.{name}.grammar_file"] = dataset.grammar_file
            if dataset.imported:
                found[f"datasets.{name}.import.path"] = dataset.imported.path
                found[f"datasets.{name}.import.tokenizer"] = tokenizer_path(dataset.imported.tokenizer)
        return {key: str(file) for key, file in found.items() if file is not None}

    @field_validator("budgets", mode="before")
    @classmethod
    def _as_people_write_them(cls, value: Any) -> Any:
        # YAML takes 1e5 for text, and --budgets of ziplaw train reads 64k
        if not isinstance(value, list):
            return value
        numbers = [read_number(part) if isinstance(part, str) else part for part in value]
        return [part if n is None or n != n or n in (math.inf, -math.inf) else n for part, n in zip(value, numbers)]

    @field_validator("budgets", "seeds")
    @classmethod
    def _distinct(cls, value: Any, info: ValidationInfo) -> Any:
        return distinct(value, limits.BUDGET if info.field_name == "budgets" else limits.TRAINING_SEED)

    @model_validator(mode="after")
    def _fits_together(self):
        step = self.corpus.context * self.batch_documents()
        if self.budgets[0] < step:
            raise ValueError(
                f"budgets: {self.budgets[0]} tokens is less than one step of {step} "
                f"({self.batch_documents()} documents of {self.corpus.context}): raise it"
            )
        settings = self.recipe()
        try:
            plan_budgets(self.budgets, step, settings.cooldown, settings.schedule)
        except TrainError as error:
            raise ValueError(str(error)) from None
        if self.training.precision == "bf16" and "lstm" in self.architectures():
            raise ValueError("training.precision: an lstm computes in fp32, not bf16: leave precision out")
        documents = self.train_documents()
        if documents * self.corpus.context < self.budgets[-1]:
            raise ValueError(
                f"corpus.documents: {documents} documents of {self.corpus.context} tokens are fewer than the "
                f"largest budget of {self.budgets[-1]} tokens: raise it or leave it out"
            )
        clash = {"code", "prose"} & set(self.references) & set(self.datasets)
        if clash:
            raise ValueError(f"datasets: {sorted(clash)[0]!r} is also a reference: rename the dataset")
        return self

    def seeds_of(self, dataset: str) -> list[int]:
        """Return the training seeds of a dataset: its own, or the sweep's."""
        return self.datasets[dataset].seeds or self.seeds

    def all_seeds(self) -> list[int]:
        """Return every training seed of the sweep."""
        return sorted({seed for dataset in self.datasets for seed in self.seeds_of(dataset)})

    def architectures(self) -> list[str]:
        """Return the names of the models' architectures; laws are fitted to one at a time."""
        return sorted({model.architecture for model in self.models.values()})

    def batch_documents(self) -> int:
        """Return the number of documents in a training step."""
        return self.recipe().batch_documents

    def side_by_side(self, model: str, gpu: bool) -> int:
        """Return how many runs of a model one job trains side by side, where it has a GPU or not."""
        asked, shape = self.training.ensemble, self.models[model]
        if asked != "auto":
            return asked
        return SIDE_BY_SIDE if gpu and shape.architecture == "llama" and shape.hidden <= NARROW else 1

    def recipe(self) -> TrainConfig:
        """Return the training settings of every run, as the trainer resolves them; the seed is one of several."""
        settings = self.training.model_dump(exclude={"ensemble"})
        return TrainConfig(self.budgets, seed=self.all_seeds()[-1], **settings).resolved()

    def train_documents(self) -> int:
        """Return the number of training documents of every generated dataset."""
        batch = self.batch_documents()
        return self.corpus.documents or -(-self.budgets[-1] // (self.corpus.context * batch)) * batch


def parse_config(raw: Any, where: str = "config") -> SweepConfig:
    """Check a parsed sweep's config and return it typed, see `typed`."""
    return typed(SweepConfig, raw, where)


def typed(model: type[Typed], raw: Any, where: str) -> Typed:
    """Check a parsed config and return it as its model.

    Parameters
    ----------
    model : type
        What it is a config of.
    raw : dict
        The content of the YAML file.
    where : str
        Its name, for the message.

    Raises
    ------
    ConfigError
        One line that names the key, what is wrong with it and, for an unknown key, the nearest known one.
    """
    if not isinstance(raw, dict):
        raise ConfigError(f"{where} holds {type(raw).__name__}, not keys and values: see config/README.md")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{where}: " + "; ".join(_explain(model, item) for item in error.errors()[:3])) from None


def _explain(whole: type[BaseModel], item: Mapping[str, Any]) -> str:
    import difflib

    key = ".".join(str(part) for part in item["loc"]) or "the config"
    *place, name = item["loc"] or [""]
    if item["type"] == "extra_forbidden":
        known = _keys(_model_at(whole, place))
        near = difflib.get_close_matches(str(name), sorted(known), 1)
        if near:
            return f"unknown key {key} (did you mean {near[0]}?)"
        fields = sorted(whole.model_fields.items(), key=lambda pair: get_origin(pair[1].annotation) is dict)
        # a section before what a name of the user's stands between
        sections = [part for part, field in fields if name in _keys(_inner(field.annotation))]
        return f"unknown key {key}: " + (f"it belongs under {sections[0]}" if sections else "remove it")
    if item["type"] == "missing":
        return f"{key} is missing: {_keys(_model_at(whole, place))[name].description}"
    if item["type"] in ("greater_than_equal", "less_than_equal"):
        bounds = {type(bound).__name__: bound for bound in _keys(_model_at(whole, place))[name].metadata}
        ends = [f"{end} {getattr(bounds[kind], kind.lower()):g}" for kind, end in ENDS.items() if kind in bounds]
        return f"{key} must be {' and '.join(ends)}, not {shown(item['input'])}"
    if name == "[key]":
        return f"{'.'.join(map(str, place))}: a name must be text: put it in quotes"
    if item["type"] in SHAPES:
        return f"{key} must {SHAPES[item['type']]}, not {shown(item['input'])}"
    if item["type"].startswith("int"):
        return f"{key} must be a whole number, not {shown(item['input'])}"
    message = item["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if item["type"] == "value_error" else f", not {shown(item['input'])}")


def _keys(model: type[BaseModel] | None) -> dict[str, Any]:
    """The fields of a model by the names they have in a config."""
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model in a field's type: of ``Presets | None`` Presets, of ``dict[str, Dataset]`` Dataset; None without
    one.
    """
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _model_at(whole: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel] | None:
    """The model whose keys stand at a place of a config; the names of datasets and models are stepped over."""
    model: type[BaseModel] | None = whole
    parts = iter(place)
    for part in parts:
        annotation = _keys(model)[str(part)].annotation
        if get_origin(annotation) is dict:
            next(parts, None)
        model = _inner(annotation)
    return model


class _Unique(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error: the first of two datasets of one name would be lost."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise ConfigError(
                f"line {node.start_mark.line + 1}: the key {twice} is given twice: keep one, or rename it"
            )
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> Any:
    """Read a config file as it stands, unchecked but for keys that are given twice.

    Raises
    ------
    ConfigError
        When it is not valid YAML.
    """
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _Unique)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}") from None


def load_config(path: str | Path) -> SweepConfig:
    """Read and check a config file."""
    return parse_config(read_yaml(path), str(path))


def json_schema(model: type[BaseModel] = SweepConfig) -> dict[str, Any]:
    """Return the JSON schema of a config (what editors use to complete and check YAML)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}


def commented_yaml(config: BaseModel, header: str) -> str:
    """Write a config as YAML with every key explained by its description.

    Parameters
    ----------
    config : SweepConfig, or another model
        What to write; keys at their defaults are written too, so that the file shows all there is.
    header : str
        Prose for the top of the file.
    """
    lines = ["# " + line for line in textwrap.wrap(header, 118)]
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        lines += ["", f"# {field.description}"]
        if isinstance(value, BaseModel):
            lines.append(f"{name}:")
            fields = type(value).model_fields
            body = [f"  {key}: {_flow(getattr(value, key))}" for key in fields]
            width = max(map(len, body))
            lines += [f"{text:<{width}}  # {f.description}" for text, f in zip(body, fields.values())]
        elif isinstance(value, dict):
            lines.append(f"{name}:")
            lines += [f"  {key}: {_flow(item)}" for key, item in value.items()]
        else:
            lines.append(f"{name}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True)
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).strip()
    return text.removesuffix("\n...").strip()
