"""H as anybody would write it with Python's own gzip: the twin of ziplaw.corpora.compress and
ziplaw.corpora.scoring.
"""

import gzip
import statistics
import struct


def sizes(ids, window=256, samples=1000):
    """Sizes of evenly spaced windows of a stream of ids, 4-byte big-endian, gzip level 9, no time stamp."""
    n = len(ids) // window
    taken = min(n, samples)
    starts = [i * n // taken * window for i in range(taken)]
    return [len(gzip.compress(struct.pack(f">{window}i", *ids[s : s + window]), 9, mtime=0)) for s in starts]


def h(ids, window=256, samples=1000):
    return statistics.median(sizes(ids, window, samples)) / (4 * window)
