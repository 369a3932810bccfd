"""The list of laws: the command line, comparisons, the documentation and the tests read this one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ...errors import FitError

if TYPE_CHECKING:
    from .form import Form, OneColumn

# name -> module of this room and the Form there, which has the law's formula and columns: to add a law is a module and
# a line here. Names alone, so that the command line can list them without numpy.
LAWS = {
    "chinchilla": "chinchilla.ADDITIVE",
    "bounded": "links.BOUNDED",
    "free": "links.FREE",
    "kaplan": "coupled.JOINT",
    "kaplan-coupled": "coupled.COUPLED",
    "kaplan-steps": "steps.STEPS",
    "data-constrained": "constrained.REPEATED",
    "repeated-penalty": "overfitting.PENALISED",
    "repeated-overfitting": "overfitting.OVERFITTING",
    "broken": "broken.BROKEN",
    "power": "powers.POWER",
}
# links from the index of a law to the loss (``links``), the simplest first
LINKS = ("identity", "power", "bounded", "free")


def law(name: str) -> Form | OneColumn:
    """Return a law by its name.

    Raises
    ------
    FitError
        When there is none of this name.
    """
    if name not in LAWS:
        raise FitError(f"law is {name!r}, must be one of {', '.join(LAWS)}")
    module, attribute = LAWS[name].split(".")
    found: Form | OneColumn = getattr(import_module(f".{module}", __package__), attribute)
    return found
