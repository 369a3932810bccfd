"""Is a folder what a config asks for: every file, and runs, corpora, grammars and scores made as it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import shown
from ..sweep.config import SweepConfig
from .finding import Finding
from .layout import asked_for, kind_of
from .wholeness import Folder


def asked(of: Folder, config: SweepConfig) -> Iterator[Finding]:
    """Yield what a sweep's config asks for and is not there, what is there otherwise, and what it does not ask for."""
    wanted = asked_for(config)
    yield from (Finding(path, "missing", "the config asks for it") for path in sorted(wanted - set(of.files)))
    for path in of.files:
        if path not in wanted and kind_of(path) is not None:
            yield Finding(path, "foreign", "the config does not ask for it")
    for path in sorted(wanted & of.documents.keys()):
        place, _, name = path.partition("/")
        settings = {"grammars": _grammar, "corpora": _corpus, "scores": _score, "runs": _run}.get(place)
        for key, there, here in settings(config, name, of.documents[path]) if settings else ():
            if there != here:
                yield Finding(path, "differs", f"{key} is {shown(there)}, the config says {shown(here)}")


Settings = Iterator[tuple[str, Any, Any]]


def _grammar(config: SweepConfig, name: str, document: Mapping[str, Any]) -> Settings:
    shape = config.datasets[name.removesuffix(".json")].grammar
    there = document.get("provenance") or {}
    for key, value in shape.model_dump().items() if shape else ():
        yield key, there.get(key), value


def _corpus(config: SweepConfig, name: str, meta: Mapping[str, Any]) -> Settings:
    yield "context", meta.get("context"), config.corpus.context
    yield "n_valid", meta.get("n_valid"), config.corpus.valid_documents
    yield "n_train", meta.get("n_train"), config.train_documents()
    yield "seed", (meta.get("source") or {}).get("seed"), config.corpus.seed


def _score(config: SweepConfig, name: str, score: Mapping[str, Any]) -> Settings:
    yield "window", score.get("window"), config.scoring.window


def _run(config: SweepConfig, name: str, run: Mapping[str, Any]) -> Settings:
    model, recipe = config.models[name.split("/")[1]], config.recipe()
    for key in ("hidden", "layers"):
        yield key, run["model"].get(key), getattr(model, key)
    yield "architecture", run["model"].get("architecture", "llama"), model.architecture
    if model.heads is not None:
        yield "heads", run["model"].get("heads"), model.heads
    yield "arm", run.get("arm"), recipe.arm
    wanted = recipe.record() | {"budgets": list(recipe.budgets)}
    for key, value in wanted.items():
        if not (key == "learning_rate" and value is None):  # found by a search of its own
            yield key, run["training"].get(key), value
