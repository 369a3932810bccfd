"""How a model is trained: the settings, their three named arms, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...base import limits
from ...base.threads import n_threads
from .schedule import SCHEDULES
from .settings import Setting, setting, settings_of

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


# every budget of the list is checked like a setting
BUDGET = Setting("budget", int, within=limits.BUDGET, remedy="give tokens, for example 65536")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run, declared for all that ask for them; None means "what the arm uses" (:data:`ARMS`).

    Parameters
    ----------
    budgets : sequence of int
        Training tokens D at which the model is measured; rounded to whole steps.
    **settings
        The fields below: type (once :meth:`resolved`), default, meaning, range; see
        :class:`ziplaw.training.recipe.settings.Setting`.

    Raises
    ------
    TrainError
        When a setting is out of range.
    """

    budgets: Sequence[int]
    arm: str = setting(
        "mup",
        "mup: one trunk, width-scaled rate; paper: the published recipe; tuned: the rate as given",
        "mup: one trunk, width-scaled rate; paper: the published recipe; tuned: the rate as given, or searched.",
        choices=tuple(ARMS),
    )
    # see ziplaw.training.recipe.schedule
    schedule: str = setting(
        None,
        "shape of the learning rate over a run; default: the arm's (wsd; paper cosine)",
        "Schedule [default: the arm's].",
        choices=SCHEDULES,
        in_config=False,
    )
    learning_rate: float = setting(
        None,
        "peak learning rate (at base_hidden); default: the arm's (0.02; paper 5e-5)",
        "Peak learning rate [default: 0.02 for mup, 5e-5 for paper].",
        within=limits.LEARNING_RATE,
        remedy="0.02 is usual under mup",
    )
    base_hidden: int = setting(
        32,
        "width at which learning_rate applies unscaled (mup)",
        "Width at which mup leaves it unscaled.",
        within=limits.BASE_HIDDEN,
        remedy="32 is usual",
    )
    batch_documents: int = setting(
        None,
        "documents in a step; default: the arm's (4; paper 32)",
        "Documents in a step [default: 4 for mup, 32 for paper].",
        within=limits.BATCH_DOCUMENTS,
        remedy="4 is usual on a CPU",
    )
    warmup_steps: int = setting(
        None,
        "steps of linear warmup; default: the arm's (10; paper 0)",
        "Steps of linear warmup [default: 10 for mup, 0 for paper].",
        within=limits.WARMUP_STEPS,
        remedy="10 is usual",
    )
    cooldown: float = setting(
        0.2,
        "share of each budget in its linear cooldown branch",
        "Share of a budget that cools down.",
        within=limits.COOLDOWN,
        remedy="0.2 is usual",
    )
    weight_decay: float = setting(
        0.0,
        "decoupled weight decay of matrices",
        "Decoupled decay of matrices.",
        within=limits.WEIGHT_DECAY,
        remedy="0 is usual for one epoch",
    )
    beta1: float = setting(
        0.9,
        "AdamW's weight of the past in the mean gradient",
        within=limits.BETA1,
        remedy="0.9 is usual",
        in_config=False,
        in_train=False,
    )
    beta2: float = setting(
        None,
        "AdamW's weight of the past in the mean squared gradient; default: the arm's (0.95; paper 0.999)",
        within=limits.BETA2,
        remedy="0.95 is usual",
        in_config=False,
        in_train=False,
    )
    epsilon: float = setting(
        None,
        "what AdamW adds to the root of the mean squared gradient; default: the arm's (1e-8; paper 1e-6)",
        within=limits.ADAM_EPSILON,
        remedy="1e-8 is usual",
        in_config=False,
        in_train=False,
    )
    clip: float = setting(
        None,
        "largest global gradient norm, 0 for none; default: the arm's (1; paper 0)",
        "Largest gradient norm, 0 for none [default: 1 for mup, 0 for paper].",
        within=limits.CLIP,
        remedy="1 is usual, 0 switches clipping off",
        in_config=False,
    )
    # see ziplaw.models.decoder.Decoder.initialise
    init: str = setting(
        None,
        "distribution of the initial weights; default: the arm's (mup; paper llama)",
        choices=("mup", "llama"),
        in_config=False,
        in_train=False,
    )
    loss: str = setting(
        "mean",
        "held-out loss: mean over all tokens, or the paper's median over batches of 32 documents",
        "Held-out loss: mean over all tokens; paper: median over batches of 32 documents, first tokens left out.",
        choices=("mean", "paper"),
    )
    seed: int = setting(
        0,
        "seed of initial weights and data order",
        "Seed of initial weights and data order; once for each run, or for all.",
        within=limits.TRAINING_SEED,
        remedy="0 is usual",
        in_config=False,
    )
    epochs: int = setting(
        1,
        "passes over the corpus that are allowed; a budget that needs more is refused",
        "Passes over the corpus that are allowed.",
        within=limits.EPOCHS,
        remedy="1 means every document at most once",
        in_config=False,
    )
    device: str = setting("auto", "where to train", choices=("auto", "cpu", "cuda"), show_default=False)
    # parameters and optimiser are fp32 in any case
    precision: str = setting(
        "auto",
        "of activations and products; auto: bf16 on a GPU that has it, else fp32",
        "Of activations and products [default: bf16 on a GPU that has it, else fp32]; parameters are fp32.",
        choices=("auto", "fp32", "bf16"),
        show_default=False,
    )
    # None for all usable cores; base.threads knows the range
    threads: int = setting(1, "CPU threads", in_config=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "budgets", tuple(self.budgets))
        for budget in self.budgets:
            BUDGET.check(budget)
        # names before numbers
        for one in sorted(settings_of(type(self)), key=lambda one: not one.choices):  # type: ignore[arg-type]
            one.check(getattr(self, one.name))
        object.__setattr__(self, "threads", n_threads(self.threads))

    def resolved(self) -> TrainConfig:
        """Return the same with the arm's values in place of every None (but a tuned rate, still to be found)."""
        filled: dict[str, Any] = {key: value for key, value in ARMS[self.arm].items() if getattr(self, key) is None}
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
