"""Which text is held out: whole sources in the order of their hash, and windows spread evenly over their text.

A *source* is a document, or with ``by="file"`` a file with all its documents. A document that with its separator is
longer than 1/256 of the text (and than a section) counts as several: sections of SECTION_WINDOWS windows at most.
Every source is as likely to be held out as any other, and the windows stand at even steps over the text of those that
are; so every stretch of text is as likely to be measured as any other, and a source is in proportion to its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .packing import Documents

SECTION_WINDOWS = 16
_LARGEST_SHARE = 256
# of the sources, one in so many is held out unless there are as many as windows
_SHARE = 10
# but no fewer than FEW while those are at most one in three: a standard error over fewer says little
_FEW, _FEW_SHARE = 8, 3
# held-out text for each window: with twice the text, windows at even steps never overlap
_ROOM = 2


@dataclass(frozen=True)
class Units:
    """Stretches of a spool that are held out or trained on as a whole: documents, or sections of long ones.

    Attributes
    ----------
    starts, lengths : ndarray of int64, shape (k,)
        Where their tokens stand in the spool.
    digests : ndarray of uint64, shape (k,)
        Equal for equal content.
    sources : ndarray of int64, shape (k,)
        Number of the source of each, in the order of the sources' hashes.
    section, cut : ndarray of bool, shape (k,)
        It is a section or stretch of a longer document; it is a section that ends within it.
    """

    starts: np.ndarray
    lengths: np.ndarray
    digests: np.ndarray
    sources: np.ndarray
    section: np.ndarray
    cut: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, chosen: np.ndarray) -> Units:
        """Return some of the units, by index or mask."""
        return Units(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _mixed(x: np.ndarray) -> np.ndarray:
    """Finaliser of SplitMix64: a permutation of the 64-bit integers without structure."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def cut_units(documents: Documents, by: str, context: int) -> Units:
    """Cut the documents of a spool into units and number their sources in the order of a hash of their content.

    Parameters
    ----------
    documents : Documents
    by : str
        "document" or "file".
    context : int
        Tokens in a window.
    """
    lengths = documents.lengths
    sections = np.ones(len(lengths), np.int64)
    if by == "document":
        longest = max(SECTION_WINDOWS * context, int(lengths.sum()) // _LARGEST_SHARE)
        long = lengths > longest
        sections[long] = -(-lengths[long] // (SECTION_WINDOWS * context))
    document = np.repeat(np.arange(len(lengths)), sections)
    number = np.arange(len(document)) - np.repeat(np.cumsum(sections) - sections, sections)
    begin = lengths[document] * number // sections[document]
    end = lengths[document] * (number + 1) // sections[document]
    digests = documents.digests[document]
    digests = np.where(number > 0, _mixed(digests + number.astype(np.uint64)), digests)
    keys = digests
    if by == "file":
        # of the set of a file's documents, so that equal files have equal keys
        files = documents.files
        keys = _mixed(np.add.reduceat(_mixed(digests), np.flatnonzero(np.diff(files, prepend=-1))))[files]
    return Units(
        documents.starts[document] + begin,
        end - begin,
        digests,
        np.unique(keys, return_inverse=True)[1],
        (sections[document] > 1) | documents.passages[document],
        number + 1 < sections[document],
    )


def first_copies(digests: np.ndarray) -> np.ndarray:
    """Return a mask of the first of every group of equal digests, bool, shape (k,)."""
    mask = np.zeros(len(digests), bool)
    mask[np.unique(digests, return_index=True)[1]] = True
    return mask


def measurable(units: Units, context: int) -> np.ndarray:
    """Return the tokens of each unit that windows may take, int64, shape (k,).

    None of a second copy; a section's ends, one window long, touch other units and are not measured.
    """
    lengths = np.where(units.section, np.maximum(units.lengths - 2 * context, 0), units.lengths)
    return np.where(first_copies(units.digests), lengths, 0)


def text_needed(n_windows: int, context: int, gap: int) -> int:
    """Return how many measurable tokens the held-out windows need; ``gap`` is 0 for rows that are windows already."""
    # what is left of the short sources once they are joined is less than a window
    return n_windows * context * (_ROOM if gap else 1) + gap * context


def hold_out(units: Units, n_windows: int, context: int, gap: int) -> np.ndarray:
    """Return a mask of the units whose sources are held out, bool, shape (k,).

    The first sources in the order of their hash: one in ten of them, or eight if those are at most one in three, or as
    many as there are windows if that is fewer; and more where those have too little text for the windows.
    """
    have = np.cumsum(np.bincount(units.sources, measurable(units, context)))
    fewest = min(n_windows, max(-(-len(have) // _SHARE), min(_FEW, len(have) // _FEW_SHARE)))
    enough = int(np.searchsorted(have, text_needed(n_windows, context, gap))) + 1
    return units.sources < max(fewest, enough)


@dataclass(frozen=True)
class Windows:
    """Held-out windows and how to read them.

    Attributes
    ----------
    starts : ndarray of int64, shape (n,)
        Place of each in the stream that the runs make end to end.
    sources : ndarray of int64, shape (n,)
        Number, from 0, of the source of each: windows of different sources share no text.
    run_starts, run_lengths : ndarray of int64, shape (k,)
        The runs, stretches of the spool.
    """

    starts: np.ndarray
    sources: np.ndarray
    run_starts: np.ndarray
    run_lengths: np.ndarray


def place_windows(held: Units, n_windows: int, context: int, seed: int) -> Windows:
    """Place windows at even steps over the text of the held-out units, each inside one source.

    Sources shorter than a window are joined until they fill one, and then count as one source. Each window stands
    around its point, moved inside its source where it would stick out.

    Parameters
    ----------
    held : Units
        With as much text as `text_needed` says.
    n_windows : int
        Windows wanted.
    context : int
        Tokens in a window.
    seed : int
        Decides the first point.
    """
    lengths = measurable(held, context)
    use = lengths > 0
    held, lengths = held.take(use), lengths[use]
    runs = held.starts + np.where(held.section, context, 0)
    size = np.bincount(held.sources, lengths).astype(np.int64)
    # sources of a window or more come first, then the short ones, which can be joined as they now stand side by side
    order = np.lexsort((np.arange(len(held)), held.sources, size[held.sources] < context))
    runs, lengths, sources = runs[order], lengths[order], held.sources[order]
    size = size[sources[np.flatnonzero(np.diff(sources, prepend=-1))]]
    ends = np.cumsum(size)
    whole = np.ones(len(size), bool)
    filled = 0
    for i in np.flatnonzero(size < context).tolist():
        filled += int(size[i])
        whole[i] = filled >= context
        filled = 0 if whole[i] else filled
    ends = ends[whole]
    begins = np.concatenate([[0], ends[:-1]])
    points = (
        (np.arange(n_windows) + _mixed(np.array([seed], np.uint64))[0] / 2.0**64) * (ends[-1] / n_windows)
    ).astype(np.int64)
    source = np.searchsorted(ends, points, "right")
    starts = np.clip(points - context // 2, begins[source], ends[source] - context)
    return Windows(starts, np.unique(source, return_inverse=True)[1], runs, lengths)
