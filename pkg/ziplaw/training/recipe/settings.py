"""What a setting is: declared once, checked by the trainer, a key of a sweep's config, an option of ``ziplaw train``.

The declarations are the fields of :class:`ziplaw.training.recipe.recipe.TrainConfig`. To add one, add a field there:
the config's section (:mod:`ziplaw.sweep.config`) and the verb's options (:mod:`ziplaw.cli.runs.train`) are made from
the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints

from ...errors import TrainError, shown

_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """One setting of training.

    Attributes
    ----------
    name : str
    kind : type
        int, float or str.
    default : object
    optional : bool
        None is a value, and the default: what the arm uses.
    help : str
        What it means, as a config explains it.
    brief : str
        What ``ziplaw train --help`` says.
    within : tuple of float, optional
        The least and the most that a number may be.
    choices : sequence of str
        What a text may be.
    remedy : str
        What to give instead of a number that is out of range.
    in_config, in_train : bool
        Whether it is a key of a sweep's config, and an option of ``ziplaw train``.
    show_default : bool
        Whether --help adds the default to ``brief``.
    """

    name: str
    kind: type
    default: Any = None
    optional: bool = False
    help: str = ""
    brief: str = ""
    within: tuple[float, float] | None = None
    choices: Sequence[str] = ()
    remedy: str = ""
    in_config: bool = True
    in_train: bool = True
    show_default: bool = True

    def check(self, value: object) -> None:
        """Refuse a value that the setting cannot have.

        Raises
        ------
        TrainError
            With the value, what it must be, and for a number what is usual.
        """
        if value is None and self.optional:
            return
        if self.choices and value not in self.choices:
            raise TrainError(f"{self.name} is {value!r}, must be one of {', '.join(self.choices)}")
        if self.within is None:
            return
        low, high = self.within
        kinds = int if self.kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            what = "a whole number" if self.kind is int else "a number"
            raise TrainError(f"{self.name} is {shown(value)}, must be {what} from {low} to {high}: {self.remedy}")


def setting(default: Any, help: str, brief: str | None = None, **more: Any) -> Any:
    """Declare a setting as a field of a dataclass: its name and type are the field's, the rest is :class:`Setting`'s.

    Without ``brief``, --help says ``help`` as a sentence.
    """
    brief = f"{help[:1].upper()}{help[1:]}." if brief is None else brief
    return field(default=default, metadata={_KEY: {"help": help, "brief": brief, **more}})


@cache
def settings_of(config: Any) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares, in its order."""
    hints = get_type_hints(config)
    found = []
    for one in fields(config):
        if _KEY in one.metadata:
            optional = one.default is None
            found.append(Setting(one.name, hints[one.name], one.default, optional, **one.metadata[_KEY]))
    return tuple(found)
