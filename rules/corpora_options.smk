# What the verbs of corpora.smk are given, and what tells that a file of the user's has changed.
from ziplaw.corpora.tokenizers import tokenizer_path

RANDOM_GRAMMARS = [name for name in GRAMMARS if SWEEP.datasets[name].grammar]
CORPUS_OPTIONS = options(
    {
        "documents": SWEEP.train_documents(),
        "valid_documents": SWEEP.corpus.valid_documents,
        "context": SWEEP.corpus.context,
        "seed": SWEEP.corpus.seed,
    }
)


def grammar_options(dataset):
    """What `ziplaw grammar new` draws, or the file that `ziplaw grammar convert` reads."""
    shape = SWEEP.datasets[dataset].grammar
    if shape is None:
        return f"-- {shlex.quote(SWEEP.datasets[dataset].grammar_file)}"
    names = {"n_nonterminals": "nonterminals", "n_terminals": "terminals"}
    names |= {"max_rhs_options": "rhs_options", "max_rhs_length": "rhs_length"}
    return options(
        {names.get(key, key): value for key, value in shape.model_dump().items()}
    )


def grammar_source(dataset):
    """What tells that a grammar written by hand has changed."""
    path = SWEEP.datasets[dataset].grammar_file
    return fingerprint(fingerprints.of_file, path) if path else "drawn"


def tokenizer_file(imported):
    """The user's file that an import takes its tokenizer from; None where it takes one of ours."""
    file = tokenizer_path(imported.tokenizer)
    return file and str(file)


def import_options(dataset):
    """What `ziplaw import` reads, and how: options, then the path."""
    settings = SWEEP.datasets[dataset].imported.model_dump()
    path = settings.pop("path")
    return options(settings) + (f" -- {shlex.quote(path)}" if path else "")


def import_source(dataset):
    """Fingerprints of everything that is read: the corpus, and a tokenizer file."""
    imported = SWEEP.datasets[dataset].imported
    file = tokenizer_file(imported)
    return [
        (
            fingerprint(fingerprints.of_source, imported.path)
            if imported.path
            else fingerprint(fingerprints.of_builtin, imported.builtin)
        ),
        fingerprint(fingerprints.of_file, file) if file else imported.tokenizer,
    ]
