"""ziplaw: data-dependent scaling laws.

``import ziplaw`` is light: a name is loaded from its module when it is first used, so neither the compiled
extensions nor torch are needed until something asks for them.
"""

from importlib import import_module

__version__ = "0.1.0"

_PUBLIC = {
    "ZiplawError": "errors",
    "Grammar": "grammars.grammar",
    "Production": "grammars.production",
    "PRESETS": "grammars.presets",
    "random_grammar": "grammars.random_grammars",
    "sample": "grammars.sampling",
    "gzip_sizes": "corpora.compress",
    "compressibility": "corpora.compress",
    "floor": "grammars.floor",
    "open_corpus": "corpora.storage.format",
    "ModelConfig": "models.shape.decoder_config",
    "count_params": "models.shape.counts",
    "TrainConfig": "training.recipe.recipe",
    "train": "training.run",
    "fit": "laws.fits.link_fit",
    "LawFit": "laws.fits.fit",
    "LinkFit": "laws.fits.link_fit",
    "read_runs": "tables.measured_runs",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ziplaw' has no attribute {name!r}")
    value = getattr(import_module(f"ziplaw.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
