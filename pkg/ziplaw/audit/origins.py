"""Was each file made from those that lie there: the checksums that it has of what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import versions
from ..base.checksums import SUFFIX
from .finding import Finding
from .wholeness import Folder


def origins(of: Folder) -> Iterator[Finding]:
    """Yield what was made from other files than those in the folder, or under another version of its stage."""
    for record, found in of.records.items():
        others = [name for name, sha in found.read.items() if of.sha256(of.beside(record, name)) not in (None, sha)]
        if others:
            yield Finding(record.removesuffix(SUFFIX), "outdated", f"made from another {_some(others)} than lies there")
    for path, document in of.documents.items():
        place = path.partition("/")[0]
        if place == "corpora":
            yield from _corpus(of, path, document)
        elif place in ("scores", "floors"):
            yield from _measured(of, path, document, place)
        elif place == "runs":
            yield from _run(of, path, document)
        elif path in ("plan.json", "provenance.json"):
            read = document.get("inputs") or document.get("files") or {}
            if others := [one for one, sha in read.items() if of.sha256(one) not in (None, sha)]:
                yield Finding(path, "outdated", f"made from another {_some(others)} than lies there")


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _corpus(of: Folder, path: str, meta: dict[str, Any]) -> Iterator[Finding]:
    grammar = f"grammars/{path.split('/')[1]}.json"
    made_from = (meta.get("source") or {}).get("grammar_sha256")
    if made_from and of.sha256(grammar) not in (None, made_from):
        yield Finding(path, "differs", f"sampled from another grammar than {grammar}")


def _measured(of: Folder, path: str, document: dict[str, Any], place: str) -> Iterator[Finding]:
    name = path.removesuffix(".json").partition("/")[2]
    meta = of.documents.get(f"corpora/{name}/meta.json")
    source = document.get("source") or {}
    if place == "scores" and meta and source.get("kind") == "corpus":
        if source.get("sha256_train") != meta.get("sha256_train"):
            yield Finding(path, "outdated", f"the score of another corpus than corpora/{name}")
    elif place == "floors" and of.sha256(f"grammars/{name}.json") not in (None, document.get("grammar_sha256")):
        yield Finding(path, "outdated", f"the floor of another grammar than grammars/{name}.json")


def _run(of: Folder, path: str, run: dict[str, Any]) -> Iterator[Finding]:
    _, name, _, seed, _ = path.split("/")
    meta = of.documents.get(f"corpora/{name}/meta.json")
    if meta and run.get("corpus_sha256") != meta.get("sha256_train"):
        yield Finding(path, "differs", f"trained on another corpus than corpora/{name}")
    if seed != f"s{run.get('seed')}":
        yield Finding(path, "differs", f"trained with seed {run.get('seed')}, its folder says {seed}")
    version = (run.get("versions") or {}).get("ziplaw_trainer")
    if version != versions.TRAINER:
        yield Finding(path, "differs", f"trained by version {version} of TRAINER, this is {versions.TRAINER}")
