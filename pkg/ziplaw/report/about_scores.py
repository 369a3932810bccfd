"""What a report says of H: whose may be compared, where real text and the paper's grammars stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..laws.dependence.measure_of_H import SAME_H
from ..sweep.folder import REFERENCES, TWIN, Sweep, finite
from .sentences import count, groups_of, sentence, span

FEW_SOURCES = 20
CUT = ("window", "encoding", "level")
BUILTIN = {"code": "the standard library of Python", "prose": "the King James Bible"}


def references(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Scores of the built-in real corpora, by name; not those of datasets."""
    return {name: score for name, score in sweep.scores.items() if name not in sweep.datasets}


def _alike(scores: list[dict[str, Any]], keys: Iterable[str]) -> bool:
    """Tell whether scores agree in what H depends on, and all say it."""
    return all(len({score.get(key) for score in scores}) == 1 and scores[0].get(key) is not None for key in keys)


def _how(score: dict[str, Any]) -> str:
    """How a score was made, in words."""
    tokens = f"tokenizer {score['tokenizer']}" if score.get("tokenizer") else "ids as they are"
    return (
        f"{tokens}, windows of {score.get('window')}, ids as {score.get('encoding')}, gzip level {score.get('level')}"
    )


def _pair(sweep: Sweep) -> list[dict[str, Any]] | None:
    found = references(sweep)
    pair = [found[name] for name in REFERENCES if name in found and finite(found[name].get("H"))]
    return pair if len(pair) == len(REFERENCES) else None


def _pair_alike(pair: list[dict[str, Any]]) -> bool:
    # a tokenizer of a file is told apart by its checksum
    tokens = [score.get("tokenizer_sha256") for score in pair]
    return _alike(pair, ("tokenizer", *CUT)) and len(set(tokens)) == 1


def _overlap(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether the intervals of two scores' H over their sources overlap; where one has none, equal H do."""
    ends = [score.get("H_interval") or [score["H"], score["H"]] for score in (first, second)]
    return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]


@sentence("carries")
def _real_text_in_order(sweep: Sweep) -> str | None:
    pair = _pair(sweep)
    if not pair or not _pair_alike(pair) or _overlap(*pair):
        return None
    code, prose = (score["H"] for score in pair)
    order = "more" if code < prose else "less"
    return f"Real code (H {code:.3f}) is {order} compressible than prose (H {prose:.3f}), tokenised and cut alike."


@sentence("carries")
def _real_text_beside_datasets(sweep: Sweep) -> str | None:
    found = list(references(sweep).values())
    own = [sweep.scores[name] for name in sweep.datasets if name in sweep.scores]
    if not found or not own or not _alike([*found, *own], CUT):
        return None
    return (
        f"The H of real text and of the datasets is measured alike (windows of {found[0]['window']} tokens, encoding, "
        "gzip level), but of different kinds of tokens, on which H depends."
    )


@sentence("does not carry")
def _real_text_scored_differently(sweep: Sweep) -> str | None:
    pair = _pair(sweep)
    if not pair or _pair_alike(pair):
        return None
    return (
        f"That real code is more or less compressible than prose: they were scored differently (code: {_how(pair[0])}; "
        f"prose: {_how(pair[1])})."
    )


@sentence("does not carry")
def _real_text_not_told_apart(sweep: Sweep) -> str | None:
    pair = _pair(sweep)
    if not pair or not _pair_alike(pair) or not _overlap(*pair):
        return None
    return (
        f"That real code (H {pair[0]['H']:.3f}) is more or less compressible than prose (H {pair[1]['H']:.3f}): the "
        "intervals over their sources overlap."
    )


@sentence("does not carry")
def _order_of_datasets(sweep: Sweep) -> str | None:
    scores = {name: sweep.scores[name] for name in sweep.datasets if name in sweep.scores}
    known = [name for name in scores if scores[name].get("H_interval")]
    pairs = [(a, b) for i, a in enumerate(known) for b in known[i + 1 :] if _overlap(scores[a], scores[b])]
    if not pairs:
        return None
    words = ", ".join(f"{a} and {b}" for a, b in pairs[:6]) + (f" and {len(pairs) - 6} more" if len(pairs) > 6 else "")
    return (
        f"An order by H of these pairs, whose intervals of H over sources overlap: {words}. Tests and laws in H take "
        "each H as exactly known."
    )


