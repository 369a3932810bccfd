"""Everything that is measured of one corpus beside H: tokens in, a row of covariates and what stands behind it out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...base.limits import SAMPLES, WINDOW
from ...errors import CorpusError, integer
from ..compress import MAX_ID, chosen_windows
from ..passages import Thinned
from ..readers import Source, TextSource
from ..tokenizers import BUNDLED, Tokenizer, load_tokenizer
from .block_entropies import GROUPS, Tokens, block_entropies
from .decays import correlation_decay, entropy_decay, predicted_exponent
from .lagged_correlations import lagged_correlations
from .other_ratios import ratios, zstd_ratios

# tokens measured of a corpus, by default those of the largest budget of the default sweep
MOST_TOKENS = 1 << 21
TOKENS = (1 << 12, 1 << 28)
ORDERS = 5
_LEAST_ROWS = 2 * GROUPS
_BYTES_PER_TOKEN = 8  # of text that is read for a token, more than any tokenizer here needs


def measure_source(
    source: Source,
    tokenizer: str | Tokenizer = BUNDLED,
    window: int = 256,
    samples: int = 1000,
    tokens: int = MOST_TOKENS,
    *,
    zstd: bool = True,
    threads: int | None = None,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Measure what may rival H: entropies of short blocks, correlations at a distance, other ratios of compression.

    Parameters
    ----------
    source : Source
        As `readers.open_source` opens it.
    tokenizer : str or Tokenizer
        For text.
    window, samples : int
        As of H: tokens in a row, within which blocks and pairs lie, and windows compressed.
    tokens : int
        At most so many are measured, of a grammar's corpus the first, else evenly spaced rows; memory is some 100
        bytes for each.
    zstd : bool
        Measure zstd's ratios too, which hang on the library's version.
    threads : int, optional
        All usable cores by default; for the sizes by gzip.
    dataset : str, optional
        Name in the result; by default the source's.

    Returns
    -------
    dict
        An entry of ``datasets`` of a file of covariates, docs/formats.md; ``covariates`` is its row of the table.

    Raises
    ------
    CorpusError
        When an id is out of range, or there are fewer than 16 windows.
    """
    integer("window", window, max(WINDOW[0], ORDERS + 1), WINDOW[1], "256 is the paper's")
    integer("samples", samples, *SAMPLES, "1000 is the paper's")
    integer("tokens", tokens, *TOKENS, f"{MOST_TOKENS} is the default")
    name = dataset or source.name.rstrip("/")
    stream = _tokens_of(source, tokenizer, tokens)
    rows = _rows_of(stream, window, tokens, name, not isinstance(source, TextSource) and source.draws)
    blocks, correlations = block_entropies(rows, ORDERS), lagged_correlations(rows)
    gamma, beta = entropy_decay(blocks.conditional), correlation_decay(correlations)
    decays = {"gamma": gamma, "beta": beta, "alpha_D": predicted_exponent(gamma, beta)}
    covariates: dict[str, float | None] = {"bigram_information": blocks.information.value}
    covariates |= {f"conditional_entropy_{n}": blocks.conditional[n - 1].value for n in (1, 2, 3)}
    covariates |= ratios(rows, stream.reshape(-1), samples, threads)
    measured, version = zstd_ratios(rows, samples) if zstd else ({"zstd": None, "zstd_whole": None}, None)
    covariates |= measured
    covariates |= {key: one.exponent if one.reason is None else None for key, one in decays.items()}
    covariates["entropy_decay"] = decays["alpha_D"].exponent
    return {
        "dataset": name,
        "covariates": covariates,
        "tokens": rows.size,
        "rows": list(rows.shape),
        "samples": min(samples, len(rows)),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "zstd_version": version,
        "entropies": [
            {"order": n, "H_n": one.value, "stderr": one.stderr, "bias": one.bias, "coverage": one.coverage}
            for n, one in enumerate(blocks.conditional, start=1)
        ],
        "bigram_information_stderr": blocks.information.stderr,
        "bigram_information_bias": blocks.information.bias,
        "correlations": [{"lag": one.lag, "size": one.size, "stderr": one.stderr} for one in correlations],
        "decays": {key: one.to_dict() for key, one in decays.items()},
        "source": source.provenance,
    }


def covariate_rows(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of covariates.csv of what `measure_source` gave."""
    return [{"dataset": one["dataset"], **one["covariates"]} for one in measured]


def _tokens_of(source: Source, tokenizer: str | Tokenizer, most: int) -> Tokens:
    if not isinstance(source, TextSource):
        return source.tokens
    tokenizer = load_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
    # evenly spaced blocks of a longer text, joined end to end
    thinned = Thinned(_BYTES_PER_TOKEN * most)
    for place, piece in source.pieces():
        thinned.add(place, piece)
    ids = tokenizer.encode([piece for _, piece in thinned.kept])
    return np.concatenate(ids) if ids else np.empty(0, np.uint32)


def _rows_of(stream: Tokens, window: int, most: int, name: str, first: bool) -> Tokens:
    """Windows (n, window) of documents (m, width) or of a stream, none across the end of a document."""
    documents = stream.reshape(1, -1) if stream.ndim == 1 else stream
    per_document = documents.shape[1] // window
    n = len(documents) * per_document
    if n < _LEAST_ROWS:
        raise CorpusError(
            f"{name} has {n} windows of {window} tokens, {_LEAST_ROWS} are needed: give more text or a shorter --window"
        )
    chosen = chosen_windows(n, max(_LEAST_ROWS, most // window), first=first)
    # row by row: a memory-mapped corpus is read only where it is sampled
    rows = np.stack([documents[i // per_document, i % per_document * window :][:window] for i in chosen])
    low, high = int(rows.min()), int(rows.max())
    if low < 0 or high > MAX_ID:
        raise CorpusError(f"{name} holds id {low if low < 0 else high}, ids must be from 0 to {MAX_ID}: renumber them")
    return rows
