"""The tables that ziplaw itself writes and reads again: every column and its kind, once.

What a column means is told in docs/formats.md, which a test holds against this file.
"""

from .columns import GUESSED, TEXT, Columns

# every parameter of a law and the exponents of its split, each with its interval
_PARAMETERS = " ".join(f"{name} {name}_lo {name}_hi" for name in ("E", "A", "B", "alpha", "beta", "a", "b"))

CURVE = Columns.declare(
    "curve.csv",
    "kind:text budget step tokens learning_rate train_loss grad_norm grad_norm_max spikes loss loss_stderr D C C_6nd",
)
RUNS = Columns.declare(
    "runs.csv",
    "dataset:text model:text seed arm:text architecture:text hidden layers vocab_size N N_total budget D C C_6nd "
    "loss loss_stderr train_loss status:text floor floor_stderr excess unigram_entropy reducible reducible_least "
    "regime:text regime_basis:text H H_std valid_sources",
)
FITS = Columns.declare(
    "fits.csv",
    "dataset:text variant:text H floor loss_stderr valid_sources n n_scaling regime:text cells:text "
    f"reportable:truth reason:text converged:truth usable:truth {_PARAMETERS} "
    "objective rms_log_residual condition_number holdout_rms interval_method:text flags:text",
)
LINKS = Columns.declare(
    "links.csv",
    "dataset:text link:text chosen:truth H error_of:text n n_left_out rms_log_residual holdout_n holdout_rms "
    "C N_opt N_lo N_hi D_opt D_lo D_hi a a_lo a_hi b b_lo b_hi N_times_chosen near_lo near_hi E U A B alpha beta k "
    "converged:truth identified:truth not_identified:text reportable:truth reason:text message:text "
    "interval_method:text flags:text",
)
CLAIMS = Columns.declare(
    "claims.csv",
    "claim:text statement:text statistic:text estimate low high p_value verdict:text why:text",
)
FRONTIER = Columns.declare(
    "frontier.csv",
    "source:text H C N_opt N_lo N_hi D_opt D_lo D_hi loss loss_lo loss_hi in_range:truth identified:truth reason:text",
)
PRESETS = Columns.declare(
    "presets.csv",
    "preset:text group:text n_nonterminals n_terminals max_rhs_options max_rhs_length seed sub_seed "
    "H H_mean H_std paper_H rho_m rho_lc truncated:truth",
)
ARCHITECTURES = Columns.declare(
    "architectures.csv",
    "dataset:text part:text budget architecture:text model:text hidden layers N N_mismatch seeds "
    "loss loss_low loss_high relative relative_low relative_high N_effect",
)
DESIGN = Columns.declare(
    "design.csv",
    "dataset:text half:text family:text training_seeds:text n_nonterminals n_terminals max_rhs_options max_rhs_length "
    "seed H H_stderr floor floor_stderr unigram_entropy productions vocab_size sentence_length "
    "tokens_per_production_least tokens_per_production_most",
)
# rivals of H that are measured of tokens alone, one row a dataset
MEASURED = Columns.declare(
    "covariates.csv",
    "dataset:text bigram_information conditional_entropy_1 conditional_entropy_2 conditional_entropy_3 "
    "H_64 H_1024 H_16bit H_smallest zstd zstd_whole gamma beta alpha_D entropy_decay",
)
# such rows of ziplaw's or of a user
COVARIATES = Columns("covariates", {"dataset": TEXT}, others=GUESSED)

DECLARED = {
    table.name: table
    for table in (CURVE, RUNS, FITS, LINKS, CLAIMS, FRONTIER, PRESETS, ARCHITECTURES, DESIGN, MEASURED)
}
