"""How a model is trained: the settings, their three named arms, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from ...base import limits
from ...base.threads import n_threads
from ...errors import TrainError, shown
from .schedule import SCHEDULES

# What each arm uses where the user says nothing.
#
# paper: the published code of Pandey 2024 (github.com/KhoomeiK/complexity-scaling at a3dd901), main.py and training.py:
#   transformers' AdamW(lr=5e-5) with that class's defaults (betas .9 and .999, eps 1e-6, no decay), no clipping,
#   CosineAnnealingLR(T_max = steps) without warmup, batches of 32 documents, one run a budget, LlamaConfig's
#   initializer_range of .02. (A note there says the scheduler was not stepped before 2024-04-30: --schedule constant.)
# mup: width-scaled rates (Yang et al. 2022, Tensor Programs V, table 8, Adam): rate of matrices and head
#   x base_hidden / hidden, embedding and norms unscaled; depth enters only through the initial weights (1/sqrt(2 L)).
# tuned: one rate for this size without scaling, as given or found by a search on a small budget (see tune.py).
ARMS: dict[str, dict[str, object]] = {
    "mup": {
        "schedule": "wsd",
        "learning_rate": 0.02,
        "batch_documents": 4,
        "warmup_steps": 10,
        "beta2": 0.95,
        "epsilon": 1e-8,
        "clip": 1.0,
        "init": "mup",
    },
    "paper": {
        "schedule": "cosine",
        "learning_rate": 5e-5,
        "batch_documents": 32,
        "warmup_steps": 0,
        "beta2": 0.999,
        "epsilon": 1e-6,
        "clip": 0.0,
        "init": "llama",
    },
}
ARMS["tuned"] = {**ARMS["mup"], "learning_rate": None}

# Budgets by name: those of the paper's text, and the shares .001 .01 .1 .2 .5 .95 of 100M that its code trains on.
BUDGETS = {
    "paper": (100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000, 100_000_000),
    "paper-code": (100_000, 1_000_000, 10_000_000, 20_000_000, 50_000_000, 95_000_000),
}


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run; None means "what the arm uses" (see :data:`ARMS`).

    Parameters
    ----------
    budgets : sequence of int
        Training tokens D at which the model is measured; rounded to whole steps.
    arm : {"mup", "paper", "tuned"}
    schedule : {"wsd", "cosine", "constant"}, optional
        See :mod:`ziplaw.training.recipe.schedule`.
    learning_rate : float, optional
        Peak rate; under mup the rate of a model of width ``base_hidden``. The arm tuned searches one if none is given.
    base_hidden : int
        Width at which matrices and head use the rate unscaled (mup only).
    batch_documents : int, optional
        Documents a step.
    warmup_steps : int, optional
    cooldown : float
        Share of a budget's steps in its linear cooldown branch (wsd only).
    weight_decay : float
        Decoupled decay of matrices and head.
    beta1, beta2, epsilon : float
        AdamW's constants.
    clip : float, optional
        Largest global gradient norm; 0 switches clipping off.
    init : {"mup", "llama"}, optional
        See :meth:`ziplaw.models.decoder.Decoder.initialise`.
    loss : {"mean", "paper"}
        The held-out loss. mean: over all tokens of all documents. paper: the median over batches of 32 documents of the
        mean over their tokens but the first.
    seed : int
        Of initial weights and data order.
    epochs : int
        Passes over the corpus that are allowed; a budget that needs more is refused.
    device : {"auto", "cpu", "cuda"}
        auto takes a CUDA device when there is one.
    precision : {"auto", "fp32", "bf16"}
        Of activations and products; parameters and optimiser are fp32. auto: bf16 on a GPU that has it, else fp32.
    threads : int or None
        CPU threads of torch; None for all usable cores.

    Raises
    ------
    TrainError
        When a setting is out of range.
    """

    budgets: Sequence[int]
    arm: str = "mup"
    schedule: str | None = None
    learning_rate: float | None = None
    base_hidden: int = 32
    batch_documents: int | None = None
    warmup_steps: int | None = None
    cooldown: float = 0.2
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float | None = None
    epsilon: float | None = None
    clip: float | None = None
    init: str | None = None
    loss: str = "mean"
    seed: int = 0
    epochs: int = 1
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "budgets", tuple(self.budgets))
        _choice("arm", self.arm, tuple(ARMS))
        for budget in self.budgets:
            _number("budget", budget, *limits.BUDGET, "give tokens, for example 65536", whole=True)
        if self.schedule is not None:
            _choice("schedule", self.schedule, SCHEDULES)
        if self.init is not None:
            _choice("init", self.init, ("mup", "llama"))
        _choice("loss", self.loss, ("mean", "paper"))
        _choice("device", self.device, ("auto", "cpu", "cuda"))
        _choice("precision", self.precision, ("auto", "fp32", "bf16"))
        if self.learning_rate is not None:
            _number("learning_rate", self.learning_rate, *limits.LEARNING_RATE, "0.02 is usual under mup")
        _number("base_hidden", self.base_hidden, *limits.BASE_HIDDEN, "32 is usual", whole=True)
        if self.batch_documents is not None:
            _number("batch_documents", self.batch_documents, *limits.BATCH_DOCUMENTS, "4 is usual on a CPU", whole=True)
        if self.warmup_steps is not None:
            _number("warmup_steps", self.warmup_steps, *limits.WARMUP_STEPS, "10 is usual", whole=True)
        _number("cooldown", self.cooldown, *limits.COOLDOWN, "0.2 is usual")
        _number("weight_decay", self.weight_decay, *limits.WEIGHT_DECAY, "0 is usual for one epoch")
        _number("beta1", self.beta1, 0.0, 0.999999, "0.9 is usual")
        if self.beta2 is not None:
            _number("beta2", self.beta2, 0.0, 0.9999999, "0.95 is usual")
        if self.epsilon is not None:
            _number("epsilon", self.epsilon, 1e-30, 1.0, "1e-8 is usual")
        if self.clip is not None:
            _number("clip", self.clip, 0.0, 1e9, "1 is usual, 0 switches clipping off")
        _number("seed", self.seed, *limits.TRAINING_SEED, "0 is usual", whole=True)
        _number("epochs", self.epochs, 1, 10**6, "1 means every document at most once", whole=True)
        object.__setattr__(self, "threads", n_threads(self.threads))

    def resolved(self) -> TrainConfig:
        """Return the same settings with the arm's values in place of every None (but a tuned rate, still to be found)."""
        filled = {key: value for key, value in ARMS[self.arm].items() if getattr(self, key) is None}
        return replace(self, **filled)

    def rate_scales(self, hidden: int) -> dict[str, float]:
        """Factor on the learning rate by parameter group."""
        width = self.base_hidden / hidden if self.arm == "mup" else 1.0
        unscaled = dict.fromkeys(("embedding", "norms", "biases"), 1.0)
        return unscaled | dict.fromkeys(("attention", "mlp", "recurrent", "head"), width)

    def decay_factors(self) -> dict[str, float]:
        """Factor on the weight decay by parameter group: matrices and head decay."""
        undecayed = dict.fromkeys(("embedding", "norms", "biases"), 0.0)
        return undecayed | dict.fromkeys(("attention", "mlp", "recurrent", "head"), 1.0)

    def record(self) -> dict[str, object]:
        """Return the settings that decide the result, for run.json; see
        :func:`ziplaw.training.run_folder.execution` for where it ran.
        """
        settings = asdict(self.resolved())
        left_out = {"arm", "seed", "device", "precision", "threads"}
        # the usual held-out loss goes without saying, as it did before there was another
        left_out |= {"loss"} if self.loss == "mean" else set()
        return {key: value for key, value in settings.items() if key not in left_out}


def _choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise TrainError(f"{name} is {value!r}, must be one of {', '.join(choices)}")


def _number(name: str, value: object, low: float, high: float, remedy: str, whole: bool = False) -> None:
    kinds = int if whole else (int, float)
    bad = isinstance(value, bool) or not isinstance(value, kinds)
    if bad or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        raise TrainError(f"{name} is {shown(value)}, must be {what} from {low} to {high}: {remedy}")