@sentence("does not carry")
def _level_of_few_sources(sweep: Sweep) -> str | None:
    few = {}
    for name in sweep.datasets:
        sources = next((row.get("valid_sources") for row in sweep.of(name)), None)
        if not sweep.has_floor(name) and finite(sources) and sources < FEW_SOURCES:
            few[name] = sources
    if not few:
        return None
    named = ", ".join(f"{name} ({count(int(n), 'source')})" for name, n in few.items())
    return (
        f"The level of the losses, and so E, beyond the text at hand: few sources are held out of {named}. Their error "
        "is common to all runs of a dataset."
    )


@sentence("does not carry")
def _datasets_scored_differently(sweep: Sweep) -> str | None:
    scores = {name: sweep.scores[name] for name in sweep.datasets if name in sweep.scores}
    ways: dict[str, list[str]] = {}
    for name, score in scores.items():
        ways.setdefault(_how(score), []).append(name)
    if len(ways) < 2:
        return None
    return f"A comparison of H between these datasets, which were scored differently: {groups_of(ways)}."


@sentence("does not carry")
def _real_text_not_beside_datasets(sweep: Sweep) -> str | None:
    found = list(references(sweep).values())
    own = [sweep.scores[name] for name in sweep.datasets if name in sweep.scores]
    if not found or not own or _alike([*found, *own], CUT):
        return None
    return "A comparison of H between real text and the datasets: windows, encoding or gzip level differ."


def _presets_off(sweep: Sweep) -> dict[str, float]:
    """How far our mean H is off the paper's, by preset."""
    rows = [r for r in sweep.table("presets.csv") if finite(r.get("paper_H")) and finite(r.get("H_mean"))]
    return {row["preset"]: row["H_mean"] - row["paper_H"] for row in rows}


@sentence("carries")
def _presets_reproduced(sweep: Sweep) -> str | None:
    off = _presets_off(sweep)
    if not off or max(map(abs, off.values())) > SAME_H:
        return None
    return (
        f"The paper's H is reproduced: over {count(len(off), 'preset grammar')} ours differs from the paper's by "
        f"{max(map(abs, off.values())):.3f} at most."
    )


@sentence("does not carry")
def _presets_not_reproduced(sweep: Sweep) -> str | None:
    far = {name: off for name, off in _presets_off(sweep).items() if abs(off) > SAME_H}
    if not far:
        return None
    return (
        f"That the paper's H is reproduced: for {', '.join(far)} ours differs by more than {SAME_H}, by "
        f"{max(map(abs, far.values())):.3f} at most."
    )


@sentence("references")
def _what_the_references_are(sweep: Sweep) -> str | None:
    names = [name for name in references(sweep) if not name.endswith(TWIN)]
    if not names:
        return None
    trained = [
        n for n, source in sweep.sources.items() if source.get("kind") == "builtin" and source.get("name") in names
    ]
    corpora = "; ".join(f"{name}: {BUILTIN.get(name, 'a real corpus')}" for name in names)
    also = f"; {', '.join(trained)} of this sweep comes from one of them" if trained else ", and not trained on"
    return f"Real corpora that every machine can have, scored here as references{also} ({corpora})."


@sentence("references")
def _why_raw_bytes_too(sweep: Sweep) -> str | None:
    if not any(name.endswith(TWIN) for name in references(sweep)):
        return None
    return "H depends on how text is tokenised, so the same text as raw bytes stands beside it."


@sentence("references")
def _no_references(sweep: Sweep) -> str | None:
    return None if references(sweep) else "No real corpus was scored beside the datasets of this sweep."


@sentence("preset seeds")
def _seeds_of_presets(sweep: Sweep) -> str | None:
    rows = sweep.table("presets.csv")
    seeds = sorted({sum(r["preset"] == name for r in rows) for name in {r["preset"] for r in rows}})
    return f"Each preset grammar was drawn with {span(seeds[0], seeds[-1])} seeds." if rows and seeds[-1] > 1 else None
