"""The folder of a pilot whose losses a planted law made: no model was trained, and none of it is a measurement."""

import numpy as np

from ziplaw.base.documents import read_json, write_json
from ziplaw.models.shape.ladder import ladder
from ziplaw.numerics.draws import normals
from ziplaw.numerics.functions import exp, raised
from ziplaw.sweep.published_prior import read_prior
from ziplaw.tables.declared import RUNS

LAW = {"E": 2.2, "A": 25.0, "B": 720.0, "alpha": 0.4, "beta": 0.5}
VOCAB, CONTEXT = 1024, 256
TARGET, ENTROPY = 1e18, 6.2
HIDDEN = (10, 16, 24, 32, 48, 64)
COMPUTES = (3e10, 1e11, 3e11, 1e12)


def loss_at(N, D, law=LAW):
    """E + A/N^alpha + B/D^beta."""
    return law["E"] + law["A"] * raised(N, -law["alpha"]) + law["B"] * raised(D, -law["beta"])


def simulated_pilot(folder, *, target=TARGET, computes=COMPUTES, hidden=HIDDEN, noise=0.003, seed=0, unique=None):
    """Write runs.csv, meta.json, a score and rounds/1.json of a pilot into ``folder``.

    The same bytes on every machine. H is that of the prior's own text, measured alike: nothing has to be scored.
    """
    rng = np.random.default_rng(seed)
    sizes = [size for size in ladder(VOCAB, CONTEXT, 1e7) if size.hidden in hidden]
    rows = []
    for size in sizes:
        trunk = noise * float(normals(rng, 1)[0])
        for C in computes:
            D = round(C / size.flops_per_token / 1024) * 1024
            if D < 20_000:
                continue
            loss = float(loss_at(size.N, D) * exp(trunk + noise * float(normals(rng, 1)[0])))
            rows.append(
                {"dataset": "corpus", "model": size.name, "seed": 1, "arm": "mup", "architecture": "llama",
                 "hidden": size.hidden, "layers": size.layers, "vocab_size": VOCAB, "N": size.N,
                 "N_total": size.N_total, "budget": D, "D": D, "C": D * size.flops_per_token, "C_6nd": 6 * size.N * D,
                 "loss": loss, "loss_stderr": 0.01, "train_loss": loss, "status": "finished",
                 "unigram_entropy": ENTROPY, "H": 0.45}
            )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    RUNS.write(folder / "runs.csv", rows)
    source = {"kind": "text"} | ({"unique_tokens": unique, "unique_tokens_error": unique / 100} if unique else {})
    meta = {"context": CONTEXT, "n_train": 40_000, "n_valid": 256, "source": source, "unigram_entropy": ENTROPY}
    of = read_prior().document["H"]
    alike = {key: of[key] for key in ("window", "encoding", "level", "tokenizer", "tokenizer_sha256")}
    score = {"H": 0.45, "std": 0.06, "n": 1000, "dataset": "corpus", "bytes_per_token": 2.4, **alike}
    for place, document, kind in (("corpora/corpus/meta.json", meta, "corpus"), ("scores/corpus.json", score, "score")):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        write_json(folder / place, document, kind=kind)
    (folder / "rounds").mkdir(exist_ok=True)
    spent = sum(max(row["C"] for row in rows if row["model"] == size.name) for size in sizes)
    design = {"round": 1, "stop": None, "target_C": target, "pilot_C": 2 * spent, "spent_C": 0.0,
              "runs": [{"model": size.name, "hidden": size.hidden, "layers": size.layers, "heads": size.heads,
                        "budgets": [row["D"] for row in rows if row["model"] == size.name], "N": size.N,
                        "C": max(row["C"] for row in rows if row["model"] == size.name), "seconds": None}
                       for size in sizes],
              "band": {"at_C": target, "sd_ln_N_before": 0.8, "sd_ln_N_after": 0.3}}  # fmt: skip
    write_json(folder / "rounds" / "1.json", design, kind="pilot_round")
    return folder


def edited(folder, name, change):
    """Change a document of the folder in place, as its writer would have written it."""
    path = folder / name
    document = read_json(path)
    change(document)
    write_json(path, {key: value for key, value in document.items() if key != "sha256"})
