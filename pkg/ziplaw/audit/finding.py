"""What is wrong with one file of a folder of results, and what goes with it when it is removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# kind -> what it means; of the first two nothing is lost when they are removed, and --fix removes them
KINDS = {
    "damaged": "is not what was written",
    "outdated": "was made from other files, or by another version",
    "differs": "does not go with another file or the config; which of the two is right, nobody but you can say",
    "missing": "is not there",
    "foreign": "is no result of this folder's workflow, or one that nothing vouches for",
}
REMOVED = ("damaged", "outdated")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    path : str
        The file, by its path in the folder, with slashes.
    kind : str
        A key of :data:`KINDS`.
    why : str
        In a few words.
    """

    path: str
    kind: str
    why: str

    @property
    def removed(self) -> bool:
        """Whether it may be removed, so that Snakemake makes it again."""
        return self.kind in REMOVED


Check = Callable[[Path], Iterator[Finding]]
