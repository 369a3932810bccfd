"""Words of a plan's page: its first sentence, what to do in steps, captions, and small tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.numerals import counted
from ...pilots.planning.plan_told import GOOD_AS_NEW

Plan = Mapping[str, Any]


def headline(plan: Plan) -> str:
    """One sentence that says it all."""
    if plan["refused"]:
        doubt = plan["refused"][0]
        return f"No plan yet: {doubt['reason']}. To get one, {doubt['remedy']}."
    shape = plan["shape"]
    heads = f"{shape['heads']} head{'s' if shape['heads'] > 1 else ''}"
    return (
        f"Train about {counted(plan['N'])} parameters on {counted(plan['D'])} tokens: such as a decoder "
        f"{shape['hidden']} wide with {shape['layers']} layers and {heads}."
    )


def steps(plan: Plan) -> list[str]:
    """What a practitioner wants to know next, most important first, without full stops."""
    out = []
    data = plan["data"]
    if data["repeating"]:
        few = data["repeating"]["published"]["worth"] < GOOD_AS_NEW
        out.append(
            f"The corpus has {counted(data['unique_tokens'])} unique tokens: this plan would go through them "
            f"{data['epochs']:.2g} times, {'so more data comes first' if few else 'which costs little'}"
        )
    if (near := plan["near_best"]) and not plan["refused"]:
        low, high = near["N"]
        out.append(
            f"Any N from {counted(low)} to {counted(high)} costs at most {100 * near['tolerance']:g} % of the loss: "
            "choose what suits your hardware"
        )
    return out


def spent_time(hours: float) -> str:
    """A time as people say it, in the largest unit of which there is one."""
    units = [(scale, name) for scale, name in ((1.0, "h"), (60.0, "min"), (3600.0, "s")) if hours * scale >= 1]
    scale, name = units[0] if units else (3600.0, "s")
    value = hours * scale
    text = f"{value:,.0f}".replace(",", "\u202f") if value >= 100 else f"{value:.2g}"
    return f"{text} {name}"


def captions(plan: Plan) -> dict[str, str]:
    """What each figure shows of this plan."""
    check, isoflop = plan["check"], plan["isoflop"]
    lines = [line["from"] for line in plan["lines"]]
    found = len(isoflop["best"])
    note = isoflop["note"]
    held = (
        f"The {check['n']} runs of most compute, predicted by the law of the others: {check['held']} lie within their "
        f"{100 * plan['level']:g} % band, and the worst prediction is {100 * abs(check['worst_error']):.2g} % off. A "
        "law that fails here does not reach the target either."
        if check
        else "Too few runs are left to predict the largest from."
    )
    return {
        "isoflop": "Loss against N at equal training compute. "
        + (
            f"Diamonds are the best N of {found} computes, read off without any law: {note}."
            if found
            else f"{note[:1].upper()}{note[1:]}."
        ),
        "best_n": "The best N against compute, from the pilot to the target. "
        + (
            "The plan's line lies between the runs' own and what was known before, nearer to the surer one: the runs "
            "at small compute, web text at large."
            if {"prior", "runs"} <= set(lines)
            else "The plan's line rests on one piece of evidence alone."
        ),
        "held_out": held,
    }


def size_rows(plan: Plan) -> list[dict[str, Any]]:
    """Where parameters and FLOPs go: the pilot's smallest and largest size, and the target."""
    sizes = plan["vocabulary"]["sizes"]
    *pilot, target = sizes
    picked = [("pilot, smallest", pilot[0])] if pilot else []
    if len(pilot) > 1:
        picked.append(("pilot, largest", pilot[-1]))
    return [{"name": name, **size} for name, size in [*picked, ("target", target)]]


def recipe_rows(plan: Plan) -> list[dict[str, Any]]:
    """Learning rate and batch by each rule."""
    recipe = plan["recipe"]
    return [
        {key: rule[key] for key in ("rule", "learning_rate", "batch_tokens")} | {"outside": "; ".join(rule["outside"])}
        for rule in (recipe, recipe["other"])
    ]
