"""Columns are told by their names, and what was passed over is said."""

import pytest
from tables_of_laws import PLAIN, lines, planted
from verbs import run

from ziplaw.errors import FitError
from ziplaw.tables.column_names import guess

LOSSES = [
    ("loss|val_loss", "val_loss"),
    ("train_loss|loss", "loss"),
    ("loss|eval/loss", "eval/loss"),
    ("train/loss|val/loss", "val/loss"),
    ("loss/train|loss/val", "loss/val"),
    ("trainLoss|validLoss", "validLoss"),
    ("loss|held-out loss", "held-out loss"),
    ("trainloss|testloss", "testloss"),
    ("val_loss|test_loss", "val_loss"),
    ("val_loss|val_loss_std|loss_stderr", "val_loss"),
    ("val_bpb|val_loss|val_ppl", "val_loss"),
    ("loss|eval/pile/loss", "eval/pile/loss"),
    ("run - val/loss|run - val/loss__MIN|run - val/loss__MAX", "run - val/loss"),
    ("z_loss|aux_loss|lm_loss|loss_scale", "lm_loss"),
    ("train_loss|acc", "train_loss"),
    ("val_loss_accuracy|train_loss", "train_loss"),
    ("lossAcc|loss", "loss"),
    ("val_bpb|core_score", "val_bpb"),
    ("loss|eval/c4/loss|eval/pile/loss", "?"),
    ("loss_c4|loss_pile", "?"),
    ("final_val_loss|best_val_loss", "?"),
    ("accuracy|unigram_entropy", None),
]
SIZES = [
    ("params|params_non_embedding", "params_non_embedding"),
    ("params_total|params_non_emb", "params_non_emb"),
    ("N|N_total", "N"),
    ("N|N_no_embed", "N_no_embed"),
    ("total_params|active_params", "active_params"),
    ("num_params|num_scaling_params", "num_scaling_params"),
    ("params_wte|params_lm_head|params_transformer|params_total", "params_transformer"),
    ("nparams_nonemb|nparams", "nparams_nonemb"),
    ("parameter_count|n_layers|n_heads", "parameter_count"),
    ("embedding_params|params|tokens_per_param", "params"),
    ("config.n_params|config.hidden", "config.n_params"),
    ("encoder_params|decoder_params", "?"),
    ("n_layers|hyperparams", None),
]
TOKENS = [
    ("tokens_trained", "tokens_trained"),
    ("total_tokens|tokens_per_second|batch_tokens", "total_tokens"),
    ("train_tokens|val_tokens|vocab_tokens", "train_tokens"),
    ("consumed_tokens|target_tokens", "consumed_tokens"),
    ("throughput/total_tokens|unique_tokens", "throughput/total_tokens"),
    ("tokens_a|tokens_c", "?"),
    ("unique_tokens|tokens_per_param", None),
]


@pytest.mark.parametrize(
    ("key", "header", "column"),
    [(key, *case) for key, cases in (("loss", LOSSES), ("N", SIZES), ("D", TOKENS)) for case in cases],
)
def test_columns_are_told_by_their_names(key, header, column):
    names = header.split("|")
    for order in (names, names[::-1]):
        if column == "?":
            with pytest.raises(FitError, match=f"choose with --{key.lower()}-column"):
                guess(order, key)
        else:
            found = guess(order, key)
            assert (found and found.name) == column


def test_the_choice_is_printed(tmp_path):
    N, D, loss = planted(0.01)
    rows = [["params", "params_non_embedding", "tokens", "loss", "val_loss"]]
    rows += [
        [f"{n * 1.5 + 4e7:.0f}", f"{n:.0f}", f"{d:.0f}", f"{v - 0.2:.5f}", f"{v:.5f}"] for n, d, v in zip(N, D, loss)
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    text = run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    assert "read: N = params_non_embedding, not params\n" in text
    assert "read: loss = val_loss, not loss\n" in text
    (tmp_path / "t.csv").write_text(lines([[row[1], row[2], row[3]] for row in rows]).replace("loss", "train_loss"))
    assert (
        "a training loss: no column is named as held-out"
        in run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    )


def test_training_and_held_out_rows_in_one_table_are_told(tmp_path):
    rows = [line.split(",") for line in PLAIN.splitlines()]
    long = [[*rows[0], "split"]]
    for n, d, loss in rows[1:]:
        long += [[n, d, loss, "Val"], [n, d, str(float(loss) * 0.9), "train"]]
    (tmp_path / "t.csv").write_text(lines(long))
    warning = "training and held-out losses in one fit (split: Val, train): --where split=... keeps one"
    assert warning in run("fit", tmp_path / "t.csv", "--intervals", "delta").output
    kept = run("fit", tmp_path / "t.csv", "--intervals", "delta", "--where", "split=Val").output
    assert "36 rows" in kept
    assert "in one fit" not in kept
