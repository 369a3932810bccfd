"""What a column of a table of runs holds, by its name: sizes, tokens, FLOPs, losses of either split in several
units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import FitError

# names that say it all, best first, letters and digits only, lower case
EXACT = {
    "N": "nnoembed nnonembedding nonembeddingparams nonembedding n params nparams parameters nparameters numparams "
    "numparameters parametercount paramcount modelparams modelparameters trainableparams trainableparameters modelsize "
    "size ntotal totalparams totalparameters".split(),
    "D": "d tokens ntokens trainingtokens traintokens numtokens trainedtokens tokenstrained tokensseen tokensprocessed "
    "consumedtokens totaltokens tokencount trainingtokencount datasetsize ndata".split(),
    "C": "c flops flop compute trainingflops trainflops trainingcompute totalflops flopsbudget c6nd".split(),
    "U": "u uniquetokens unique tokensperepoch datasettokens".split(),
    "S": "s steps step trainingsteps numsteps globalstep iter iters iteration iterations numiterations".split(),
    "epochs": "epoch epochs nepochs numepochs".split(),
}
SCALES = {
    1e3: "k thousand thousands",
    1e6: "m mm mn mio mil million millions",
    1e9: "b bn g billion billions",
    1e12: "t tn trillion trillions",
}
_SCALE = {word: factor for factor, words in SCALES.items() for word in words.split()}
_FLOPS = {"pflops": 1e15, "petaflops": 1e15, "eflops": 1e18, "exaflops": 1e18, "zflops": 1e21, "zettaflops": 1e21,
          "pfdays": 8.64e19}  # fmt: skip

_LN2 = 0.6931471805599453
# unit of a loss -> its law's unit, and how it becomes that: a factor, or None for a logarithm
LOSS_UNITS = {
    "nats": ("nats per token", 1.0),
    "nats-per-byte": ("nats per byte", 1.0),
    "perplexity": ("nats per token", None),
    "byte-perplexity": ("nats per byte", None),
    "word-perplexity": ("nats per word", None),
    "bits": ("nats per token", _LN2),
    "bits-per-byte": ("nats per byte", _LN2),
    "bits-per-character": ("nats per character", _LN2),
}

_PARAMS = set("params param parameters parameter".split())
_TOKENS = set("tokens token toks tok".split())
_NOT_A_SIZE = set("per ratio log log10 ln lg std dtype bytes mb gb memory lr hyper hyperparameters".split()) | _TOKENS
_EMBEDDING = set(
    "emb embed embeds embd embedding embeddings wte wpe head lm unembedding vocab scalars lora adapter".split()
)
_NON_EMBEDDING = re.compile(
    r"(non|no|without|wo|excl|excluding|ex|minus)emb|transformer|backbone|nonvocab|scalingparam"
)
_WHOLE = set("total all full incl including with".split())
_OF_SIZES = set("n num number of count model size trainable non no without wo excl embedding embeddings emb embed "
                "total all active nonembedding nonemb transformer matrices scaling config summary and "
                "the".split()) | _PARAMS  # fmt: skip
_NOT_SEEN = set("per ratio batch val valid validation eval test unique vocab vocabulary second sec s context ctx seq "
                "max min mean log log10 ln prompt generated output input remaining pad padding ids id byte bytes "
                "multiplier loss warmup step time type".split()) | _PARAMS  # fmt: skip
_SEEN = set("seen trained consumed processed train training".split())
_MEANT = set("budget target dataset data corpus".split())
_NOT_COMPUTE = set("per token s sec second seconds utilization util mfu peak tflops gpu hours fraction inference "
                   "forward log log10 ratio device capability".split())  # fmt: skip

_LOSS = set("loss losses nll ce xent xe crossentropy ppl perplexity bpb bpc bpt bits".split())
_HELD = {"val": 0, "valid": 0, "validation": 0, "eval": 1, "evaluation": 1, "heldout": 2, "holdout": 2, "dev": 2,
         "test": 3, "testing": 3}  # fmt: skip
_TRAIN = set("train training trn tr".split())
_NOT_A_LOSS = set("std stderr sd se err error var variance min max ci lo hi low high lower upper diff delta ratio "
                  "scale aux auxiliary z zloss router balance balancing weight reg penalty initial init start floor "
                  "excess reducible log rank step time count num pred predicted fitted target rel relative improvement "
                  "gap accuracy acc".split())  # fmt: skip
_OF_LOSSES = _LOSS | _TRAIN | set(_HELD) | set(
    "held out cross entropy final last best mean avg average end nats nat per token byte bytes word char character "
    "characters lm language model modeling modelling smooth smoothed ema summary metrics metric results result set "
    "split the at".split())  # fmt: skip
_TRAINING = 2  # the rank of training losses
_BY_TASTE = set("final last best mean avg average smooth smoothed ema end".split())


@dataclass(frozen=True)
class Found:
    """A column, what its numbers are to be multiplied by, a loss's unit, and what the choice left aside."""

    name: str
    factor: float = 1.0
    unit: str = "nats"
    note: str = ""


