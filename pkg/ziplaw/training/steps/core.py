"""The compiled core of training, imported when it is first needed: a GPU does without."""

from __future__ import annotations

from functools import cache
from typing import Any

from ...errors import TrainError


@cache
def core() -> Any:
    """Return the binding of the core (``ext/_decoder.pyx``).

    Raises
    ------
    TrainError
        When it is not built.
    """
    try:
        from ... import _decoder
    except ImportError:
        raise TrainError("the compiled training step is missing: run `make build`, or reinstall ziplaw") from None
    return _decoder
