"""ziplaw: data-dependent scaling laws.

``import ziplaw`` is light: a name is loaded from its module when it is first used, so neither the compiled
extensions nor torch are needed until something asks for them.
"""

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_PUBLIC = {
    "ZiplawError": "errors",
    "Grammar": "grammar",
    "Production": "grammar",
    "PRESETS": "grammar",
    "random_grammar": "grammar",
    "sample": "sampling",
    "gzip_sizes": "compress",
    "compressibility": "compress",
    "floor": "floor",
    "open_corpus": "corpora.format",
    "ModelConfig": "model",
    "count_params": "model",
    "TrainConfig": "train",
    "train": "train",
    "fit": "laws.fit",
    "LawFit": "laws.fit",
    "read_runs": "law_tables",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ziplaw' has no attribute {name!r}")
    value = getattr(import_module(f"ziplaw.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    def __setattr__(self, name, value):
        # importing ziplaw.floor or ziplaw.train binds the submodule here; the name belongs to the function
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__():
    return sorted(__all__)
