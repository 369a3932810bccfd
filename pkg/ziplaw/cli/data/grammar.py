"""``ziplaw grammar``: make a random grammar, read one, show what is known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...base.outputs import by_kind
from ...errors import shown
from ..options import json_option, threads_option
from ..printing import print_json, print_table, say_written
from ..verb import OutputFile, Verbs

if TYPE_CHECKING:
    from ...grammars.grammar import Grammar


@click.group(name="grammar", cls=Verbs)
def command() -> None:
    """Make a random grammar, or show one with its criticality, entropy and floor."""


@command.command()
@click.option("--nonterminals", type=int, help="Number of nonterminals.")
@click.option("--terminals", type=int, help="Number of terminals; ids 1..n, 0 is the separator.")
@click.option("--rhs-options", type=int, help="Each nonterminal gets 1..this many productions.")
@click.option("--rhs-length", type=int, help="Each production has 1..this many symbols.")
@click.option("--preset", help="Take the shape of a preset (see `ziplaw presets --list`) instead.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the grammar.")
@click.option(
    "--supercritical",
    type=click.Choice(["redraw", "truncate"]),
    help="Redraw until sentences are finite on average, or accept endless ones as long as tokens keep coming "
    "[default: the preset's choice, else redraw].",
)
@click.option("-o", "--output", type=OutputFile(by_kind("grammar")), required=True, help="The grammar file to write.")
def new(
    nonterminals: int | None,
    terminals: int | None,
    rhs_options: int | None,
    rhs_length: int | None,
    preset: str | None,
    seed: int,
    supercritical: str | None,
    output: str,
) -> None:
    """Draw a random grammar and write it as JSON.

    \b
      ziplaw grammar new --nonterminals 10 --terminals 150 --rhs-options 5 --rhs-length 3 -o grammar.json
      ziplaw grammar new --preset main-2 -o grammar.json
    """  # noqa: D301
    from ...errors import ZiplawError
    from ...grammars.presets import PRESETS
    from ...grammars.random_grammars import random_grammar

    shape = (nonterminals, terminals, rhs_options, rhs_length)
    if preset is not None:
        if any(value is not None for value in shape):
            raise ZiplawError("--preset gives the whole shape: leave the other shape options out")
        if preset not in PRESETS:
            raise ZiplawError(f"there is no preset {preset!r}: choose from {', '.join(PRESETS)}")
        shape = PRESETS[preset]["shape"]
        supercritical = supercritical or PRESETS[preset]["supercritical"]
    elif None in shape:
        raise ZiplawError(
            "the shape is incomplete: give --nonterminals, --terminals, --rhs-options and --rhs-length, or --preset"
        )
    grammar = random_grammar(*shape, seed=seed, supercritical=supercritical or "redraw")  # type: ignore[misc]
    grammar.save(output)
    _say(output, grammar)


@command.command()
@click.argument("grammar_file", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", type=OutputFile(by_kind("grammar")), required=True, help="The grammar file to write.")
def convert(grammar_file: str, output: str) -> None:
    """Check a grammar written by hand (NLTK text or JSON) and write it as JSON.

    Terminals are token ids ('7') or words ('the'); words get the ids 1, 2, ... in order of appearance.

    \b
      ziplaw grammar convert words.cfg -o words.json
    """  # noqa: D301
    from ...grammars.grammar import Grammar

    grammar = Grammar.load(grammar_file)
    grammar.save(output)
    _say(output, grammar)


def _say(output: str, grammar: Grammar) -> None:
    size = (
        f"{grammar.n_nonterminals} nonterminals, {grammar.n_terminals} terminals, "
        f"{len(grammar.productions)} productions"
    )
    say_written(output, size)
    _say_words(grammar)


def _say_words(grammar: Grammar, err: bool = False) -> None:
    """Say which id stands for which word, where a grammar was written with words."""
    words = grammar.provenance.get("words")
    if isinstance(words, list) and words:
        some = ", ".join(f"{number} = {shown(word)}" for number, word in enumerate(words[:20], start=1))
        more = f", ... ({len(words)} in all: provenance.words of the JSON)" if len(words) > 20 else ""
        click.echo(f"ids of the words: {some}{more}", err=err)


@command.command()
@click.argument("grammar_file", type=click.Path(exists=True, dir_okay=False))
@click.option("--nltk", is_flag=True, help="Print the grammar in NLTK's text form instead.")
@click.option("--floor", "with_floor", is_flag=True, help="Also compute the exact floor.")
@click.option("--documents", type=click.IntRange(2), default=1000, show_default=True, help="Documents for the floor.")
@click.option("--context", type=click.IntRange(1), default=256, show_default=True, help="Tokens per document.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the floor's documents.")
@threads_option
@json_option
def show(
    grammar_file: str,
    nltk: bool,
    with_floor: bool,
    documents: int,
    context: int,
    seed: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Show a grammar's size, criticality, expected sentence length and entropy, and its words if it has any.

    \b
      ziplaw grammar show grammar.json --floor
    """  # noqa: D301
    from ...grammars.grammar import Grammar

    grammar = Grammar.load(grammar_file)
    if nltk:
        click.echo(grammar.to_text(), nl=False)
        _say_words(grammar, err=True)
        return
    critical = grammar.criticality()
    facts = {
        "nonterminals": grammar.n_nonterminals,
        "terminals": grammar.n_terminals,
        "vocab_size": grammar.vocab_size,
        "productions": len(grammar.productions),
        "symbols": sum(len(rule.rhs) for rule in grammar.productions),
        "rho_m": critical.rho_m,
        "rho_lc": critical.rho_lc,
        "expected_sentence_length": grammar.expected_sentence_length(),
        "entropy_rate": grammar.entropy_rate(),
    }
    if with_floor:
        from ...corpora.sampled import floor_samples
        from ...grammars.floor import floor

        found = floor(grammar, floor_samples(grammar, documents, context, seed, threads), threads=threads)
        facts |= {"floor": found.nats_per_token, "floor_stderr": found.stderr, "floor_documents": documents}
    if as_json:
        print_json({**facts, "provenance": grammar.provenance})
        return
    notes = {
        "rho_m": "spectral radius of expected nonterminals per rewrite; sentences are finite on average below 1",
        "rho_lc": "spectral radius of the left corners; documents can be sampled below 1",
        "expected_sentence_length": "terminals",
        "entropy_rate": "nats per token, derivations of endless text, closed form",
        "floor": f"nats per token, exact, documents of {context} tokens",
        "floor_stderr": "nats per token",
    }
    print_table([{"": name, "value": value, "note": notes.get(name, "")} for name, value in facts.items()])
    _say_words(grammar)
