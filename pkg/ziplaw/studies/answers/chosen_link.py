"""Which link is believed: the one that foretells the cells of largest compute best, made without them, blind to H.

A row for each half and link. ``held_out_error``: median over datasets of the error of ln(loss - floor) there;
``chosen``: by the rule of ``laws/dependence/splits/link_choice.py``. What a page quotes is by the link that the
exploratory half chose, whatever the other one says.
"""

from __future__ import annotations

from typing import Any

from ...laws.dependence.splits.dataset_splits import LINKS, with_splits
from ...laws.dependence.splits.link_choice import choose_link
from ..measured import Study
from ..readings.parts import parts

COLUMNS = ("half", "link", "datasets", "held_out_error", "error", "chosen")


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    found = []
    for half, _, part in parts(study, ("all",)):
        link, errors = choose_link(with_splits(part.fits), LINKS)
        found += [
            {"half": half, "link": name, "datasets": one["n_datasets"], "held_out_error": one["holdout"],
             "error": one["rms"], "chosen": name == link}
            for name, one in errors.items()
        ]  # fmt: skip
    return found