def squash(name: object) -> str:
    """Return a name's letters and digits in lower case."""
    return "".join(ch for ch in str(name).lower() if ch.isalnum())


def words(name: object) -> list[str]:
    """Return the words of a name: val/loss, valLoss and "val loss" have two."""
    return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(name)).lower())


def scale(name: object) -> tuple[list[str], float]:
    """Return a name's words without its unit, and the unit: params_M are millions, "tokens (B)" thousand millions."""
    parts = words(name)
    if len(parts) > 1 and (found := _SCALE.get(parts[-1]) or _power(parts[-1])):
        return parts[:-1], found
    return parts, 1.0


def _power(word):
    return float(word) if re.fullmatch(r"1e\d{1,2}", word) else None


def loss_unit(name: object) -> str:
    """Return the unit of a loss, one of ``LOSS_UNITS``, by its name."""
    parts, plain = set(words(name)), squash(name)
    per = next((unit for unit in ("byte", "character", "word") if parts & {unit, f"{unit}s", unit[:4]}), "token")
    if parts & {"ppl", "perplexity"}:
        return f"{per}-perplexity" if per in ("byte", "word") else "perplexity"
    if parts & {"bpb"} or "bitsperbyte" in plain:
        return "bits-per-byte"
    if parts & {"bpc"} or "bitsperchar" in plain:
        return "bits-per-character"
    if parts & {"bits", "bpt"}:
        return "bits"
    return "nats-per-byte" if "per" in parts and per == "byte" else "nats"


def guess(header: Iterable, key: str) -> Found | None:
    """Return the column that by its name holds N, D, loss, C, U, S or epochs; None where there is none.

    Of sizes the non-embedding ones are preferred and the totals come last, of losses the held-out ones, in nats before
    other units; what was passed over is in the note.

    Raises
    ------
    FitError
        When several columns have the same claim.
    """
    header = [name for name in header if isinstance(name, str) and len(name) <= 200]
    ranked = {"loss": _losses, "N": _sizes, "D": _tokens, "C": _compute}.get(key, lambda names: _exact(names, key))(
        header
    )
    if not ranked:
        return None
    ranked.sort(key=lambda pair: pair[0])
    (best, name), *others = ranked
    if same := [other for rank, other in others if rank == best]:
        raise FitError(
            f"several columns may be {'the loss' if key == 'loss' else key} ({_some([name, *same])}): choose with "
            f"--{key.lower()}-column"
        )
    note = f"not {_some([other for _, other in others])}" if others and key not in ("S", "U", "epochs") else ""
    if key == "loss":
        if best[0] == _TRAINING:
            note = "a training loss: no column is named as held-out"
        return Found(name, unit=loss_unit(name), note=note)
    return Found(name, factor_of(name, key), note=note)


def factor_of(name: object, key: str) -> float:
    """Return what a column of N, D, U or C is to be multiplied by, as its name says."""
    if key in ("N", "D", "U"):
        return scale(name)[1]
    if key == "C":
        parts = words(name)
        return _power(parts[-1]) or _FLOPS.get(_flops(parts), 1.0)
    return 1.0


def _flops(parts):
    return next((unit for unit in ("".join(parts[-2:]), parts[-1]) if unit in _FLOPS), None)


def _some(names):
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def _exact(names, key):
    order = {name: i for i, name in enumerate(EXACT[key])}
    seen, ranked = set(), []
    for name in names:
        plain = "".join(scale(name)[0]) if key == "U" else squash(name)
        if plain in order and plain not in seen:
            seen.add(plain)
            ranked.append(((0, order[plain]), name))
    return ranked


