"""A pilot's plan in lines of text, for a terminal: the answer first, then why, then what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.numerals import counted
from ...base.text_table import aligned, wrapped
from .plan_next import next_sentence as next_told

Plan = Mapping[str, Any]
CHECK = "extrapolation check"  # how a warning about it begins
GOOD_AS_NEW = 0.9  # of new tokens, what repeated ones may be worth without a word against them


def plan_lines(plan: Plan) -> list[str]:
    """Tell a plan (plan.json) in about twenty lines of at most ``WIDTH`` letters."""
    mark = "NO PLAN: " if plan["refused"] else ""
    said = [f"{doubt['reason'][:1].upper()}{doubt['reason'][1:]}; {doubt['remedy']}." for doubt in plan["refused"]]
    said.append(
        f"{mark}{plan['pilot']}: N {banded(plan, 'N')}, D {banded(plan, 'D')}, {banded(plan, 'tokens_per_parameter')} "
        f"tokens a parameter: best split of C = {plan['C']:.3g}, all FLOPs, {100 * plan['level']:g}% bands"
    )
    if plan["loss"] is not None:
        low, high = plan["loss_interval"]
        said.append(f"loss {plan['loss']:.4g} ({low:.4g} to {high:.4g}) {plan['loss_unit']}, of a run on new tokens")
    said.append(shape_sentence(plan))
    if near := plan["near_best"]:
        low, high = near["N"]
        said.append(f"N from {counted(low)} to {counted(high)} costs at most {100 * near['tolerance']:g}% of that loss")
    said.append(bill_sentence(plan))
    table = aligned(moved_rows(plan))
    rest = [f"Rests on {runs_sentence(plan)}."]
    missed = any(text.startswith(CHECK) for text in plan["warnings"])
    sentences = [None if missed else check_sentence(plan), data_sentence(plan), vocabulary_sentence(plan)]
    rest += [f"{sentence}." for sentence in [*sentences, rate_sentence(plan)] if sentence]
    if sentence := next_sentence(plan):
        rest.append(f"Next: {sentence}.")
    rest += [f"Warning: {text}." for text in plan["warnings"]]
    return [*wrapped(said), *table, *wrapped(rest)]


def banded(plan: Plan, key: str) -> str:
    """A number with its band."""
    low, high = plan[f"{key}_interval"]
    return f"{counted(plan[key])} ({counted(low)} to {counted(high)})"


def shape_sentence(plan: Plan) -> str:
    """What to build."""
    shape = plan["shape"]
    heads = f"{shape['heads']} head{'s' if shape['heads'] > 1 else ''}"
    return (
        f"build {shape['hidden']} wide, {shape['layers']} layers, {heads}, vocabulary {shape['vocab_size']} and "
        f"context {shape['context']} as in the pilot: N {counted(shape['N'])}, {counted(shape['N_total'])} with "
        "embeddings"
    )


def bill_sentence(plan: Plan) -> str:
    """What it costs, with what is assumed."""
    bill = plan["bill"]
    return (
        f"{bill['gpu_hours']:.3g} GPU-hours at {bill['gpu_flops']:.3g} FLOPs a second, {bill['cost']:.3g} at "
        f"{bill['price']:g} an hour (assumed: --gpu-flops, --price); 6 N D is {plan['C_6nd']:.3g}"
    )


# what the page and the table call the pieces of evidence
EVIDENCE = {"prior": "prior", "H": "H of the corpus", "runs": "the pilot's runs"}


def moved_rows(plan: Plan) -> list[dict[str, Any]]:
    """Where N stood after each piece of evidence, and by how much that moved it."""
    rows = []
    for line in plan["lines"]:
        low, high = line["N_interval"]
        name = EVIDENCE[line["from"]] + (f": {plan['prior']}" if line["from"] == "prior" else "")
        alone = line["alone"] if line["from"] == "runs" else None
        itself = f"{counted(alone['N'])} ({' to '.join(map(counted, alone['N_interval']))})" if alone else ""
        rows.append(
            {
                "after": name,
                "N": counted(line["N"]),
                "from": counted(low),
                "to": counted(high),
                "moved by": "-" if line["factor"] is None else f"x{line['factor']:.3g}",
                "decades": f"{line['decades']:.2f}",
                "by itself": itself,
            }
        )
    return rows


def runs_sentence(plan: Plan) -> str:
    """What the pilot was."""
    runs, law = plan["runs"], plan["law"]
    text = (
        f"{runs['cells']} cells of {runs['trunks']} runs, N {counted(runs['N'][0])} to {counted(runs['N'][1])}, C "
        f"{runs['C'][0]:.2g} to {runs['C'][1]:.2g}"
    )
    return text if law is None else f"{text}; links {_weights(law['links'])}"


def _weights(links: Mapping[str, Any]) -> str:
    known = [(name, link["weight"]) for name, link in links.items() if link["weight"] >= 0.005]
    return ", ".join(f"{name} {100 * weight:.0f}%" for name, weight in known)


def check_sentence(plan: Plan) -> str:
    """How well the largest runs were predicted from the others."""
    check = plan["check"]
    if check is None:
        return "Extrapolation check: too few runs are left without the largest"
    return (
        f"Extrapolation check: {check['held']} of the {check['n']} runs of most compute lie within the band predicted "
        f"from the others, {100 * abs(check['worst_error']):.2g}% off at worst"
    )


def data_sentence(plan: Plan) -> str:
    """Whether the corpus is large enough."""
    data = plan["data"]
    if (advice := data["repeating"]) and (split := advice["split"]):
        far = ", extrapolated" if advice["extrapolates"] else ""
        return (
            f"Data: D asks for {data['epochs']:.3g} epochs of {counted(data['unique_tokens'])} unique tokens, which "
            f"costs {advice['cost']:.2g} nats per token against new ones; best is then N {counted(split['N'])} "
            f"({' to '.join(map(counted, split['N_interval']))}), D {counted(split['D'])}{far}"
        )
    if advice:
        worth = advice["published"]["worth"]
        return (
            f"Data: D asks for {data['epochs']:.3g} epochs of {counted(data['unique_tokens'])} unique tokens, worth "
            f"{worth:.2g} as many new ones by a discount that was measured with larger models"
            + ("" if worth >= GOOD_AS_NEW else ": get more data, or spend less")
        )
    return f"Data: D is {data['epochs']:.2g} of the {counted(data['unique_tokens'])} unique tokens, all of them new"


def vocabulary_sentence(plan: Plan) -> str:
    """What the vocabulary takes, at the target and in the pilot."""
    *pilot, target = plan["vocabulary"]["sizes"]
    most = {key: max((size[key] for size in pilot), default=target[key]) for key in ("embedding_share", "head_share")}
    return (
        f"Vocabulary {plan['vocabulary']['size']}: {100 * target['embedding_share']:.2g}% of all parameters and "
        f"{100 * target['head_share']:.2g}% of FLOPs at the target, up to {100 * most['embedding_share']:.0f}% and "
        f"{100 * most['head_share']:.0f}% in the pilot"
    )


def rate_sentence(plan: Plan) -> str:
    """Learning rate and batch to begin with, and whether their rule was measured there."""
    recipe = plan["recipe"]
    decades = f"{recipe['decades']:.1f} decades outside of what it was fitted on"
    far = f": {decades}, so tune them" if recipe["outside"] else ""
    return (
        f"To begin with: peak learning rate {recipe['learning_rate']:.2g}, batch {counted(recipe['batch_tokens'], 2)} "
        f"tokens ({recipe['rule']}{far})"
    )


def next_sentence(plan: Plan) -> str | None:
    """What would narrow the band most next; None where no round would."""
    return next_told(plan["next"])