def _sizes(names):
    order, ranked = EXACT["N"], []
    for name in names:
        parts, _ = scale(name)
        plain, bag = "".join(parts), set(parts)
        exact = order.index(plain) if plain in order else None
        glued = any(re.fullmatch(r"(?!hyper)[a-z]*param(eter)?s?", word) for word in parts)
        if exact is None and not glued and parts[:1] != ["n"]:
            continue
        bare = _NON_EMBEDDING.search(plain)
        if exact is None and (bag & _NOT_A_SIZE or (bag & _EMBEDDING and not bare and not bag & _WHOLE)):
            continue
        if exact is None and parts[0] == "n" and not (glued or bare or bag & _WHOLE):
            continue
        kind = 0 if bare else 2 if bag & _WHOLE or plain == "ntotal" else 1
        odd = 0 if exact is not None or bag <= _OF_SIZES or (glued and not bag & _PARAMS) else 1
        ranked.append(((odd, kind, 99 if exact is None else exact, 0 if exact is not None else len(parts)), name))
    return ranked


def _tokens(names):
    order, ranked = EXACT["D"], []
    for name in names:
        parts, _ = scale(name)
        plain, bag = "".join(parts), set(parts)
        if plain in order:
            ranked.append(((0, order.index(plain)), name))
        elif (bag & _TOKENS or parts[:1] == ["d"]) and not bag & _NOT_SEEN:
            if parts[0] == "d" and not bag & (_TOKENS | _SEEN):
                continue
            ranked.append(((1 if bag & _SEEN else 3 if bag & _MEANT else 2, len(parts)), name))
    return ranked


def _compute(names):
    order, ranked = EXACT["C"], []
    for name in names:
        parts = [word for word in words(name) if not _power(word)]
        plain, bag = "".join(parts), set(parts)
        if not parts:
            continue
        if plain in order:
            ranked.append(((0, order.index(plain)), name))
        elif (bag & {"flops", "flop", "compute"} or _flops(parts)) and not bag & _NOT_COMPUTE:
            ranked.append(((1 if bag & _TRAIN else 2, len(parts)), name))
    return ranked


def mixed_splits(rows: Sequence[Mapping[str, object]]) -> tuple[str, list[str]] | None:
    """Find a column that tells training losses from held-out ones row by row (a table in long form), and its values."""
    for column in rows[0]:
        values = {str(row[column]).strip().lower() for row in rows}
        if values & _TRAIN and values & set(_HELD) and values <= _TRAIN | set(_HELD):
            return column, sorted({str(row[column]).strip() for row in rows})
    return None


def _losses(names):
    """Rank losses: general names before those of a domain ("loss_c4"), held-out before unnamed before training."""
    found = []
    for name in names:
        parts = words(name)
        bag = set(parts)
        if not (bag & _LOSS or "loss" in squash(name) or {"cross", "entropy"} <= bag):
            continue
        if bag & _NOT_A_LOSS or any(word.endswith("loss") and word[:-4] in _NOT_A_LOSS for word in parts):
            continue
        glued = next(
            (split for split in (*_HELD, *_TRAIN) if any(p in (f"{split}loss", f"loss{split}") for p in parts)), None
        )
        held = min((_HELD[word] for word in bag | {glued} if word in _HELD), default=None)
        held = 2 if held is None and {"held", "out"} <= bag else held
        unit = list(LOSS_UNITS).index(loss_unit(name))
        general = bag <= _OF_LOSSES or glued is not None
        split = "held" if held is not None else "train" if bag & _TRAIN or glued else "plain"
        found.append((name, split, general, (unit, held or 0, len(bag & _BY_TASTE))))
    of = {(split, general): [f for f in found if f[1:3] == (split, general)] for split in ("held", "plain", "train")
          for general in (True, False)}  # fmt: skip
    special = of["held", False] + of["plain", False]
    if of["held", True]:
        first, rest = of["held", True], of["plain", True]
    elif of["held", False] and len(special) > 1:
        # several domains' losses, perhaps beside one of a training run
        return [((0,), name) for name, *_ in special + of["plain", True]]
    elif of["held", False]:
        first, rest = of["held", False], of["plain", True]
    else:
        first, rest = of["plain", True] or special, []
    tiers = enumerate((first, rest, of["train", True]))
    return [((tier, *rank), name) for tier, losses in tiers for name, _, _, rank in losses]
